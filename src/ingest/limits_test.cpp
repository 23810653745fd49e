#include <random>
#include <unordered_set>

#include <gtest/gtest.h>

#include "ingest/active_streams.h"
#include "ingest/live_traces.h"
#include "ingest/tenants.h"
#include "ingest/token_bucket.h"

namespace weft::ingest {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'795'168'800 * kSecond;

TEST(TokenBucket, LetsTheBurstAndThenTheRateThrough) {
  TokenBucket bucket(100, 300);
  EXPECT_EQ(bucket.take(300, kStart), 0);
  EXPECT_DOUBLE_EQ(bucket.take(50, kStart), 0.5);
  EXPECT_EQ(bucket.take(100, kStart + kSecond), 0);
  EXPECT_GT(bucket.take(1, kStart + kSecond), 0);
  EXPECT_EQ(bucket.take(300, kStart + 100 * kSecond), 0);
  EXPECT_GT(bucket.take(301, kStart + 1000 * kSecond), 0);  // never more than the burst
  EXPECT_EQ(bucket.take(300, kStart), 0);
  EXPECT_GT(bucket.take(1, kStart + 1), 0) << "a clock that goes back gives nothing";
}

TEST(TokenBucket, ZeroIsNoLimit) {
  TokenBucket bucket(0, 0);
  EXPECT_EQ(bucket.take(1e18, kStart), 0);
  TokenBucket second(100, 0);
  EXPECT_EQ(second.burst(), 100);
}

TEST(ActiveStreams, RefusesNewOnesOnly) {
  ActiveStreams streams;
  for (std::uint64_t h = 0; h < 100; ++h) EXPECT_TRUE(streams.touch(h * 7919, 100, kStart)) << h;
  EXPECT_FALSE(streams.touch(2, 100, kStart));
  EXPECT_TRUE(streams.touch(7919, 100, kStart));
  EXPECT_TRUE(streams.touch(2, 0, kStart)) << "no limit";
}

TEST(ActiveStreams, ForgetsWhatIsIdleForTwoHours) {
  ActiveStreams streams;
  EXPECT_TRUE(streams.touch(5, 2, kStart));
  EXPECT_TRUE(streams.touch(6, 2, kStart));
  EXPECT_TRUE(streams.touch(5, 2, kStart + 3700 * kSecond));
  EXPECT_FALSE(streams.touch(7, 2, kStart + 3700 * kSecond));
  EXPECT_EQ(streams.size(), 2u);
  EXPECT_TRUE(streams.touch(5, 2, kStart + 7400 * kSecond));
  EXPECT_TRUE(streams.touch(7, 2, kStart + 7400 * kSecond));  // 6 was last seen two turns ago
  EXPECT_TRUE(streams.touch(8, 1, kStart + 100'000 * kSecond));
  EXPECT_EQ(streams.size(), 1u);
}

TEST(ActiveStreams, AgreesWithASet) {
  std::mt19937_64 rng(3);
  ActiveStreams streams;
  std::unordered_set<std::uint64_t> expected;
  for (int i = 0; i < 20'000; ++i) {
    std::uint64_t h = rng() % 6000 + 1;
    bool allowed = expected.contains(h) || expected.size() < 5000;
    if (allowed) expected.insert(h);
    ASSERT_EQ(streams.touch(h, 5000, kStart), allowed) << i;
  }
  EXPECT_EQ(streams.size(), expected.size());
}

TEST(LiveTraces, AddsUpUntilTheLimit) {
  LiveTraces traces;
  TraceId a = *parse_trace_id("a"), b = *parse_trace_id("b");
  EXPECT_TRUE(traces.add(1, a, 60, 100, kStart));
  EXPECT_FALSE(traces.add(1, a, 60, 100, kStart));
  EXPECT_TRUE(traces.add(1, a, 40, 100, kStart)) << "what was refused does not count";
  EXPECT_TRUE(traces.add(2, a, 60, 100, kStart)) << "another tenant's";
  EXPECT_TRUE(traces.add(1, b, 100, 100, kStart));
  EXPECT_FALSE(traces.add(1, *parse_trace_id("c"), 101, 100, kStart));
  EXPECT_TRUE(traces.add(1, a, 60, 100, kStart + 61 * kSecond)) << "idle";
}

TEST(LiveTraces, BigTracesAreRememberedAmongManySmallOnes) {
  LiveTraces traces;
  TraceId big = *parse_trace_id("abc");
  EXPECT_TRUE(traces.add(1, big, 90, 100, kStart));
  std::mt19937_64 rng(5);
  for (int i = 0; i < 300'000; ++i) {
    TraceId id;
    std::uint64_t random = rng();
    std::memcpy(id.bytes.data(), &random, 8);
    traces.add(1, id, 1, 100, kStart);
  }
  EXPECT_FALSE(traces.add(1, big, 11, 100, kStart));
}

TEST(Tenants, AreBounded) {
  Registry metrics;
  Limits limits;
  Tenants tenants(limits, metrics);
  Tenant& first = tenants.get("a");
  EXPECT_EQ(&tenants.get("a"), &first);
  EXPECT_EQ(first.label, "a");
  for (std::size_t i = 1; i < Tenants::kTenantsMax; ++i) tenants.get(std::to_string(i));
  Tenant& other = tenants.get("one too many");
  EXPECT_EQ(&tenants.get("and another"), &other);
  EXPECT_EQ(other.label, "{others}");
  EXPECT_EQ(&tenants.get("a"), &first);
}

}  // namespace
}  // namespace weft::ingest
