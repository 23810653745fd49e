#include "app/load_run.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <poll.h>

#include "base/clock.h"
#include "model/time.h"
#include "net/client.h"

namespace weft::app {

namespace {

struct Sender {
  std::vector<std::int64_t> latencies_ns;
  std::size_t refusals = 0;
  std::optional<Error> error;
};

// One attempt. True: acknowledged; false: refused for now.
Result<bool> send_once(net::Client& client, const LoadTarget& target, net::ClientRequest& request,
                       const LoadBody& body) {
  if (target.protocol == LoadProtocol::otlp_grpc) {
    const Result<std::string> answer =
        client.grpc(target.url, target.grpc_method, body.bytes, target.headers);
    if (answer) return true;
    if (answer.error().code() == Code::resource_exhausted || answer.error().code() == Code::unavailable)
      return false;
    return answer.error();
  }
  request.body = body.bytes;
  const net::ClientResponse answer = TRY(client.send(request));
  if (answer.status / 100 == 2) return true;
  if (answer.status == 429 || answer.status == 503) return false;
  return Error(Code::internal,
               fmt::format("{} answered {}: {}", target.url, answer.status, answer.body.substr(0, 500)));
}

void send_all(const std::vector<LoadBody>& bodies, const LoadTarget& target, std::atomic<std::size_t>& next,
              std::atomic<bool>& failed, Sender& sender) {
  net::Client client;
  net::ClientRequest request{.method = "POST", .url = target.url, .headers = target.headers};
  request.headers.emplace_back("content-type", "application/x-protobuf");
  constexpr int kAttempts = 1000;
  int attempts = 0;
  std::size_t at = next.fetch_add(1);
  while (at < bodies.size() && !failed.load()) {
    const std::int64_t begin_ns = steady_ns();
    const Result<bool> acknowledged = send_once(client, target, request, bodies[at]);
    if (!acknowledged || (!*acknowledged && ++attempts > kAttempts)) {
      sender.error = acknowledged
                         ? Error(Code::resource_exhausted, "the server refuses to take more (429 or 503)")
                         : acknowledged.error();
      failed.store(true);
      return;
    }
    if (*acknowledged) {
      sender.latencies_ns.push_back(steady_ns() - begin_ns);
      at = next.fetch_add(1);
      attempts = 0;
    } else {
      ++sender.refusals;
      poll(nullptr, 0, 10);
    }
  }
}

}  // namespace

std::int64_t quantile_of(const std::vector<std::int64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const std::size_t at = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

Result<LoadResult> run_load(const std::vector<LoadBody>& bodies, const LoadTarget& target,
                            std::size_t connections, std::int64_t settle_ns,
                            const std::function<Result<ProcessUsage>()>& usage) {
  LoadResult result;
  std::vector<Sender> senders(connections);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  const ProcessUsage before = TRY(usage());
  const std::int64_t begin_ns = steady_ns();
  {
    std::vector<std::jthread> threads;
    for (Sender& sender : senders)
      threads.emplace_back([&] { send_all(bodies, target, next, failed, sender); });
  }
  result.seconds = static_cast<double>(steady_ns() - begin_ns) / 1e9;
  ProcessUsage after = TRY(usage());
  const double cpu_at_end = after.cpu_seconds;

  std::vector<std::int64_t> latencies;
  for (const Sender& sender : senders) {
    if (sender.error) return *sender.error;
    latencies.insert(latencies.end(), sender.latencies_ns.begin(), sender.latencies_ns.end());
    result.refusals += sender.refusals;
  }
  std::ranges::sort(latencies);
  result.p50_ns = quantile_of(latencies, 0.5);
  result.p99_ns = quantile_of(latencies, 0.99);
  result.max_ns = latencies.empty() ? 0 : latencies.back();
  for (const LoadBody& body : bodies) {
    result.rows += body.rows;
    result.raw_bytes += body.raw_bytes;
    result.sent_bytes += body.bytes.size();
  }
  result.requests = bodies.size();

  // At rest: two looks in a row, half a second apart, with less than 2 % of a core used between.
  int quiet = 0;
  const std::int64_t settle_until_ns = steady_ns() + settle_ns;
  while (quiet < 2 && steady_ns() < settle_until_ns) {
    poll(nullptr, 0, 500);
    const ProcessUsage now = TRY(usage());
    quiet = now.cpu_seconds - after.cpu_seconds < 0.01 + 1e-9 ? quiet + 1 : 0;
    after = now;
  }
  result.cpu_seconds = after.cpu_seconds - before.cpu_seconds;
  result.cpu_seconds_after = after.cpu_seconds - cpu_at_end;
  result.resident_bytes = after.resident_bytes;
  result.resident_bytes_peak = after.resident_bytes_peak;
  return result;
}

}  // namespace weft::app
