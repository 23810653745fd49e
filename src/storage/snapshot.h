#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "exec/context.h"
#include "exec/matcher.h"
#include "model/ids.h"
#include "model/labels.h"
#include "model/span_batch.h"
#include "model/tenant.h"
#include "model/time.h"

namespace weft::storage {

// A log stream of one tenant. Lives as long as the snapshot that showed it; the same label set is
// the same object within one snapshot.
struct Stream {
  LabelSet labels;
  std::uint64_t hash = 0;
};

struct LogRow {
  std::int64_t time_ns = 0;
  const Stream* stream = nullptr;
  std::string_view line;
  std::span<const Label> metadata;  // structured metadata, names unique
  TraceId trace_id;                 // the linked trace; zero: none
  SpanId span_id;
};

// Some rows of a scan. Text of rows lives in the snapshot or in `arena`; next() replaces both.
struct LogRows {
  std::vector<LogRow> rows;
  Arena arena;
};

enum class Order : std::uint8_t {
  any,       // batches of one stream each, rows by (time, arrival); next() may be called concurrently
  forward,   // all rows by (time, stream, arrival); next() by one thread
  backward,  // exactly the reverse of forward
};

struct LogScan {
  TenantId tenant;
  TimeRange range;
  std::vector<exec::LabelMatcher> matchers;  // on stream labels, all must hold; a missing label is ""
  Order order = Order::any;
  // When not empty: only rows that may hold one of these ids need to be shown (a superset is shown;
  // the caller checks). Comes from necessary conditions of the query.
  std::vector<TraceId> ids;
};

class LogSource {
 public:
  virtual ~LogSource() = default;
  // Fills `rows` with up to 2048 rows, at least one, and counts them and the bytes of their lines in
  // the context's statistics. False: no more. Rows that equal another in
  // stream, time, line and metadata are shown once.
  virtual Result<bool> next(LogRows& rows) = 0;
};

struct StreamStats {
  const Stream* stream = nullptr;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of lines
};

enum class AttributeScope : std::uint8_t { span, resource, instrumentation, event, link };

struct AttributeKey {
  AttributeScope scope = AttributeScope::span;
  std::string key;
  auto operator<=>(const AttributeKey&) const = default;
};

struct TraceScan {
  TenantId tenant;
  TimeRange range;  // traces with a span that overlaps it
  // Columns to fill in TraceRows::columns; scopes span, resource and instrumentation only.
  std::vector<AttributeKey> columns;
  bool all_attributes = false;  // fill attributes of spans, resources and scopes
  bool events = false;          // fill Span::events
  bool links = false;           // fill Span::links
};

// Some whole traces. Text lives in the snapshot or in `arena`; next() replaces everything.
struct TraceRows {
  struct Trace {
    TraceId id;
    std::uint32_t first = 0;  // spans [first, first + count) of `spans`, by (start, span id)
    std::uint32_t count = 0;
  };
  std::vector<Trace> traces;
  std::vector<Span> spans;  // spans of equal id, kind and content are shown once
  std::vector<std::vector<Value>> columns;  // [i][span]: value of TraceScan::columns[i], or nil
  std::vector<Resource> resources;  // Span::resource and Span::scope index these
  std::vector<Scope> scopes;
  Arena arena;
};

class TraceSource {
 public:
  virtual ~TraceSource() = default;
  // The caller counts what it scans.
  // Traces by start of their first span, newest first (ties by id); several calls may run
  // concurrently, each gets the next ones. False: no more.
  virtual Result<bool> next(TraceRows& rows) = 0;
};

// A consistent cut of everything acknowledged when it was taken. Immutable; thread-safe. Sources
// and the text they show must not outlive it.
class Snapshot {
 public:
  virtual ~Snapshot() = default;

  // Streams with at least one row in `range`, by label text.
  virtual std::vector<const Stream*> streams(const TenantId& tenant, TimeRange range,
                                             std::span<const exec::LabelMatcher> matchers) const = 0;
  // The same with exact counts of the rows in range (duplicates may be counted).
  virtual std::vector<StreamStats> stream_stats(const TenantId& tenant, TimeRange range,
                                                std::span<const exec::LabelMatcher> matchers) const = 0;
  virtual std::unique_ptr<LogSource> logs(LogScan scan, const exec::Context& context) const = 0;

  // All of one trace, spans by (start, span id), or false. Views live as long as the snapshot and
  // `out`.
  virtual bool trace(const TenantId& tenant, const TraceId& id, SpanBatch& out) const = 0;
  virtual std::unique_ptr<TraceSource> traces(TraceScan scan, const exec::Context& context) const = 0;
  // Every attribute key in use, sorted. Keys of traces out of `range` may be among them.
  virtual std::vector<AttributeKey> attribute_keys(const TenantId& tenant, TimeRange range) const = 0;
};

}  // namespace weft::storage
