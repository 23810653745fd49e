#include "net/server/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

namespace weft::net {
namespace {

constexpr std::size_t kScratchBytes = 128 * 1024;
constexpr int kEventsMax = 128;
constexpr int kAcceptsPerEvent = 64;
constexpr std::int64_t kTickNsMax = 1'000'000'000;
constexpr std::int64_t kTickNsMin = 5'000'000;

std::string peer_text(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
  return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

void set_options(int fd) {
  auto set = [fd](int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  // Finds out about a peer that is gone without a word, a minute after it last said one.
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::create(std::shared_ptr<Core> core) {
  int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int spare = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::unique_ptr<Loop> loop(new Loop(std::move(core), epoll, wake, spare));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the wake-up
  if (epoll < 0 || wake < 0 || ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) != 0)
    return Error(Code::unavailable, std::string("cannot create an event loop: ") + std::strerror(errno));
  return loop;
}

Loop::Loop(std::shared_ptr<Core> core, int epoll, int wake, int spare)
    : core_(std::move(core)), epoll_(epoll), wake_(wake), spare_(spare) {}

Loop::~Loop() {
  join();
  for (int fd : {epoll_, wake_, spare_})
    if (fd >= 0) ::close(fd);
}

Result<void> Loop::accept_from(int listener, std::vector<Loop*> loops) {
  listener_ = listener;
  loops_ = std::move(loops);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = this;  // the listener
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event) != 0)
    return Error(Code::unavailable,
                 std::string("cannot watch the listening socket: ") + std::strerror(errno));
  return {};
}

void Loop::start() {
  thread_ = std::jthread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "weft-net");
}

void Loop::add(int fd, std::string peer) {
  auto connection = std::make_shared<Connection>(core_, epoll_, fd, std::move(peer));
  std::lock_guard lock(mutex_);
  // The table comes first: from watch() on, the loop's thread may end the connection.
  if (stopped_) return connection->close();
  connections_.emplace(connection.get(), connection);
  core_->metrics.connections.add(1);
  core_->open_connections.fetch_add(1, std::memory_order_relaxed);
  if (connection->watch()) return;
  connection->close();
  erase(connection.get());
}

void Loop::stop_connections() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  for (const auto& connection : all()) connection->stop();
}

void Loop::join() {
  if (!thread_.joinable()) return;
  ending_ = true;
  std::uint64_t one = 1;
  while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
}

// Under mutex_.
std::shared_ptr<Connection> Loop::erase(Connection* connection) {
  auto found = connections_.find(connection);
  if (found == connections_.end()) return nullptr;
  core_->metrics.connections.add(-1);
  core_->open_connections.fetch_sub(1, std::memory_order_relaxed);
  std::shared_ptr<Connection> out = std::move(found->second);
  connections_.erase(found);
  return out;
}

void Loop::forget(Connection* connection) {
  connection->close();
  std::lock_guard lock(mutex_);
  ended_.push_back(erase(connection));
}

std::vector<std::shared_ptr<Connection>> Loop::all() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Connection>> out;
  out.reserve(connections_.size());
  for (const auto& [key, connection] : connections_) out.push_back(connection);
  return out;
}

// Often enough for the shortest limit, seldom enough not to matter: a tick looks at every connection.
int Loop::wait_ms() const {
  std::int64_t tick = std::min(core_->options.header_timeout_ns, core_->options.idle_timeout_ns) / 4;
  return static_cast<int>(std::clamp(tick, kTickNsMin, kTickNsMax) / 1'000'000);
}

void Loop::run() {
  std::vector<char> scratch(kScratchBytes);
  std::array<epoll_event, kEventsMax> events;
  const int tick_ms = wait_ms();
  std::int64_t ticked = steady_ns();
  while (!ending_) {
    int n = ::epoll_wait(epoll_, events.data(), kEventsMax, tick_ms);
    for (int i = 0; i < n; ++i) {
      void* source = events[i].data.ptr;
      if (source == nullptr) continue;  // woken up, to end
      if (source == this) {
        accept_all();
        continue;
      }
      auto* connection = static_cast<Connection*>(source);
      bool open = false;
      try {
        open = connection->on_events(events[i].events, scratch);
      } catch (const std::bad_alloc&) {  // gives back what this one holds, so that others can go on
        LOG(error, "connection closed", {"error", "out of memory"});
      }
      if (!open) forget(connection);
    }
    if (std::int64_t now = steady_ns(); now - ticked >= std::int64_t{tick_ms} * 1'000'000) {
      ticked = now;
      tick();
    }
    ended_.clear();
  }
  stop_connections();
  for (const auto& connection : all()) forget(connection.get());
  ended_.clear();
}

void Loop::tick() {
  std::int64_t now = steady_ns();
  for (const auto& connection : all())
    if (!connection->on_tick(now)) forget(connection.get());
}

void Loop::accept_all() {
  for (int i = 0; i < kAcceptsPerEvent; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && spare_ >= 0) {
      // Out of descriptors: the spare one lets us take the connection off the queue and close it.
      LOG(warn, "connection refused", {"error", std::strerror(errno)});
      core_->count(Refusal::connections);
      ::close(spare_);
      if (int refused = ::accept(listener_, nullptr, nullptr); refused >= 0) ::close(refused);
      spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      return;
    }
    if (fd < 0 && errno == EINVAL)
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);  // it was shut down
    if (fd < 0) return;
    if (core_->open_connections.load(std::memory_order_relaxed) >= core_->options.connections_max) {
      core_->count(Refusal::connections);
      static constexpr std::string_view kBusy =
          "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 21\r\n"
          "connection: close\r\n\r\ntoo many connections\n";
      (void)::send(fd, kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      ::close(fd);
      continue;
    }
    set_options(fd);
    loops_[next_loop_++ % loops_.size()]->add(fd, peer_text(address));
  }
}

}  // namespace weft::net
