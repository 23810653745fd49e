#include "app/load_generator.h"

#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <gtest/gtest.h>

namespace weft::app {
namespace {

const LoadOptions kOptions{.seed = 5, .start_ns = 1'770'000'000'000'000'000, .rows = 40'000};

TEST(LogLoad, IsTheStandardLoad) {
  LogLoad load(kOptions);
  EXPECT_EQ(load.batches(), 20U);
  LogBatch batch;
  std::set<std::string> streams, services;
  std::unordered_map<std::string, int> lines_of_trace;
  std::size_t bytes = 0, lines = 0, json = 0, logfmt = 0;
  for (std::size_t i = 0; i < load.batches(); ++i) {
    load.next(batch);
    ASSERT_EQ(batch.streams.size(), 8U);
    ASSERT_EQ(batch.entries.size(), 2000U);
    for (const LogStream& stream : batch.streams) {
      streams.insert(label_text(batch.labels_of(stream)));
      services.insert(std::string(batch.labels_of(stream)[0].value));
      std::int64_t before = 0;
      for (std::uint32_t k = 0; k < stream.entries_count; ++k) {
        const LogEntry& entry = batch.entries[stream.entries_begin + k];
        EXPECT_GE(entry.time_ns, before);
        before = entry.time_ns;
        EXPECT_GE(entry.time_ns, kOptions.start_ns);
        EXPECT_LT(entry.time_ns, kOptions.start_ns + kOptions.length_ns);
        bytes += entry.line.size();
        ++lines;
        json += entry.line.starts_with("{");
        logfmt += entry.line.starts_with("ts=");
        for (const std::string_view before_id : {"\"trace_id\":\"", " trace_id=", " trace "}) {
          const std::size_t at = entry.line.find(before_id);
          if (at == std::string_view::npos) continue;
          ++lines_of_trace[std::string(entry.line.substr(at + before_id.size(), 32))];
          break;
        }
      }
    }
  }
  EXPECT_EQ(streams.size(), 80U);
  EXPECT_EQ(services.size(), 8U);
  EXPECT_EQ(lines, 40'000U);
  EXPECT_NEAR(static_cast<double>(json), static_cast<double>(lines) / 2, 200);
  EXPECT_NEAR(static_cast<double>(logfmt), static_cast<double>(lines) / 4, 200);
  EXPECT_NEAR(static_cast<double>(bytes) / static_cast<double>(lines), 220, 6);
  EXPECT_EQ(lines_of_trace.size(), (lines + 5) / 6);
  RecordProperty("bytes_a_line", std::to_string(static_cast<double>(bytes) / static_cast<double>(lines)));
}

TEST(LogLoad, JsonLinesAreOfTheSameSize) {
  LoadOptions options = kOptions;
  options.kind = LineKind::json;
  std::size_t bytes = 0, rows = 0;
  for (const LoadBody& body : encode_log_load(options, LoadProtocol::loki)) {
    bytes += body.raw_bytes;
    rows += body.rows;
  }
  EXPECT_NEAR(static_cast<double>(bytes) / static_cast<double>(rows), 220, 6);
}

TEST(SpanLoad, IsTheStandardLoad) {
  SpanLoad load(kOptions);
  EXPECT_EQ(load.batches(), 67U);
  SpanBatch batch;
  load.next(batch);
  ASSERT_EQ(batch.spans.size(), 600U);
  EXPECT_EQ(batch.resources.size(), 6U);
  std::unordered_map<TraceId, std::set<std::uint32_t>> services_of_trace;
  for (const Span& span : batch.spans) {
    EXPECT_GE(span.attributes.size(), 8U);
    EXPECT_LE(span.attributes.size(), 10U);
    EXPECT_LT(span.start_ns, span.end_ns);
    services_of_trace[span.trace_id].insert(span.resource);
  }
  EXPECT_EQ(services_of_trace.size(), 100U);
  for (const auto& [id, services] : services_of_trace) EXPECT_EQ(services.size(), 6U);
  EXPECT_NEAR(static_cast<double>(wire::encode_otlp_traces(batch).size()) / 600, 320, 12);
}

TEST(Load, SameSeedGivesSameBytes) {
  LoadOptions options = kOptions;
  options.rows = 4000;
  const auto all = [](const std::vector<LoadBody>& bodies) {
    std::string out;
    for (const LoadBody& body : bodies) out += body.bytes;
    return out;
  };
  for (const LoadProtocol protocol : {LoadProtocol::loki, LoadProtocol::otlp_http}) {
    EXPECT_EQ(all(encode_log_load(options, protocol)), all(encode_log_load(options, protocol)));
  }
  EXPECT_EQ(all(encode_span_load(options)), all(encode_span_load(options)));
  LoadOptions other = options;
  other.seed = 6;
  EXPECT_NE(all(encode_span_load(options)), all(encode_span_load(other)));
}

}  // namespace
}  // namespace weft::app
