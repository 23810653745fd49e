#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exec/context.h"
#include "model/ids.h"
#include "model/tenant.h"
#include "model/time.h"
#include "storage/snapshot.h"

// TraceQL (reference/tempo.md §1): parse once, evaluate on a snapshot. Pure: no clock, no files.

namespace weft::traceql {

struct Root;  // the tree; private to traceql

// A parsed and checked query. Immutable, cheap to copy, thread-safe.
class Query {
 public:
  // Errors: invalid_argument, the bare text without the prefix "invalid TraceQL query: ".
  static Result<Query> parse(std::string_view text);
  // True for `… | rate()` and its kind.
  bool is_metrics() const;
  std::string to_string() const;
  const Root& root() const { return *root_; }

 private:
  explicit Query(std::shared_ptr<const Root> root) : root_(std::move(root)) {}
  std::shared_ptr<const Root> root_;
};

// A value of an answer, typed as OTLP's AnyValue has it (string, integer, number, boolean, nil).
struct TypedValue {
  enum class Type : std::uint8_t { nil, string, integer, number, boolean };
  Type type = Type::nil;
  std::string text;  // of string
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
};
using TypedAttributes = std::vector<std::pair<std::string, TypedValue>>;

struct SearchParams {
  TenantId tenant;
  TimeRange range;         // traces that overlap it
  std::size_t limit = 20;  // traces
  std::size_t spans_per_set = 3;
  std::int64_t min_duration_ns = 0;  // of the trace; 0: any
  std::int64_t max_duration_ns = 0;
};

struct FoundSpan {
  SpanId id;
  std::string name;  // only when the query mentions `name`
  std::uint64_t start_ns = 0;
  std::uint64_t duration_ns = 0;
  TypedAttributes attributes;  // those the query mentions or selects
};
struct SpanSet {
  std::vector<FoundSpan> spans;  // at most spans_per_set
  std::uint32_t matched = 0;     // all of them
  TypedAttributes attributes;    // of pipeline stages: by(x), count(), …
};
struct ServiceStats {
  std::uint32_t spans = 0;
  std::uint32_t errors = 0;
};
struct FoundTrace {
  TraceId id;
  std::string root_service;  // "<root span not yet received>" when there is no root
  std::string root_name;
  std::uint64_t start_ns = 0;
  std::uint64_t duration_ns = 0;
  std::vector<SpanSet> span_sets;
  std::map<std::string, ServiceStats> services;
};

// Newest first, complete up to the limit. Errors: as evaluate() of logql.
Result<std::vector<FoundTrace>> search(const Query& query, const SearchParams& params,
                                       const storage::Snapshot& data, exec::Context& context);

// Legacy search by tags: every pair must hold somewhere in the trace (reference/tempo.md §2.4).
// Results have no span sets.
Result<std::vector<FoundTrace>> search_tags(const std::vector<std::pair<std::string, std::string>>& tags,
                                            const SearchParams& params, const storage::Snapshot& data,
                                            exec::Context& context);

struct MetricsParams {
  TenantId tenant;
  std::int64_t start_ns = 0;  // as asked; aligned here (§2.7)
  std::int64_t end_ns = 0;
  std::int64_t step_ns = 0;  // 0: one value over the whole range (instant)
  std::size_t exemplars = 100;
  std::size_t series_max = 0;  // 0: no limit
};
struct MetricsPoint {
  std::int64_t time_ns = 0;  // right edge of the interval
  double value = 0;
};
struct Exemplar {
  TypedAttributes labels;
  double value = 0;
  std::int64_t time_ns = 0;
};
struct MetricsSeries {
  TypedAttributes labels;
  std::vector<MetricsPoint> points;  // of an instant query: one
  std::vector<Exemplar> exemplars;
};
struct MetricsAnswer {
  std::vector<MetricsSeries> series;
  std::string message;  // not empty: the answer is partial, and why
};
Result<MetricsAnswer> evaluate_metrics(const Query& query, const MetricsParams& params,
                                       const storage::Snapshot& data, exec::Context& context);

// Tag names by scope (resource, span, event, link, instrumentation, intrinsic), for scope "" all of
// them. `q` is the editor's text, possibly incomplete; what cannot be read of it is ignored.
// Errors: invalid_argument "invalid scope: x".
struct ScopedTags {
  std::string scope;
  std::vector<std::string> tags;
};
Result<std::vector<ScopedTags>> tag_names(std::string_view scope, std::string_view q, const TenantId& tenant,
                                          TimeRange range, const storage::Snapshot& data,
                                          exec::Context& context);

struct TagValue {
  std::string type;  // string int float bool duration keyword
  std::string value;
};
// `identifier` is a TraceQL attribute or intrinsic ("resource.service.name", ".foo", "status").
// Errors: invalid_argument "please provide a valid tagName: …".
Result<std::vector<TagValue>> tag_values(std::string_view identifier, std::string_view q, std::size_t limit,
                                         const TenantId& tenant, TimeRange range,
                                         const storage::Snapshot& data, exec::Context& context);
// The v1 form: a bare key, searched in every scope; values as text.
Result<std::vector<std::string>> tag_values_v1(std::string_view name, std::size_t limit,
                                               const TenantId& tenant, TimeRange range,
                                               const storage::Snapshot& data, exec::Context& context);

}  // namespace weft::traceql
