#include "app/load_run.h"

#include <atomic>
#include <mutex>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/metrics.h"

namespace weft::app {
namespace {

TEST(Quantile, TakesTheRightRank) {
  EXPECT_EQ(quantile_of({}, 0.5), 0);
  EXPECT_EQ(quantile_of({7}, 0.99), 7);
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < 100; ++i) numbers.push_back(i);
  EXPECT_EQ(quantile_of(numbers, 0.5), 50);
  EXPECT_EQ(quantile_of(numbers, 0.99), 99);
  EXPECT_EQ(quantile_of(numbers, 1.0), 99);
}

TEST(ProcessUsage, OfThisProcess) {
  const Result<ProcessUsage> usage = usage_of_process(getpid());
  ASSERT_TRUE(usage) << usage.error().message();
  EXPECT_GT(usage->resident_bytes, 1e6);
  EXPECT_GE(usage->resident_bytes_peak, usage->resident_bytes);
  EXPECT_GE(usage->cpu_seconds, 0);
  EXPECT_FALSE(usage_of_process(999'999'999));
}

TEST(ProcessUsage, FromMetrics) {
  const Result<ProcessUsage> usage = usage_from_metrics(
      "# HELP process_cpu_seconds_total x\nprocess_cpu_seconds_total 12.5\nother "
      "1\nprocess_resident_memory_bytes 1.5e8\n");
  ASSERT_TRUE(usage) << usage.error().message();
  EXPECT_EQ(usage->cpu_seconds, 12.5);
  EXPECT_EQ(usage->resident_bytes, 1.5e8);
  EXPECT_FALSE(usage_from_metrics("process_cpu_seconds_total 1\n"));
  EXPECT_FALSE(usage_from_metrics("process_cpu_seconds_total x\nprocess_resident_memory_bytes 1\n"));
}

TEST(RunLoad, SendsEveryBodyUntilAcknowledged) {
  Registry metrics;
  std::mutex mutex;
  std::multiset<std::string> taken;
  std::atomic<int> requests{0};
  Result<std::unique_ptr<net::Server>> server = net::Server::listen(
      {},
      [&](const net::Request& request, const net::Responder& responder) {
        if (requests.fetch_add(1) % 5 == 3) return responder.send({.status = 429});
        {
          std::lock_guard lock(mutex);
          taken.insert(request.body);
        }
        responder.send({.status = 204});
      },
      metrics);
  ASSERT_TRUE(server) << server.error().message();
  std::vector<LoadBody> bodies;
  std::multiset<std::string> sent;
  for (int i = 0; i < 50; ++i) {
    bodies.push_back({"body " + std::to_string(i), 10, 100});
    sent.insert(bodies.back().bytes);
  }
  const Result<LoadResult> result =
      run_load(bodies, {.url = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/push"}, 3, 0,
               [] { return usage_of_process(getpid()); });
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(taken, sent);
  EXPECT_EQ(result->rows, 500U);
  EXPECT_EQ(result->raw_bytes, 5000U);
  EXPECT_EQ(result->requests, 50U);
  EXPECT_GE(result->refusals, 10U);
  EXPECT_LE(result->p50_ns, result->p99_ns);
  EXPECT_LE(result->p99_ns, result->max_ns);
}

TEST(RunLoad, ARefusalForGoodIsAnError) {
  Registry metrics;
  Result<std::unique_ptr<net::Server>> server = net::Server::listen(
      {},
      [](const net::Request&, const net::Responder& responder) {
        responder.send({.status = 400, .body = "no such thing"});
      },
      metrics);
  ASSERT_TRUE(server) << server.error().message();
  const std::vector<LoadBody> bodies(20, LoadBody{"x", 1, 1});
  const Result<LoadResult> result =
      run_load(bodies, {.url = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/push"}, 2, 0,
               [] { return usage_of_process(getpid()); });
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message().find("answered 400: no such thing"), std::string::npos);
}

}  // namespace
}  // namespace weft::app
