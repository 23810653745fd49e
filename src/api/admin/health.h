#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "net/grpc.h"
#include "net/server.h"

namespace weft::api {

// The numbers of grpc.health.v1's ServingStatus.
enum class Health : unsigned char { serving = 1, not_serving = 2, service_unknown = 3 };

// Who watches the health of a server (grpc.health.v1.Health/Watch): each is told at once and again
// when it changes, until it goes away or the server stops. One thread for all of them, from the first
// on. Thread-safe. Metric: weft_health_watches.
class HealthWatches {
 public:
  struct Questions {
    std::function<Health()> now;
    std::function<bool()> stopping;
  };
  // The questions are asked from any thread, until the destructor has ended.
  HealthWatches(Questions questions, Registry& metrics);
  ~HealthWatches();  // ends all of them

  // Answers one call. `service_known`: else it is told that, once, and waits for nothing.
  void add(net::Responder responder, bool service_known);

 private:
  struct Watch {
    net::Responder responder;
    net::GrpcStream stream;
    bool known = true;
    Health told = Health::service_unknown;
  };
  void run(std::stop_token stop);
  // False when the watch is over.
  bool tell(Watch& watch);

  const Questions questions_;
  Gauge& count_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Watch> waiting_;  // under mutex_; the thread takes them out to work on them
  std::size_t held_ = 0;        // under mutex_; those included which the thread has
  std::jthread thread_;         // under mutex_ until it runs
};

}  // namespace weft::api
