#include "app/shop.h"

#include <set>
#include <unordered_map>
#include <unordered_set>

#include <gtest/gtest.h>

#include "wire/loki_push.h"

namespace weft::app {
namespace {

constexpr std::int64_t kStart = 1'770'000'000'000'000'000;

void play(std::uint64_t seed, std::size_t visits, ShopScene& scene) {
  Shop shop(seed);
  std::int64_t at = kStart;
  for (std::size_t i = 0; i < visits; ++i) {
    shop.visit(at, scene);
    at += shop.pause_ns(2);
  }
}

std::string bytes_of(const ShopScene& scene) {
  LogBatch streams;
  wire::OtlpLogs logs;
  shop_log_streams(scene, streams);
  shop_otlp_logs(scene, logs);
  return wire::encode_otlp_traces(scene.spans) + wire::encode_loki_push(streams) +
         wire::encode_otlp_logs(logs);
}

TEST(Shop, SameSeedGivesSameBytes) {
  ShopScene a, b, other;
  play(7, 200, a);
  play(7, 200, b);
  play(8, 200, other);
  EXPECT_EQ(bytes_of(a), bytes_of(b));
  EXPECT_NE(bytes_of(a), bytes_of(other));
}

TEST(Shop, SpansOfATraceAreATreeInTime) {
  ShopScene scene;
  play(1, 2000, scene);
  std::unordered_map<SpanId, const Span*> by_id;
  for (const Span& span : scene.spans.spans) {
    EXPECT_FALSE(span.trace_id.is_zero());
    EXPECT_TRUE(by_id.emplace(span.span_id, &span).second) << "two spans of one id";
  }
  std::unordered_map<TraceId, int> roots;
  for (const Span& span : scene.spans.spans) {
    EXPECT_LE(span.start_ns, span.end_ns) << span.name;
    ASSERT_LT(span.resource, scene.spans.resources.size());
    if (span.parent_id.is_zero()) {
      ++roots[span.trace_id];
      continue;
    }
    const auto parent = by_id.find(span.parent_id);
    ASSERT_NE(parent, by_id.end()) << span.name;
    EXPECT_EQ(parent->second->trace_id, span.trace_id);
    EXPECT_LE(parent->second->start_ns, span.start_ns) << span.name;
    EXPECT_GE(parent->second->end_ns, span.end_ns) << span.name;
  }
  for (const Span& span : scene.spans.spans) EXPECT_EQ(roots[span.trace_id], 1) << to_hex(span.trace_id);
  for (const Span& span : scene.spans.spans) {
    for (const SpanEvent& event : span.events) {
      EXPECT_GE(event.time_ns, span.start_ns);
      EXPECT_LE(event.time_ns, span.end_ns);
    }
    for (const SpanLink& link : span.links) {
      ASSERT_TRUE(by_id.contains(link.span_id));
      EXPECT_EQ(by_id[link.span_id]->trace_id, link.trace_id);
      EXPECT_NE(link.trace_id, span.trace_id);
    }
  }
}

TEST(Shop, EveryLineBelongsToASpanOfItsService) {
  ShopScene scene;
  play(3, 2000, scene);
  std::unordered_map<SpanId, const Span*> by_id;
  for (const Span& span : scene.spans.spans) by_id.emplace(span.span_id, &span);
  for (const ShopLog& log : scene.logs) {
    ASSERT_TRUE(by_id.contains(log.span_id)) << log.line;
    const Span& span = *by_id[log.span_id];
    EXPECT_EQ(span.trace_id, log.trace_id);
    EXPECT_EQ(span.resource, log.resource);
    EXPECT_GE(log.time_ns, static_cast<std::int64_t>(span.start_ns));
    EXPECT_LE(log.time_ns, static_cast<std::int64_t>(span.end_ns));
    const bool beside = shop_services()[log.resource / kShopPods].format == LogFormat::otlp;
    EXPECT_EQ(log.line.find(to_hex(log.trace_id)) != std::string_view::npos, !beside) << log.line;
  }
}

TEST(Shop, ShowsAllThatItPromises) {
  ShopScene scene;
  play(1, 5000, scene);
  std::set<std::uint32_t> span_services, log_services;
  std::set<std::string_view> levels;
  std::size_t events = 0, links = 0, slow = 0, errors = 0;
  for (const Span& span : scene.spans.spans) {
    span_services.insert(span.resource / kShopPods);
    events += span.events.size();
    links += span.links.size();
    errors += span.status == SpanStatus::error;
    slow += span.parent_id.is_zero() && span.duration_ns() > 1'000'000'000;
  }
  for (const ShopLog& log : scene.logs) {
    log_services.insert(log.resource / kShopPods);
    levels.insert(log.level);
  }
  EXPECT_EQ(span_services.size(), shop_services().size());
  EXPECT_EQ(log_services.size(), shop_services().size());
  EXPECT_EQ(levels, (std::set<std::string_view>{"debug", "info", "warn", "error"}));
  EXPECT_EQ(errors, scene.errors);
  EXPECT_GT(errors, 50U);
  EXPECT_LT(errors, scene.spans.spans.size() / 10);
  EXPECT_GT(events, 100U);
  EXPECT_GT(links, 300U);
  EXPECT_GT(slow, 10U);
  EXPECT_EQ(scene.visits, 5000U);
}

TEST(Shop, AVisitStaysWithinItsTime) {
  Shop shop(5);
  for (int i = 0; i < 20'000; ++i) {
    ShopScene scene;
    const std::int64_t at = kStart + i * 97'000'000LL;
    shop.visit(at, scene);
    EXPECT_LT(scene.end_ns, at + kShopVisitMaxNs);
    for (const ShopLog& log : scene.logs) EXPECT_LE(log.time_ns, scene.end_ns);
  }
}

TEST(Shop, DatabaseIsInTroubleOncePerTenMinutes) {
  const Shop shop(1);
  for (std::int64_t window = 0; window < 6; ++window) {
    int seconds = 0;
    for (int second = 0; second < 600; ++second) {
      seconds += shop.database_is_slow((window * 600 + second) * 1'000'000'000 +
                                       kStart / 600'000'000'000 * 600'000'000'000);
    }
    EXPECT_GE(seconds, 60);
    EXPECT_LE(seconds, 120);
  }
}

TEST(Shop, StreamsAreSortedAndCarryTheGuidesLabels) {
  ShopScene scene;
  play(2, 300, scene);
  LogBatch batch;
  shop_log_streams(scene, batch);
  std::size_t entries = 0;
  for (const LogStream& stream : batch.streams) {
    ASSERT_EQ(stream.labels_count, 4U);
    EXPECT_EQ(batch.labels_of(stream)[0].name, "app");
    EXPECT_EQ(batch.labels_of(stream)[2].value, "production");
    for (std::uint32_t i = 1; i < stream.entries_count; ++i) {
      EXPECT_LE(batch.entries[stream.entries_begin + i - 1].time_ns,
                batch.entries[stream.entries_begin + i].time_ns);
    }
    entries += stream.entries_count;
  }
  wire::OtlpLogs logs;
  shop_otlp_logs(scene, logs);
  EXPECT_EQ(entries + logs.records.size(), scene.logs.size());
  EXPECT_GT(logs.records.size(), 0U);
}

}  // namespace
}  // namespace weft::app
