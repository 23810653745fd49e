#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "storage/store.h"
#include "storage/testing/memory_files.h"

namespace weft::storage {

class ManualClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now.load(); }
  std::atomic<std::int64_t> now{1'000'000};
};

// A log row that owns its text.
struct TestRow {
  std::string stream;  // value of the label "app"; with '/', the rest is that of "pod"
  std::int64_t time_ns = 0;
  std::string line;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<TraceId> ids;  // the first is the linked one
  bool overflow = false;
};

// A span that owns its text.
struct TestSpan {
  TraceId trace_id;
  SpanId span_id;
  std::string name;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  SpanKind kind = SpanKind::server;
  std::string service;  // resource attribute service.name
  std::map<std::string, std::string> attributes;
  std::string event;  // name of an event, if any
  std::string message;
};

struct Request {
  TenantId tenant;
  std::vector<TestRow> rows;
  std::vector<TestSpan> spans;
};

inline TraceId test_id(unsigned n) {
  TraceId id;
  id.bytes[0] = static_cast<std::uint8_t>(n * 37);
  id.bytes[14] = static_cast<std::uint8_t>(n >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}
inline SpanId test_span_id(unsigned n) {
  SpanId id;
  id.bytes[7] = static_cast<std::uint8_t>(n);
  return id;
}

inline std::vector<std::pair<std::string, std::string>> labels_of(const std::string& stream) {
  std::size_t slash = stream.find('/');
  if (slash == std::string::npos) return {{"app", stream}};
  return {{"app", stream.substr(0, slash)}, {"pod", stream.substr(slash + 1)}};
}

inline std::string text_of(const std::string& stream) {
  std::vector<Label> labels;
  auto pairs = labels_of(stream);
  for (const auto& [name, value] : pairs) labels.push_back({name, value});
  return label_text(labels);
}

// Views into `request`.
inline void fill(const Request& request, LogBatch& batch) {
  batch.clear();
  for (const TestRow& row : request.rows) {
    auto& stream = batch.streams.emplace_back();
    stream.labels_begin = static_cast<std::uint32_t>(batch.labels.size());
    for (const auto& [name, value] : labels_of(row.stream))
      batch.labels.push_back({batch.arena.copy(name), batch.arena.copy(value)});
    stream.labels_count = static_cast<std::uint32_t>(batch.labels.size()) - stream.labels_begin;
    stream.entries_begin = static_cast<std::uint32_t>(batch.entries.size());
    stream.entries_count = 1;
    auto& entry = batch.entries.emplace_back();
    entry.time_ns = row.time_ns;
    entry.line = row.line;
    entry.metadata_begin = static_cast<std::uint32_t>(batch.metadata.size());
    entry.metadata_count = static_cast<std::uint32_t>(row.metadata.size());
    for (const auto& [name, value] : row.metadata) batch.metadata.push_back({name, value});
    entry.ids_begin = static_cast<std::uint32_t>(batch.candidate_ids.size());
    entry.ids_count = static_cast<std::uint16_t>(row.ids.size());
    entry.ids_overflow = row.overflow;
    for (const TraceId& id : row.ids) batch.candidate_ids.push_back(id);
    if (!row.ids.empty()) entry.trace_id = row.ids[0];
  }
}

inline void fill(const Request& request, SpanBatch& batch) {
  batch.clear();
  batch.scopes.push_back({});
  for (const TestSpan& from : request.spans) {
    auto own = batch.arena.allocate_array<Attribute>(1);
    own[0] = {"service.name", Value::of(std::string_view(from.service))};
    Span span;
    span.resource = static_cast<std::uint32_t>(batch.resources.size());
    batch.resources.push_back({own, 0, {}});
    span.trace_id = from.trace_id;
    span.span_id = from.span_id;
    span.name = from.name;
    span.start_ns = from.start_ns;
    span.end_ns = from.end_ns;
    span.kind = from.kind;
    span.status_message = from.message;
    auto attributes = batch.arena.allocate_array<Attribute>(from.attributes.size());
    std::size_t i = 0;
    for (const auto& [key, value] : from.attributes)
      attributes[i++] = {key, Value::of(std::string_view(value))};
    span.attributes = attributes;
    if (!from.event.empty()) {
      auto events = batch.arena.allocate_array<SpanEvent>(1);
      events[0].name = from.event;
      events[0].time_ns = from.start_ns;
      span.events = events;
    }
    batch.spans.push_back(span);
  }
}

// A store over files in memory, and every request that was sent to it. The body of a frame is the
// number of its request, so replay knows what it was.
class TestStore {
 public:
  explicit TestStore(Options options = {}) : options_(std::move(options)) { options_.path = "data"; }

  // Opens and recovers. Requires that it is not open.
  Result<void> open() {
    metrics_ = std::make_unique<Registry>();
    auto store = TRY(Store::open(options_, files, clock, *metrics_));
    report = TRY(store->recover([&](const Frame& frame) -> Result<void> {
      const Request& request = requests.at(std::stoul(std::string(frame.body)));
      EXPECT_EQ(frame.tenant, request.tenant);
      replay(*store, request);
      return {};
    }));
    store_ = std::move(store);
    return {};
  }
  void close() { store_.reset(); }
  void reopen() {
    close();
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message();
  }

  // Appends and waits for the answer.
  Result<void> send(Request request) {
    std::promise<Result<void>> answer;
    send(std::move(request), [&](Result<void> result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }
  void send(Request request, Store::Done done) {
    requests.push_back(std::move(request));
    const Request& r = requests.back();
    std::string body = std::to_string(requests.size() - 1);
    Frame frame{
        .tenant = r.tenant, .kind = FrameKind::loki_json, .received_ns = 5, .body = body, .rejected = "x"};
    if (r.spans.empty()) {
      LogBatch batch;
      fill(r, batch);
      store_->append(frame, batch, std::move(done));
    } else {
      SpanBatch batch;
      fill(r, batch);
      store_->append(frame, batch, std::move(done));
    }
  }

  Store& store() { return *store_; }
  std::shared_ptr<const Snapshot> snapshot() const { return store_->snapshot(); }

  MemoryFiles files;
  ManualClock clock;
  RecoveryReport report;
  std::vector<Request> requests;

 private:
  static void replay(Store& store, const Request& request) {
    if (request.spans.empty()) {
      LogBatch batch;
      fill(request, batch);
      store.replay_logs(request.tenant, batch);
    } else {
      SpanBatch batch;
      fill(request, batch);
      store.replay_spans(request.tenant, batch);
    }
  }

  Options options_;
  std::unique_ptr<Registry> metrics_;
  std::unique_ptr<Store> store_;
};

// What a scan shows of a row, comparable and printable.
inline std::string show(std::string_view stream, std::int64_t time, std::string_view line,
                        std::string_view metadata, const TraceId& link) {
  return std::to_string(time) + " " + std::string(stream) + " " + std::string(line) + " " +
         std::string(metadata) + (link.is_zero() ? "" : " " + to_hex(link));
}

inline std::string show(const TestRow& row) {
  std::string metadata;
  for (const auto& [name, value] : row.metadata) metadata += name + "=" + value + ",";
  return show(text_of(row.stream), row.time_ns, row.line, metadata, row.ids.empty() ? TraceId() : row.ids[0]);
}

inline std::string show(const LogRow& row) {
  std::string metadata;
  for (const Label& l : row.metadata) metadata += std::string(l.name) + "=" + std::string(l.value) + ",";
  return show(row.stream->labels.to_string(), row.time_ns, row.line, metadata, row.trace_id);
}

inline std::vector<std::string> read_all(LogSource& source) {
  std::vector<std::string> out;
  LogRows rows;
  while (true) {
    auto more = source.next(rows);
    EXPECT_TRUE(more);
    if (!more || !*more) return out;
    EXPECT_FALSE(rows.rows.empty());
    EXPECT_LE(rows.rows.size(), 2048u);
    for (const LogRow& row : rows.rows) out.push_back(show(row));
  }
}

constexpr TimeRange kAllTime{std::numeric_limits<std::int64_t>::min(),
                             std::numeric_limits<std::int64_t>::max()};

}  // namespace weft::storage
