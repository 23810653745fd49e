#include "app/waterfall.h"

#include <gtest/gtest.h>

namespace weft::app {
namespace {

constexpr std::uint64_t kStart = 1'770'632'130'000'000'000;  // 2026-02-09T10:15:30Z
constexpr std::uint64_t kMs = 1'000'000;

class WaterfallTest : public testing::Test {
 protected:
  void add(std::uint8_t id, std::uint8_t parent, std::string_view service, std::string_view name,
           std::uint64_t from_ms, std::uint64_t to_ms) {
    const Attribute attribute{"service.name", Value::of(service)};
    trace_.resources.push_back({.attributes = trace_.arena.copy(std::span(&attribute, 1))});
    Span span;
    span.trace_id.bytes[15] = 0xab;
    span.span_id.bytes[7] = id;
    span.parent_id.bytes[7] = parent;
    span.name = name;
    span.start_ns = kStart + from_ms * kMs;
    span.end_ns = kStart + to_ms * kMs;
    span.resource = static_cast<std::uint32_t>(trace_.resources.size() - 1);
    trace_.spans.push_back(span);
  }
  std::string rendered(std::vector<FoundLine> lines = {}) {
    return render_waterfall(trace_, lines, {.width = 100});
  }
  // Everything before the bar of the line that holds `text`.
  static std::string row_with(const std::string& drawn, std::string_view text) {
    const std::size_t at = drawn.find(text);
    if (at == std::string::npos) return "";
    const std::size_t begin = drawn.rfind('\n', at) + 1;
    return drawn.substr(begin, drawn.find('\n', at) - begin);
  }

  SpanBatch trace_;
};

TEST_F(WaterfallTest, DrawsTreeBarsAndDurations) {
  add(1, 0, "gateway", "GET /", 0, 320);
  add(3, 1, "cart", "GET /cart", 160, 320);
  add(2, 1, "catalog", "GET /products", 0, 160);
  add(4, 2, "catalog", "SELECT", 10, 150);
  EXPECT_EQ(
      rendered(),
      "000000000000000000000000000000ab  2026-02-09T10:15:30Z  320ms  4 spans in 3 services  no logs\n\n"
      "gateway: GET /                                           ████████████████████████████████     320ms\n"
      "├─ catalog: GET /products                                ████████████████················     160ms\n"
      "│  └─ catalog: SELECT                                    ·██████████████·················     140ms\n"
      "└─ cart: GET /cart                                       ················████████████████     "
      "160ms\n");
}

TEST_F(WaterfallTest, PutsLinesBelowTheirSpan) {
  add(1, 0, "gateway", "GET /", 0, 320);
  add(2, 1, "catalog", "GET /products", 0, 160);
  const std::string drawn = rendered({
      {static_cast<std::int64_t>(kStart + 5 * kMs),
       {{"level", "error"}},
       "span=0000000000000002 no such product"},
      {static_cast<std::int64_t>(kStart + 7 * kMs), {{"span_id", "0000000000000001"}}, "by its label"},
      {static_cast<std::int64_t>(kStart + 9 * kMs), {}, "of none"},
  });
  EXPECT_EQ(row_with(drawn, "no such product"),
            "      10:15:30.005 error span=0000000000000002 no such product");
  EXPECT_EQ(row_with(drawn, "by its label"), "│  10:15:30.007       by its label");
  EXPECT_LT(drawn.find("by its label"), drawn.find("catalog"));
  EXPECT_NE(drawn.find("logs of no span here\n  10:15:30.009       of none\n"), std::string::npos);
}

TEST_F(WaterfallTest, ShowsErrorsEventsAndLinks) {
  add(1, 0, "payment", "charge", 0, 10);
  trace_.spans[0].status = SpanStatus::error;
  trace_.spans[0].status_message = "declined\nby the bank";
  const Attribute attempt{"attempt", Value::of(std::int64_t{2})};
  const SpanEvent event{.time_ns = kStart + 4 * kMs, .name = "retry", .attributes = {&attempt, 1}};
  SpanLink link;
  link.trace_id.bytes[15] = 0xcd;
  trace_.spans[0].events = {&event, 1};
  trace_.spans[0].links = {&link, 1};
  const std::string drawn = rendered();
  EXPECT_NE(drawn.find("1 span in 1 service  1 error"), std::string::npos);
  EXPECT_NE(drawn.find("10.0ms !\n   ! declined by the bank\n   ◆ +4.00ms retry attempt=2\n   → linked to "
                       "trace 000000000000000000000000000000cd"),
            std::string::npos)
      << drawn;
}

TEST_F(WaterfallTest, StrangeTreesAreShownWhole) {
  add(1, 9, "a", "orphan", 0, 10);
  add(2, 3, "b", "ring-one", 1, 2);
  add(3, 2, "b", "ring-two", 2, 3);
  add(4, 4, "c", "own-parent", 3, 4);
  add(5, 0, "d", "ends-before-it-starts", 9, 8);
  const std::string drawn = rendered();
  for (const std::string_view name :
       {"orphan (parent missing)", "ring-one", "ring-two", "own-parent", "ends-before-it-starts"}) {
    const std::size_t at = drawn.find(name);
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_EQ(drawn.find(name, at + 1), std::string::npos) << name;
  }
}

TEST_F(WaterfallTest, DeepTracesStayOnTheScreen) {
  std::uint64_t parent = 0;
  for (std::uint64_t i = 1; i < 3000; ++i) {
    add(1, 0, "deep", "call", 0, 10);
    std::memcpy(trace_.spans.back().span_id.bytes.data(), &i, sizeof i);
    std::memcpy(trace_.spans.back().parent_id.bytes.data(), &parent, sizeof parent);
    parent = i;
  }
  const std::string drawn = rendered();
  std::size_t rows = 0;
  for (std::size_t at = drawn.find("\n\n") + 2; at < drawn.size(); at = drawn.find('\n', at) + 1) {
    EXPECT_LT(drawn.find('\n', at) - at, 400U);
    ++rows;
  }
  EXPECT_EQ(rows, 2999U);
}

TEST_F(WaterfallTest, NothingForNoSpans) {
  EXPECT_EQ(rendered(), "");
}

}  // namespace
}  // namespace weft::app
