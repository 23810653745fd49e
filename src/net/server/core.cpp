#include "net/server/core.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "net/server/target.h"

namespace weft::net {
namespace {

// So many bodies of the greatest size fit in memory at once, over all connections.
constexpr std::size_t kBodiesMax = 16;

std::size_t worker_count(std::size_t wanted) {
  if (wanted > 0) return wanted;
  return std::max<std::size_t>(4, std::size_t{2} * std::thread::hardware_concurrency());
}

}  // namespace

ServerMetrics::ServerMetrics(Registry& registry)
    : connections(registry.gauge("weft_http_connections", "Open connections.")),
      in_flight(
          registry.gauge("weft_http_requests_in_flight", "Requests that are waiting or being answered.")),
      received(registry.counter("weft_http_bytes_received_total", "Bytes read from clients.")),
      sent(registry.counter("weft_http_bytes_sent_total", "Bytes written to clients.")),
      seconds(registry.histogram("weft_http_response_seconds",
                                 "From the whole request to the end of its answer, however it came about.",
                                 latency_buckets())) {
  constexpr const char* kClasses[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < answered.size(); ++i)
    answered[i] = &registry.counter("weft_http_responses_total", "Answers by status.", {{"status", kClasses[i]}});
  for (std::size_t i = 0; i < kRefusals; ++i)
    refused[i] = &registry.counter("weft_http_refused_total",
                                   "Requests and connections that the server refused or failed by itself.",
                                   {{"reason", std::string(refusal_name(static_cast<Refusal>(i)))}});
}

Core::Core(ServerOptions server_options, Handler request_handler, Registry& registry)
    : options(std::move(server_options)),
      prefix(normal_prefix(options.path_prefix)),
      handler(std::move(request_handler)),
      metrics(registry),
      pool("weft-http", worker_count(options.workers), options.queue_max),
      body_budget_(kBodiesMax * options.body_bytes_max) {}

bool Core::charge(std::size_t bytes) {
  if (body_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= body_budget_) return true;
  release(bytes);
  return false;
}

void Core::release(std::size_t bytes) {
  body_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

void Core::unsettled(int change) {
  std::lock_guard lock(mutex_);
  unsettled_ += change;
  if (unsettled_ == 0) settled_.notify_all();
}

void Core::wait_settled(std::int64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  settled_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), [&] { return unsettled_ == 0; });
}

}  // namespace weft::net
