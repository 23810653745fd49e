#include "api/loki/render.h"

#include "model/time.h"
#include "text/json_writer.h"
#include "text/units.h"

namespace weft::api::loki {
namespace {

using text::append_json_string;

// Seconds, with milliseconds only when there are some: 1722500000 or 1722500000.5.
void append_seconds(std::string& out, std::int64_t ns) {
  std::int64_t ms = ns / kNsPerMs;
  out += std::to_string(ms / 1000);
  if (std::int64_t rest = ms % 1000; rest > 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    while (digits.back() == '0') digits.pop_back();
    out += '.' + digits;
  }
}

void append_point(std::string& out, std::int64_t ns, double value) {
  out += '[';
  append_seconds(out, ns);
  out += ",\"" + text::format_float(value) + "\"]";
}

template <class Items, class Append>
void append_list(std::string& out, const Items& items, Append append) {
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    append(item);
  }
}

struct ResultWriter {
  std::string& out;
  bool categorized;

  void operator()(const logql::Streams& data) const {
    out += "\"resultType\":\"streams\",";
    if (categorized) out += "\"encodingFlags\":[\"categorize-labels\"],";
    out += "\"result\":[";
    append_list(out, data.streams, [&](const logql::ResultStream& s) {
      out += "{\"stream\":";
      append_labels(out, s.labels);
      out += ",\"values\":[";
      append_list(out, s.entries, [&](const logql::Entry& e) { append_entry(out, e, categorized); });
      out += "]}";
    });
    out += ']';
  }

  void operator()(const logql::Matrix& data) const {
    out += "\"resultType\":\"matrix\",\"result\":[";
    append_list(out, data.series, [&](const logql::Series& s) {
      out += "{\"metric\":";
      append_labels(out, s.labels);
      out += ",\"values\":[";
      append_list(out, s.points, [&](const logql::Point& p) { append_point(out, p.time_ns, p.value); });
      out += "]}";
    });
    out += ']';
  }

  void operator()(const logql::Vector& data) const {
    out += "\"resultType\":\"vector\",\"result\":[";
    append_list(out, data.samples, [&](const logql::Sample& s) {
      out += "{\"metric\":";
      append_labels(out, s.labels);
      out += ",\"value\":";
      append_point(out, data.time_ns, s.value);
      out += '}';
    });
    out += ']';
  }

  void operator()(const logql::Scalar& data) const {
    out += "\"resultType\":\"scalar\",\"result\":";
    append_point(out, data.time_ns, data.value);
  }
};

std::size_t entries_returned(const logql::Answer& answer) {
  std::size_t n = 0;
  if (const auto* streams = std::get_if<logql::Streams>(&answer.data))
    for (const auto& s : streams->streams) n += s.entries.size();
  return n;
}

constexpr std::string_view kStoreStats =
    R"({"totalChunksRef":0,"totalChunksDownloaded":0,"chunksDownloadTime":0,"queryReferencedStructuredMetadata":false,)"
    R"("chunk":{"headChunkBytes":0,"headChunkLines":0,"decompressedBytes":0,"decompressedLines":0,"compressedBytes":0,)"
    R"("totalDuplicates":0,"postFilterLines":0,"headChunkStructuredMetadataBytes":0,)"
    R"("decompressedStructuredMetadataBytes":0},"chunkRefsFetchTime":0,"congestionControlLatency":0,)"
    R"("pipelineWrapperFilteredLines":0})";
constexpr std::string_view kCacheStats =
    R"({"entriesFound":0,"entriesRequested":0,"entriesStored":0,"bytesReceived":0,"bytesSent":0,"requests":0,)"
    R"("downloadTime":0})";

}  // namespace

void append_labels(std::string& out, const logql::OwnedLabels& labels) {
  out += '{';
  append_list(out, labels, [&](const auto& label) {
    append_json_string(out, label.first);
    out += ':';
    append_json_string(out, label.second);
  });
  out += '}';
}

void append_entry(std::string& out, const logql::Entry& entry, bool categorized) {
  out += "[\"" + std::to_string(entry.time_ns) + "\",";
  append_json_string(out, entry.line);
  if (categorized) {
    out += ",{";
    if (!entry.metadata.empty()) {
      out += "\"structuredMetadata\":";
      append_labels(out, entry.metadata);
    }
    if (!entry.parsed.empty()) {
      out += entry.metadata.empty() ? "\"parsed\":" : ",\"parsed\":";
      append_labels(out, entry.parsed);
    }
    out += '}';
  }
  out += ']';
}

// The summary is measured; the parts about chunks and caches, which weft has not, are zeros that
// clients expect to be there.
void append_stats(std::string& out, const exec::Stats& stats, std::size_t returned, double seconds) {
  auto per_second = [&](std::uint64_t n) {
    return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(n) / seconds) : 0;
  };
  text::JsonWriter w(out);
  w.begin_object().key("summary").begin_object();
  w.key("bytesProcessedPerSecond").unsigned_integer(per_second(stats.bytes_scanned));
  w.key("linesProcessedPerSecond").unsigned_integer(per_second(stats.rows_scanned));
  w.key("totalBytesProcessed").unsigned_integer(stats.bytes_scanned);
  w.key("totalLinesProcessed").unsigned_integer(stats.rows_scanned);
  w.key("execTime").number(seconds).key("queueTime").integer(0).key("subqueries").integer(0);
  w.key("totalEntriesReturned").unsigned_integer(returned);
  w.key("splits").integer(0).key("shards").integer(0);
  w.key("totalPostFilterLines").unsigned_integer(stats.rows_matched);
  w.key("totalStructuredMetadataBytesProcessed").integer(0).end_object();
  w.key("querier").begin_object().key("store").raw(kStoreStats).end_object();
  w.key("ingester").begin_object().key("totalReached").integer(0).key("totalChunksMatched").integer(0);
  w.key("totalBatches")
      .integer(0)
      .key("totalLinesSent")
      .integer(0)
      .key("store")
      .raw(kStoreStats)
      .end_object();
  w.key("cache").begin_object();
  for (auto name : {"chunk", "index", "result", "statsResult", "volumeResult", "seriesResult", "labelResult",
                    "instantMetricResult"})
    w.key(name).raw(kCacheStats);
  w.end_object().key("index").begin_object().key("totalChunks").integer(0).key("postFilterChunks").integer(0);
  w.key("shardsDuration").integer(0).key("usedBloomFilters").boolean(false).end_object().end_object();
}

std::string render(const logql::Answer& answer, bool categorized, const exec::Stats& stats, double seconds) {
  std::string out = R"({"status":"success","data":{)";
  std::visit(ResultWriter{out, categorized}, answer.data);
  out += ",\"stats\":";
  append_stats(out, stats, entries_returned(answer), seconds);
  out += '}';
  if (!answer.warnings.empty()) {
    out += ",\"warnings\":[";
    append_list(out, answer.warnings, [&](const std::string& w) { append_json_string(out, w); });
    out += ']';
  }
  out += '}';
  return out;
}

std::string render_legacy(const logql::Streams& streams) {
  std::string out;
  text::JsonWriter w(out);
  w.begin_object().key("streams").begin_array();
  for (const auto& s : streams.streams) {
    std::vector<Label> labels;
    for (const auto& [name, value] : s.labels) labels.push_back({name, value});
    w.begin_object().key("labels").string(label_text(labels)).key("entries").begin_array();
    for (const auto& e : s.entries)
      w.begin_object().key("ts").string(text::format_rfc3339(e.time_ns)).key("line").string(e.line).end_object();
    w.end_array().end_object();
  }
  w.end_array().end_object();
  return out;
}

}  // namespace weft::api::loki
