#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "model/time.h"
#include "storage/block/log_reader.h"
#include "storage/block/log_writer.h"

// Writing and reading blocks of the standard load: lines of about 220 bytes (half JSON, a quarter
// logfmt, a quarter plain), each with a random trace id that 6 lines share and a random span id; 80
// streams; one hour. items_per_second are rows of CPU time.

namespace weft::storage::block {
namespace {

struct Load {
  struct Line {
    std::int64_t time_ns;
    std::uint32_t stream;
    std::string text;
    TraceId trace_id;
    SpanId span_id;
    bool linked;  // else the trace is but one of the ids in the text
  };
  std::vector<LabelSet> streams;
  std::vector<Line> lines;
  std::size_t bytes = 0;
};

template <std::size_t kCount>
const char* one_of(std::mt19937_64& random, const char* const (&items)[kCount]) {
  return items[random() % kCount];
}

// Batches of 2000 lines over 8 of the 80 streams, as `weft bench` sends them.
Load make_load(std::size_t rows) {
  static constexpr const char* kServices[] = {"gateway",  "storefront", "catalog",   "cart",
                                              "checkout", "payments",   "inventory", "shipping"};
  static constexpr const char* kMessages[] = {"request served", "cache miss, asking the database",
                                              "order accepted", "retrying after timeout",
                                              "stock reserved", "token refreshed"};
  static constexpr const char* kLevels[] = {"info", "info", "info", "info", "debug", "warn", "error"};
  static constexpr const char* kMethods[] = {"GET", "GET", "GET", "POST", "PUT"};
  static constexpr const char* kStatuses[] = {"200", "200", "200", "200", "201",
                                              "204", "304", "404", "500", "503"};
  static constexpr const char* kResources[] = {"orders", "products", "customers", "carts", "prices"};
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(2.5, 0.8);
  Load load;
  for (std::uint32_t s = 0; s < 80; ++s) {
    std::string pod = std::string(kServices[s % 8]) + "-6f9c7d-0" + std::to_string(s / 8);
    Label labels[] = {{"app", kServices[s % 8]}, {"container", "main"}, {"namespace", "bench"}, {"pod", pod}};
    load.streams.push_back(LabelSet::from(labels));
  }
  TraceId trace_id;
  for (std::size_t i = 0; i < rows; ++i) {
    Load::Line line;
    if (i % 6 == 0)
      for (auto& byte : trace_id.bytes) byte = static_cast<std::uint8_t>(random());
    for (auto& byte : line.span_id.bytes) byte = static_cast<std::uint8_t>(random());
    line.trace_id = trace_id;
    line.time_ns = static_cast<std::int64_t>(3600.0 * static_cast<double>(kNsPerSecond) *
                                             static_cast<double>(i) / static_cast<double>(rows));
    std::size_t service = i % 8;
    line.stream = static_cast<std::uint32_t>(i / 2000 % 10 * 8 + service);
    auto us = static_cast<long>(line.time_ns / 1000 + 1);
    char time[40];
    std::snprintf(time, sizeof time, "2026-07-14T09:%02ld:%02ld.%06ldZ", us / 60'000'000 % 60,
                  us / 1'000'000 % 60, us % 1'000'000);
    std::string trace = to_hex(trace_id);
    std::string span = to_hex(line.span_id);
    const char* level = one_of(random, kLevels);
    const char* message = one_of(random, kMessages);
    const char* method = one_of(random, kMethods);
    const char* resource = one_of(random, kResources);
    const char* status = one_of(random, kStatuses);
    auto item = static_cast<unsigned>(random() % 100'000);
    double ms = latency(random);
    char text[400];
    std::size_t form = i / 8 % 4;
    if (form < 2) {
      std::snprintf(text, sizeof text,
                    R"({"time":"%s","level":"%s","msg":"%s","trace_id":"%s","span_id":"%s","method":"%s",)"
                    R"("path":"/api/%s/%u","status":%s,"ms":%.2f})",
                    time, level, message, trace.c_str(), span.c_str(), method, resource, item, status, ms);
    } else if (form == 2) {
      std::snprintf(text, sizeof text,
                    "ts=%s level=%s caller=%s/handler.go:%u msg=\"%s\" trace_id=%s span_id=%s method=%s "
                    "path=/api/%s/%u status=%s ms=%.2f",
                    time, level, kServices[service], static_cast<unsigned>(40 + random() % 60), message,
                    trace.c_str(), span.c_str(), method, resource, item, status, ms);
    } else {
      std::snprintf(text, sizeof text,
                    "%s [%s] %s c.e.%s.RequestHandler - %s %s /api/%s/%u answered %s after %.2f ms, trace %s "
                    "span %s attempt 1 of 3",
                    time, level, kServices[service], kServices[service], message, method, resource, item,
                    status, ms, trace.c_str(), span.c_str());
    }
    // What ingest makes of it: the ids of plain text have no names, so they link nothing.
    line.linked = form < 3;
    line.text = text;
    load.bytes += line.text.size();
    load.lines.push_back(std::move(line));
  }
  return load;
}

const Load& standard_load() {
  static const Load load = make_load(1'000'000);
  return load;
}

std::string write_block(const Load& load) {
  LogBlockWriter writer;
  std::vector<std::uint32_t> streams;
  for (const LabelSet& labels : load.streams) streams.push_back(writer.add_stream("t", labels));
  for (const Load::Line& line : load.lines)
    writer.add({.time_ns = line.time_ns,
                .stream = streams[line.stream],
                .line = line.text,
                .trace_id = line.linked ? line.trace_id : TraceId(),
                .span_id = line.linked ? line.span_id : SpanId(),
                .ids = {&line.trace_id, 1}});
  MemoryWriter out;
  if (!writer.write(out)) std::abort();
  return out.take();
}

void write_log_block(benchmark::State& state) {
  const Load& load = standard_load();
  std::string bytes;
  for (auto _ : state) bytes = write_block(load);
  auto rows = static_cast<double>(load.lines.size());
  state.SetItemsProcessed(static_cast<std::int64_t>(load.lines.size()) * state.iterations());
  state.counters["raw_bytes_per_row"] = static_cast<double>(load.bytes) / rows;
  state.counters["bytes_per_row"] = static_cast<double>(bytes.size()) / rows;
  auto file = BlockFile::open(std::make_shared<MemoryBlock>("b", bytes), BlockKind::logs);
  if (!file) std::abort();
  for (const Section& section : file->sections())
    state.counters[tag_text(section.tag)] = static_cast<double>(section.bytes) / rows;
  auto directory = LogDirectory::read(*file);
  if (!directory) std::abort();
  for (const LogGroup& group : directory->groups)
    for (const LogColumn& column : group.columns)
      state.counters["column" + std::to_string(static_cast<int>(column.kind))] +=
          static_cast<double>(column.bytes) / rows;
}
BENCHMARK(write_log_block)->Unit(benchmark::kMillisecond)->MinTime(3);

std::shared_ptr<const LogBlockReader> standard_block() {
  static const std::shared_ptr<const LogBlockReader> reader = [] {
    auto opened = LogBlockReader::open(std::make_shared<MemoryBlock>("b", write_block(standard_load())));
    if (!opened) std::abort();
    return *opened;
  }();
  return reader;
}

void open_log_block(benchmark::State& state) {
  auto source = std::make_shared<MemoryBlock>("b", write_block(standard_load()));
  for (auto _ : state) {
    auto reader = LogBlockReader::open(source);
    if (!reader) std::abort();
    benchmark::DoNotOptimize(reader);
  }
}
BENCHMARK(open_log_block)->Unit(benchmark::kMicrosecond);

// All rows of all streams, every column.
void read_log_block(benchmark::State& state) {
  auto reader = standard_block();
  std::int64_t count = 0;
  for (auto _ : state) {
    LogPageCache cache;
    for (std::uint32_t s = 0; s < reader->directory().streams.size(); ++s) {
      LogRowCursor cursor(*reader, cache, {.stream = s, .range = {0, 3600 * kNsPerSecond}});
      std::vector<LogRowRef> refs;
      LogBlockRows rows;
      while (cursor.next(2048, refs) && !refs.empty()) {
        if (!reader->fetch(refs, {}, cache, rows)) std::abort();
        count += static_cast<std::int64_t>(rows.rows.size());
      }
    }
  }
  state.SetItemsProcessed(count);
}
BENCHMARK(read_log_block)->Unit(benchmark::kMillisecond);

// The rows that hold one trace id, nothing decoded before: what looking up the logs of a trace costs.
void logs_of_a_trace(benchmark::State& state) {
  auto reader = standard_block();
  const Load& load = standard_load();
  std::size_t at = 0;
  std::int64_t count = 0;
  for (auto _ : state) {
    LogPageCache cache;
    at = (at + 7919) % load.lines.size();
    auto hits = reader->find_ids({&load.lines[at].trace_id, 1}, cache);
    if (!hits) std::abort();
    for (std::uint32_t s = 0; s < reader->directory().streams.size(); ++s) {
      LogRowCursor cursor(*reader, cache, {.stream = s, .range = {0, 3600 * kNsPerSecond}, .ids = &*hits});
      std::vector<LogRowRef> refs;
      LogBlockRows rows;
      while (cursor.next(2048, refs) && !refs.empty()) {
        if (!reader->fetch(refs, {}, cache, rows)) std::abort();
        count += static_cast<std::int64_t>(rows.rows.size());
      }
    }
  }
  state.counters["rows"] = static_cast<double>(count) / static_cast<double>(state.iterations());
}
BENCHMARK(logs_of_a_trace)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace weft::storage::block
