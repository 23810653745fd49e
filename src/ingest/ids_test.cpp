#include "ingest/ids.h"

#include <random>

#include <gtest/gtest.h>

#include "ingest/hex_runs.h"

namespace weft::ingest {
namespace {

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSpan = "00f067aa0ba902b7";
const std::string kZero16(16, '0');

RowIds ids_of(std::string_view line) {
  RowIds ids;
  find_ids_in_line(line, ids);
  return ids;
}

std::string linked(std::string_view line) {
  RowIds ids = ids_of(line);
  if (ids.trace_id.is_zero()) return "";
  return to_hex(ids.trace_id) + (ids.span_id.is_zero() ? "" : "/" + to_hex(ids.span_id));
}

TEST(Ids, LinkedTraceOfALine) {
  const std::string both = kTrace + "/" + kSpan;
  const std::pair<std::string, std::string> kCases[] = {
      // What the guide's logger and the conformance data set print.
      {R"({"level":"INFO","msg":"x","trace_id":")" + kTrace + R"(","span_id":")" + kSpan +
           R"(","trace_sampled":true})",
       both},
      {R"({"level":30,"traceId":")" + kTrace + R"(","spanId":")" + kSpan + R"("})", both},
      {"2026-11-20T10:00:00Z ERROR [inventory," + kTrace + "," + kSpan + "] 1 --- [exec-3] c.s.ItemsDao : x",
       both},
      {"ts=1 level=info msg=\"x\" trace_id=" + kTrace + " span_id=" + kSpan + " size=1", both},
      {"INFO mailer: sent trace_id=" + kTrace + " span_id=" + kSpan + " to=\"u\"", both},
      // Other names and spellings.
      {"otelTraceID=" + kTrace + " otelSpanID=" + kSpan, both},
      {"trace.id: " + kTrace + ", span.id: " + kSpan, both},
      {R"({"trace":{"id":")" + kTrace + R"("},"span":{"id":")" + kSpan + R"("}})", both},
      {R"({"@t":"x","@tr":")" + kTrace + R"(","@sp":")" + kSpan + R"("})", both},
      {R"({"log":"{\"trace_id\":\")" + kTrace + R"(\"}"})", kTrace},
      {"'X-B3-TraceId' => '" + kTrace + "'", kTrace},
      {"TRACE_ID = " + kTrace, kTrace},
      {"traceparent: 00-" + kTrace + "-" + kSpan + "-01", both},
      {R"({"traceparent":"00-)" + kTrace + "-" + kSpan + R"(-01"})", both},
      {"b3=" + kTrace + "-" + kSpan + "-1-05e3ac9a4f6e3b90", both},
      {"b3: " + kTrace.substr(16) + "-" + kSpan + "-1", kZero16 + kTrace.substr(16) + "/" + kSpan},
      {"uber-trace-id: " + kTrace + ":" + kSpan + ":0:1", both},
      {"uber-trace-id=3577b34da6a3ce9:f067aa0ba902b7:0:1", kZero16 + "03577b34da6a3ce9/" + kSpan},
      {"X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
       "67891233abcdef012345678912345678/53995c3f42cd8ad8"},
      {"xamzntraceid=1-67891233-abcdef012345678912345678", "67891233abcdef012345678912345678"},
      {"dd.trace_id=14976542870634432322 dd.span_id=4391872379874398729",
       kZero16 + "cfd75e6447930742/3cf310a90d435209"},
      {R"({"dd":{"x":1},"dd.trace_id":")" + kTrace + R"("})", kTrace},
      {"trace_id=" + kTrace.substr(16), kZero16 + kTrace.substr(16)},
      {R"({"logging.googleapis.com/trace":"projects/shop/traces/)" + kTrace + R"("})", kTrace},
      {"trace_id=4bf92f35-77b3-4da6-a3ce-929d0e0e4736", kTrace},
      {"2026 INFO [" + kTrace + "-" + kSpan + "] started", both},
      {"[app," + kTrace.substr(16) + "," + kSpan + ",true] started",
       kZero16 + kTrace.substr(16) + "/" + kSpan},
      {"[," + kTrace + "," + kSpan + "] x", both},
      // A name beats a bracket, the first of several names counts.
      {"[a," + kTrace + "," + kSpan + "] trace_id=" + std::string(32, 'a'), std::string(32, 'a')},
      {"trace_id=" + kTrace + " traceId=" + std::string(32, 'a'), kTrace},
      // Not linked.
      {"md5=" + kTrace, ""},
      {"request " + kTrace, ""},
      {"[a," + kTrace + "," + kSpan + "] [b," + std::string(32, 'a') + "," + kSpan + "]", ""},  // which one?
      {"[" + kTrace + "]", ""},
      {"(app," + kTrace + "," + kSpan + ")", ""},
      {"parent_id=" + kTrace.substr(16), ""},
      {"trace_id=" + kTrace + "ff", ""},
      {"trace_id=" + kTrace.substr(0, 20), ""},
      {"dd.trace_id=99999999999999999999", ""},
      {"trace_id=", ""},
  };
  for (const auto& [line, expected] : kCases) EXPECT_EQ(linked(line), expected) << line;
}

TEST(Ids, CandidatesAreAllRunsOfThirtyTwoDigits) {
  struct Case {
    std::string line;
    std::vector<std::string> ids;
    bool overflow = false;
  };
  const std::string a32(32, 'a');
  const Case kCases[] = {
      {"", {}},
      {"no ids here", {}},
      {kTrace, {kTrace}},
      {"md5=" + kTrace + " x=" + a32, {kTrace, a32}},
      {kTrace + " " + kTrace, {kTrace}},
      {"4BF92F3577B34DA6A3CE929D0E0E4736", {kTrace}},
      {"_" + kTrace + "_", {kTrace}},
      {"\xc3\xa9" + kTrace + "\xc3\xa9", {kTrace}},
      {kTrace.substr(1), {}},
      {"4bf92f35-77b3-4da6-a3ce-929d0e0e4736", {kTrace}},
      {"x4bf92f35-77b3-4da6-a3ce-929d0e0e4736", {}},
      {"4bf92f35-77b3-4da6-a3ce-929d0e0e47360", {}},
      {"929d0e0e4736", {}},
      {"Root=1-67891233-abcdef012345678912345678", {"67891233abcdef012345678912345678"}},
      {"trace_id=" + kSpan, {kZero16 + kSpan}},
      {"span_id=" + kSpan, {}},
      {"dd.trace_id=14976542870634432322", {kZero16 + "cfd75e6447930742"}},
      {"[app," + kTrace.substr(16) + "," + kSpan + "]", {kZero16 + kTrace.substr(16)}},
      {kTrace + "0", {}, true},     // 33 digits
      {kTrace + kTrace, {}, true},  // a SHA-256
      {"0x" + kTrace, {}, true},
      {kTrace + "z", {}, true},
      {std::string(40, 'f') + " " + a32, {a32}, true},
      {R"({"a":"\u0061bc"})", {}, true},
      {R"({"a":"\u0039"})", {}, true},
      {R"({"a":"\u003c\u00e9\n"})", {}, false},
  };
  for (const Case& c : kCases) {
    RowIds ids = ids_of(c.line);
    std::vector<std::string> found;
    for (std::size_t i = 0; i < ids.count; ++i) found.push_back(to_hex(ids.candidates[i]));
    EXPECT_EQ(found, c.ids) << c.line;
    EXPECT_EQ(ids.overflow, c.overflow) << c.line;
  }
}

TEST(Ids, MoreThanEightOverflow) {
  std::string line;
  for (int i = 0; i < 9; ++i) {
    EXPECT_FALSE(ids_of(line).overflow) << i;
    line += std::string(31, 'a') + std::to_string(i) + " ";
  }
  EXPECT_TRUE(ids_of(line).overflow);
  EXPECT_EQ(ids_of(line).count, kCandidateIdsMax);
}

TEST(Ids, MetadataCountsForMore) {
  std::vector<Label> metadata = {{"user", "42"},
                                 {"request", std::string_view(kTrace)},
                                 {"traceID", "aaaaaaaaaaaaaaaa"},
                                 {"span.id", std::string_view(kSpan)}};
  RowIds ids;
  find_ids_in_metadata(metadata, ids);
  find_ids_in_line("trace_id=" + std::string(32, 'b') + " span_id=" + std::string(16, 'b'), ids);
  EXPECT_EQ(to_hex(ids.trace_id), kZero16 + "aaaaaaaaaaaaaaaa");
  EXPECT_EQ(to_hex(ids.span_id), kSpan);
  ASSERT_EQ(ids.count, 3u);
  EXPECT_EQ(to_hex(ids.candidates[0]), kTrace);
}

TEST(Ids, FieldNames) {
  for (auto name : {"trace_id", "traceID", "TraceId", "trace-id", "trace.id", "dd.trace_id", "otel.trace_id",
                    "traceparent", "x-b3-traceid", "b3", "uber-trace-id", "X-Amzn-Trace-Id", "@tr"})
    EXPECT_EQ(id_field(name), IdField::trace) << name;
  for (auto name : {"span_id", "SpanID", "dd.span_id", "@sp", "X-B3-SpanId"})
    EXPECT_EQ(id_field(name), IdField::span) << name;
  for (auto name : {"", "t", "trace", "parent_span_id",
                    "a_name_that_is_much_longer_than_any_of_the_list_could_ever_be_traceid"})
    EXPECT_EQ(id_field(name), IdField::none) << name;
}

// The search by registers against the obvious loop, on texts dense with digits and edges.
TEST(Ids, RunsAgreeWithANaiveScan) {
  using Runs = std::vector<std::pair<std::size_t, std::size_t>>;
  constexpr std::string_view kAlphabet = "0123456789abcdefABCDEF0123456789abcdefgG-/:@`~\x80\xff";
  for (std::uint32_t seed = 1; seed <= 4000; ++seed) {
    std::mt19937 rng(seed);
    std::string text(rng() % 300, ' ');
    std::size_t letters = seed % 3 == 0 ? kAlphabet.size() : kAlphabet.size() - 8;
    for (char& c : text) c = rng() % 40 == 0 ? '-' : kAlphabet[rng() % letters];
    Runs expected;
    for (std::size_t i = 0; i < text.size();) {
      std::size_t begin = i;
      while (i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i]))) ++i;
      if (i - begin >= kHexRunMin) expected.push_back({begin, i});
      if (i == begin) ++i;
    }
    Runs found;
    for_each_hex_run(text, [&](std::size_t begin, std::size_t end) { found.push_back({begin, end}); });
    ASSERT_EQ(found, expected) << "seed " << seed << " " << text;
  }
}

// Every 32 hex digits anywhere in a line are a candidate, or the row is one for all.
TEST(Ids, NoThirtyTwoDigitsAreMissed) {
  for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937 rng(seed);
    std::string text;
    while (text.size() < 200) {
      std::size_t length = rng() % 4 == 0 ? 32 : rng() % 45;
      for (std::size_t i = 0; i < length; ++i) text += "0123456789abcdef"[rng() % 16];
      text += " -,_xz\""[rng() % 7];
    }
    RowIds ids = ids_of(text);
    if (ids.overflow) continue;
    for (std::size_t i = 0; i + 32 <= text.size(); ++i) {
      auto id = parse_trace_id(std::string_view(text).substr(i, 32));
      if (!id) continue;
      auto end = ids.candidates.begin() + static_cast<std::ptrdiff_t>(ids.count);
      ASSERT_NE(std::find(ids.candidates.begin(), end, *id), end)
          << "seed " << seed << " at " << i << " " << text;
    }
  }
}

}  // namespace
}  // namespace weft::ingest
