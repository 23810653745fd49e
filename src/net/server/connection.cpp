#include "net/server/connection.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/http1/session.h"
#include "net/http2/session.h"
#include "net/server/gzip.h"
#include "net/websocket/session.h"

namespace weft::net {
namespace {

constexpr std::size_t kWriteBacklogBytesMax = std::size_t{1} << 20;
constexpr int kReadsPerEvent = 4;  // then others have their turn
// After we closed our half, the connection stays until the peer closes his, is silent for so long,
// or has gone on sending for so long: an answer must not be lost to the reset that the kernel sends
// when input is left unread.
constexpr std::int64_t kLingerSilenceNs = 500'000'000;
constexpr std::int64_t kLingerNsMax = 10'000'000'000;

// A WebSocket as its user sees it.
class SocketHandle final : public WebSocket {
 public:
  SocketHandle(std::shared_ptr<Connection> connection, websocket::WebSocketSession& session)
      : connection_(std::move(connection)), session_(session) {}
  ~SocketHandle() override { close(websocket::kNormal, ""); }

  bool send_text(std::string message) override {
    bool sent = false;
    connection_->act([&](Session&) { sent = session_.send_text(message); });
    return sent;
  }
  void close(int code, std::string_view reason) override {
    connection_->act([&](Session&) { session_.close(code, reason); });
  }
  bool closed() const override {
    bool closed = true;
    connection_->act([&](Session&) { closed = session_.closed(); });
    return closed;
  }

 private:
  std::shared_ptr<Connection> connection_;
  websocket::WebSocketSession& session_;  // the connection's last session; touched under its lock
};

struct Job {
  std::shared_ptr<Core> core;
  std::shared_ptr<Responder::Sink> sink;
  AnswerPtr answer;
  Request request;
  std::size_t charged;

  void run() {
    if (!answer->settled) call();
    core->release(charged);
    sink.reset();
  }

  // The boundary where no exception of a handler gets past.
  void call() {
    try {
      core->handler(std::move(request), Responder(sink));
    } catch (const std::bad_alloc&) {
      LOG(error, "request failed", {"error", "out of memory"});
      sink->fail(503, "out of memory; try again later");
    } catch (const std::exception& e) {
      LOG(error, "request failed", {"error", e.what()});
      sink->fail(500, "internal error");
    }
  }
};

}  // namespace

Connection::Connection(std::shared_ptr<Core> core, int epoll, int fd, std::string peer)
    : core_(std::move(core)), epoll_(epoll), fd_(fd), peer_(std::move(peer)), progress_ns_(steady_ns()) {
  session_ = std::make_unique<http1::Http1Session>(host(), core_->options, core_->prefix);
}

Connection::~Connection() {
  if (!closed_) ::close(fd_);
}

std::int64_t Connection::now_ns() const {
  return steady_ns();
}

bool Connection::watch() {
  std::lock_guard lock(mutex_);
  interest_ = EPOLLIN | EPOLLRDHUP;
  epoll_event event{};
  event.events = interest_;
  event.data.ptr = this;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) == 0;
}

bool Connection::on_events(std::uint32_t events, std::span<char> scratch) {
  std::lock_guard lock(mutex_);
  if (closed_ || is_over()) return false;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    hang_up();
  } else {
    if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) read(scratch);
    advance();
  }
  return !is_over();
}

void Connection::read(std::span<char> scratch) {
  for (int i = 0; i < kReadsPerEvent && !end_seen_; ++i) {
    if (!lingering_ && !session_->wants_input()) break;
    ssize_t n = ::recv(fd_, scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) aborted_ = true;
      return;
    }
    if (n == 0) {
      end_seen_ = true;
      if (!lingering_) session_->end_of_input();
      return;
    }
    core_->metrics.received.add(static_cast<std::uint64_t>(n));
    if (lingering_) linger_silence_ns_ = steady_ns() + kLingerSilenceNs;
    if (!lingering_ && !finishing_) take({scratch.data(), static_cast<std::size_t>(n)});
    if (static_cast<std::size_t>(n) < scratch.size()) return;
  }
}

// The first bytes decide the protocol: HTTP/2's preface, or HTTP/1.
void Connection::take(std::string_view bytes) {
  if (!sniffing_) return session_->input(bytes);
  if (!sniffed_.empty()) {
    sniffed_ += bytes;
    bytes = sniffed_;
  }
  std::size_t n = std::min(bytes.size(), http2::kPreface.size());
  if (bytes.substr(0, n) == http2::kPreface.substr(0, n)) {
    if (n < http2::kPreface.size()) {
      if (sniffed_.empty()) sniffed_ = bytes;
      return;
    }
    session_ = std::make_unique<http2::Http2Session>(host(), core_->options, core_->prefix);
  }
  sniffing_ = false;
  std::string first = std::exchange(sniffed_, {});
  session_->input(first.empty() ? bytes : std::string_view(first));
}

// After anything that may have changed the session or the output.
void Connection::advance() {
  flush();
  end_if_finished();
  update_interest();
  update_unsettled();
  if (writers_ > 0) drained_.notify_all();
}

void Connection::flush() {
  if (lingering_ || aborted_) return;
  for (;;) {
    bool waited = !output_.empty();
    session_->produce();
    if (output_.empty() || aborted_) return;
    std::size_t sent = 0;
    OutputQueue::Outcome outcome = output_.flush(fd_, sent);
    if (sent > 0 || !waited) progress_ns_ = steady_ns();
    if (sent > 0) core_->metrics.sent.add(sent);
    if (outcome == OutputQueue::Outcome::failed) aborted_ = true;
    if (outcome != OutputQueue::Outcome::sent_all) return;
  }
}

void Connection::end_if_finished() {
  if (is_over()) return;
  if (aborted_ || (end_seen_ && (lingering_ || (finishing_ && output_.empty())))) return hang_up();
  if (!finishing_ || lingering_ || !output_.empty()) return;
  lingering_ = true;
  linger_silence_ns_ = steady_ns() + kLingerSilenceNs;
  linger_end_ns_ = steady_ns() + kLingerNsMax;
  session_->lost();
  ::shutdown(fd_, SHUT_WR);
}

// Ends everything but the descriptor, which the loop closes when the hang-up reaches it.
void Connection::hang_up() {
  hung_up_ = true;
  session_->lost();
  output_.clear();
  ::shutdown(fd_, SHUT_RDWR);
  drained_.notify_all();
  update_unsettled();
}

void Connection::update_interest() {
  if (is_over()) return;  // a hang-up is reported without being asked for
  std::uint32_t wanted = 0;
  if (!end_seen_ && (lingering_ || session_->wants_input())) wanted |= EPOLLIN | EPOLLRDHUP;
  if (!output_.empty()) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  epoll_event event{};
  event.events = wanted;
  event.data.ptr = this;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event);
}

void Connection::update_unsettled() {
  bool now = !is_over() && !lingering_ && (!session_->idle() || !output_.empty());
  if (now == unsettled_) return;
  unsettled_ = now;
  core_->unsettled(now ? 1 : -1);
}

bool Connection::on_tick(std::int64_t now) {
  std::lock_guard lock(mutex_);
  if (closed_ || is_over()) return false;
  if (lingering_) {
    if (now >= std::min(linger_silence_ns_, linger_end_ns_)) hang_up();
  } else if (!output_.empty() && now >= progress_ns_ + core_->options.idle_timeout_ns) {
    core_->count(Refusal::slow);  // a reader that does not read
    hang_up();
  } else if (now >= session_->deadline_ns()) {
    session_->timeout();
    advance();
  }
  return !is_over();
}

void Connection::close() {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  if (!is_over()) hang_up();
  closed_ = true;
  ::close(fd_);
}

void Connection::stop() {
  act([](Session& session) { session.stop(); });
}

bool Connection::is_open() const {
  std::lock_guard lock(mutex_);
  return !closed_ && !is_over();
}

bool Connection::write(const AnswerPtr& answer, std::string&& bytes) {
  std::unique_lock lock(mutex_);
  if (closed_ || answer->settled) return false;
  session_->write(*answer, std::move(bytes));
  advance();
  ++writers_;
  drained_.wait(lock, [&] {
    return answer->settled || closed_ || session_->backlog(*answer) <= kWriteBacklogBytesMax;
  });
  --writers_;
  return !answer->settled;
}

std::shared_ptr<WebSocket> Connection::upgrade(Answer& answer) {
  std::lock_guard lock(mutex_);
  if (closed_ || answer.settled || answer.begun) return nullptr;
  // The answer is not settled, so the session is still the one that asked: HTTP/1.
  auto& http = static_cast<http1::Http1Session&>(*session_);
  std::string rest = http.upgrade(answer);
  auto session = std::make_unique<websocket::WebSocketSession>(host());
  websocket::WebSocketSession& socket = *session;
  session_ = std::move(session);
  if (!rest.empty()) session_->input(rest);
  if (end_seen_) session_->end_of_input();
  advance();
  return std::make_shared<SocketHandle>(shared_from_this(), socket);
}

bool Connection::dispatch(Request&& request, const AnswerPtr& answer, std::size_t charged) {
  request.peer = peer_;
  answer->dispatched_ns = steady_ns();
  answer->gzip = accepts_gzip(request.header("accept-encoding"));
  auto job = std::make_shared<Job>();
  job->core = core_;
  job->answer = answer;
  job->request = std::move(request);
  job->charged = charged;
  job->sink = std::make_shared<Responder::Sink>(shared_from_this(), answer);
  core_->metrics.in_flight.add(1);
  if (core_->pool.submit([job] { job->run(); })) return true;
  settle(*answer);  // before the sink goes, which would answer 500 by itself
  return false;
}

void Connection::settle(Answer& answer) {
  if (answer.settled.exchange(true)) return;
  core_->metrics.in_flight.add(-1);
  core_->metrics.seconds.observe(static_cast<double>(steady_ns() - answer.dispatched_ns) / 1e9);
}

Responder::Sink::~Sink() {
  if (!answer_->settled) fail(500, "no answer");
}

void Responder::Sink::fail(int status, std::string_view text) {
  if (answer_->settled) return;
  connection_->failed();
  connection_->act([&](Session& session) {
    if (answer_->settled) return;
    if (answer_->begun) return session.break_off(*answer_);
    connection_->count_status(status);
    session.send(*answer_, plain_response(status, text, answer_->grpc));
  });
}

void Responder::Sink::send(Response&& response) {
  if (answer_->settled) return;
  if (answer_->gzip) compress_answer(response);
  connection_->act([&](Session& session) {
    if (answer_->settled) return;
    connection_->count_status(response.status);
    session.send(*answer_, std::move(response));
  });
}

void Responder::Sink::begin(int status, const Headers& headers) {
  connection_->act([&](Session& session) {
    if (answer_->settled) return;
    connection_->count_status(status);
    session.begin(*answer_, status, headers);
  });
}

bool Responder::Sink::write(std::string&& bytes) {
  return connection_->write(answer_, std::move(bytes));
}

void Responder::Sink::end(Headers&& trailers) {
  connection_->act([&](Session& session) {
    if (!answer_->settled) session.end(*answer_, std::move(trailers));
  });
}

void Responder::Sink::upgrade(std::function<void(std::shared_ptr<WebSocket>)> ready) {
  if (answer_->websocket_key.empty()) {
    return send({400,
                 {{"content-type", "text/plain; charset=utf-8"}, {"sec-websocket-version", "13"}},
                 "this address speaks WebSocket: ask for an upgrade (RFC 6455, version 13)\n",
                 {}});
  }
  std::shared_ptr<WebSocket> socket = connection_->upgrade(*answer_);
  if (!socket) return;
  if (!connection_->submit([ready = std::move(ready), socket] { ready(socket); }))
    socket->close(websocket::kTryAgainLater, "server is busy");
}

// --- Responder ---

void Responder::send(Response response) const {
  sink_->send(std::move(response));
}
void Responder::begin(int status, Headers headers) const {
  sink_->begin(status, headers);
}
bool Responder::write(std::string bytes) const {
  return sink_->write(std::move(bytes));
}
void Responder::end(Headers trailers) const {
  sink_->end(std::move(trailers));
}
void Responder::upgrade(std::function<void(std::shared_ptr<WebSocket>)> ready) const {
  sink_->upgrade(std::move(ready));
}
bool Responder::cancelled() const {
  return sink_->cancelled();
}

}  // namespace weft::net
