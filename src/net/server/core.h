#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/metrics.h"
#include "base/thread_pool.h"
#include "net/server.h"
#include "net/server/session.h"

namespace weft::net {

struct ServerMetrics {
  explicit ServerMetrics(Registry& registry);
  Gauge& connections;
  Gauge& in_flight;
  Counter& received;
  Counter& sent;
  Histogram& seconds;
  std::array<Counter*, kRefusals> refused;
  std::array<Counter*, 5> answered;  // by the hundreds of the status: 1xx to 5xx

  void count_status(int status) {
    if (status >= 100 && status < 600) answered[static_cast<std::size_t>(status / 100 - 1)]->add();
  }
};

// What all connections of one server share. It outlives the server as long as somebody holds a
// Responder. Thread-safe.
struct Core {
  Core(ServerOptions options, Handler handler, Registry& registry);

  // Bytes of request bodies that are being received, wait, or are being handled.
  bool charge(std::size_t bytes);
  void release(std::size_t bytes);

  // Connections that still owe an answer; the server's stop waits for none.
  void unsettled(int change);
  // Waits up to `timeout_ns` for all to be settled.
  void wait_settled(std::int64_t timeout_ns);

  void count(Refusal reason) { metrics.refused[static_cast<std::size_t>(reason)]->add(); }

  const ServerOptions options;
  const std::string prefix;  // normalised
  Handler handler;           // constant while the pool runs
  ServerMetrics metrics;
  std::atomic<std::size_t> open_connections{0};
  ThreadPool pool;

 private:
  const std::size_t body_budget_;
  std::atomic<std::size_t> body_bytes_{0};
  std::mutex mutex_;
  std::condition_variable settled_;
  std::int64_t unsettled_ = 0;  // under mutex_
};

}  // namespace weft::net
