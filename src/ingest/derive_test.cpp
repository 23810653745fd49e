#include "ingest/derive.h"

#include <gtest/gtest.h>

namespace weft::ingest {
namespace {

using Pairs = std::vector<Label>;

// What one entry's metadata becomes.
std::string derived(Pairs labels, std::string_view line, Pairs metadata, DeriveOptions options = {}) {
  LogBatch batch;
  batch.labels = labels;
  batch.metadata = metadata;
  LogEntry e;
  e.line = line;
  e.metadata_count = static_cast<std::uint32_t>(metadata.size());
  batch.entries.push_back(e);
  batch.streams.push_back({0, static_cast<std::uint32_t>(labels.size()), 0, 1});
  Refusals none;
  none.begin(1);
  derive_logs(batch, options, none);
  return label_text(batch.metadata_of(batch.entries[0]));
}

TEST(Derive, DetectedLevelInLokisOrder) {
  struct Case {
    Pairs labels;
    std::string_view line;
    Pairs metadata;
    std::string expected;
  };
  const Case kCases[] = {
      // What is there already.
      {{{"level", "info"}}, "error", {{"detected_level", "WARNING"}}, R"({detected_level="warn"})"},
      {{}, "error", {{"detected_level", "odd"}}, R"({detected_level="odd"})"},
      {{{"detected_level", "x"}}, "error", {}, "{}"},
      // A stream label, whatever its word.
      {{{"level", "INF"}}, "error", {}, R"({detected_level="info"})"},
      {{{"Severity", "loud"}}, "error", {}, R"({detected_level="loud"})"},
      {{{"severity", "err"}}, "info", {{"level", "debug"}}, R"({level="debug", detected_level="error"})"},
      // Metadata.
      {{},
       "error",
       {{"severity_text", "Debug"}, {"severity_number", "9"}},
       R"({severity_text="Debug", severity_number="9", detected_level="debug"})"},
      {{}, "error", {{"log.level", "wrn"}}, R"({log_level="wrn", detected_level="warn"})"},
      // OTLP's number.
      {{}, "error", {{"severity_number", "21"}}, R"({severity_number="21", detected_level="fatal"})"},
      {{}, "error", {{"severity_number", "99"}}, R"({severity_number="99", detected_level="error"})"},
      // The line.
      {{}, R"({"level":"warn"})", {{"user", "1"}}, R"({user="1", detected_level="warn"})"},
      {{{"app", "x"}}, "level=debug", {}, R"({detected_level="debug"})"},
      {{}, "nothing", {}, R"({detected_level="unknown"})"},
  };
  for (const Case& c : kCases) EXPECT_EQ(derived(c.labels, c.line, c.metadata), c.expected) << c.line;
}

TEST(Derive, LevelsCanBeSwitchedOff) {
  EXPECT_EQ(derived({{"level", "info"}}, "error", {}, {.discover_levels = false}), "{}");
  EXPECT_EQ(derived({}, "error", {{"detected_level", "ERR"}}, {.discover_levels = false}),
            R"({detected_level="ERR"})");
}

TEST(Derive, MetadataNamesAreLabelsAndUnique) {
  EXPECT_EQ(derived({}, "info",
                    {{"user.id", "1"},
                     {"user_id", "2"},
                     {"", "x"},
                     {"..", "x"},
                     {"v",
                      "a\xff"
                      "b"}}),
            R"({user_id="1", v="a b", detected_level="info"})");
}

TEST(Derive, LinksByOtlpThenMetadataThenLine) {
  const std::string a(32, 'a'), b(32, 'b'), c(32, 'c');
  for (int given = 0; given < 8; ++given) {
    LogBatch batch;
    LogEntry e;
    std::string line = "x " + (given & 1 ? "trace_id=" + c : std::string());
    e.line = line;
    if (given & 2) batch.metadata.push_back({"trace_id", b});
    e.metadata_count = static_cast<std::uint32_t>(batch.metadata.size());
    if (given & 4) e.trace_id = *parse_trace_id(a);
    batch.entries.push_back(e);
    batch.streams.push_back({0, 0, 0, 1});
    Refusals none;
    none.begin(1);
    derive_logs(batch, {}, none);
    const LogEntry& out = batch.entries[0];
    std::string expected = given & 4 ? a : given & 2 ? b : given & 1 ? c : std::string(32, '0');
    EXPECT_EQ(to_hex(out.trace_id), expected) << given;
    EXPECT_EQ(out.ids_count, __builtin_popcount(static_cast<unsigned>(given))) << given;
    EXPECT_FALSE(out.ids_overflow);
  }
}

TEST(Derive, RefusedEntriesAreLeftAlone) {
  LogBatch batch;
  batch.entries.resize(2);
  std::string line = "trace_id=" + std::string(32, 'b');
  batch.entries[0].line = line;
  batch.entries[1].line = line;
  batch.streams.push_back({0, 0, 0, 2});
  Refusals refusals;
  refusals.begin(2);
  refusals.add(0, 1, Reason::line_too_long, 0, [] { return "x"; });
  derive_logs(batch, {}, refusals);
  EXPECT_EQ(batch.entries[0].ids_count, 0);
  EXPECT_EQ(batch.entries[1].ids_count, 1);
}

}  // namespace
}  // namespace weft::ingest
