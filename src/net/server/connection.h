#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "net/server/core.h"
#include "net/server/session.h"

namespace weft::net {

// One accepted socket and the session on it.
//
// Loop threads read; whoever has something to say (a worker with an answer, usually) writes to the
// socket by itself, and only what the socket does not take is left to the loop. That saves a
// request two thread switches. One mutex guards the session, the output and the socket; under it
// there is memory work and non-blocking I/O only, never a handler.
class Connection final : public std::enable_shared_from_this<Connection>, private Host {
 public:
  // Takes ownership of the non-blocking socket `fd`, which is to be watched by `epoll`.
  Connection(std::shared_ptr<Core> core, int epoll, int fd, std::string peer);
  ~Connection() override;

  // --- loop thread ---
  // Adds the socket to the epoll instance. False: that failed.
  bool watch();
  // False: the connection is over; call close() and forget it.
  bool on_events(std::uint32_t events, std::span<char> scratch);
  bool on_tick(std::int64_t now_ns);
  void close();

  // --- any thread ---
  // No new requests; ends when the present ones are answered.
  void stop();
  // Calls action(session) and sends what comes of it; not when the connection is closed.
  template <class Action>
  void act(Action action) {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    action(*session_);
    advance();
  }
  // Appends to a streamed answer, then waits until less than 1 MiB of it waits to be sent. False:
  // the client is gone.
  bool write(const AnswerPtr& answer, std::string&& bytes);
  // Turns the connection into a WebSocket; null when the client has gone.
  std::shared_ptr<WebSocket> upgrade(Answer& answer);
  // Runs a task on a worker. False: no room.
  bool submit(std::function<void()> task) { return core_->pool.submit(std::move(task)); }
  // False once nothing can be sent any more.
  bool is_open() const;
  void failed() { core_->count(Refusal::failed); }
  void count_status(int status) { core_->metrics.count_status(status); }

 private:
  Host& host() { return *this; }
  // Host, called by the session under the mutex.
  OutputQueue& output() override { return output_; }
  std::int64_t now_ns() const override;
  bool dispatch(Request&& request, const AnswerPtr& answer, std::size_t charged) override;
  bool charge(std::size_t bytes) override { return core_->charge(bytes); }
  void release(std::size_t bytes) override { core_->release(bytes); }
  void settle(Answer& answer) override;
  void count(Refusal reason) override { core_->count(reason); }
  void finish() override { finishing_ = true; }
  void abort() override { aborted_ = true; }

  // All under the mutex.
  void read(std::span<char> scratch);
  void take(std::string_view bytes);
  void advance();
  void flush();
  void end_if_finished();
  void hang_up();
  void update_interest();
  void update_unsettled();
  bool is_over() const { return hung_up_; }

  // Constant after construction.
  const std::shared_ptr<Core> core_;
  const int epoll_;
  const int fd_;
  const std::string peer_;

  mutable std::mutex mutex_;
  std::condition_variable drained_;  // output went out, or an answer or the connection ended
  // Under mutex_.
  std::size_t writers_ = 0;  // that wait for drained_
  OutputQueue output_;
  std::unique_ptr<Session> session_;
  std::string sniffed_;  // the first bytes, until they tell HTTP/1 from HTTP/2
  bool sniffing_ = true;
  std::uint32_t interest_ = 0;
  bool end_seen_ = false;               // the peer sends no more
  bool finishing_ = false;              // close once all is sent
  bool lingering_ = false;              // our half is closed; waiting for the peer to close his
  bool aborted_ = false;                // close now
  bool hung_up_ = false;                // only the loop's close() is missing
  bool closed_ = false;                 // the socket is closed
  bool unsettled_ = false;              // counted as such in core_
  std::int64_t progress_ns_;            // output last went out, or began to wait
  std::int64_t linger_silence_ns_ = 0;  // when lingering ends without more input
  std::int64_t linger_end_ns_ = 0;      // and at the latest
};

// Where one answer goes. See Responder.
class Responder::Sink {
 public:
  Sink(std::shared_ptr<Connection> connection, AnswerPtr answer)
      : connection_(std::move(connection)), answer_(std::move(answer)) {}
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void send(Response&& response);
  void begin(int status, const Headers& headers);
  bool write(std::string&& bytes);
  void end(Headers&& trailers);
  void upgrade(std::function<void(std::shared_ptr<WebSocket>)> ready);
  bool cancelled() const { return answer_->gone; }
  // The handler has failed: answers with that status, or breaks off what has begun.
  void fail(int status, std::string_view text);

 private:
  std::shared_ptr<Connection> connection_;
  AnswerPtr answer_;
};

}  // namespace weft::net
