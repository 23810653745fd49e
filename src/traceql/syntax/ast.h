#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exec/matcher.h"
#include "model/span_batch.h"

// The tree of a TraceQL query (reference/tempo.md §1). Left-associative chains of && and || are one
// node with many operands, so that a long query is not a deep one; the depth of everything else is
// bounded by kNestingMax, hence functions over the tree may recurse.

namespace weft::traceql {

enum class Scope : std::uint8_t { none, span, resource, event, link, instrumentation };

enum class Intrinsic : std::uint8_t {
  none,  // an attribute with a key
  duration,
  name,
  status,
  status_message,
  kind,
  span_id,
  parent_id,
  child_count,
  trace_duration,
  root_name,
  root_service,
  trace_id,
  event_name,
  event_time_since_start,
  link_trace_id,
  link_span_id,
  instrumentation_name,
  instrumentation_version,
  nested_set_left,
  nested_set_right,
  nested_set_parent,
  parent,  // parses, is refused by the check
};

// `span.http.method`, `.foo`, `duration`. An intrinsic has neither scope nor key.
struct AttributeRef {
  Scope scope = Scope::none;
  bool of_parent = false;  // `parent.x`: parses, is refused by the check
  Intrinsic intrinsic = Intrinsic::none;
  std::string key;
  auto operator<=>(const AttributeRef&) const = default;
};

// Static types. `any` is an attribute's: known only when its value is seen.
enum class Type : std::uint8_t { any, nil, string, integer, number, boolean, duration, status, kind };

struct Literal {
  Type type = Type::nil;
  std::string text;          // string
  std::int64_t integer = 0;  // integer; duration in ns; boolean 0 or 1; status and kind as OTLP numbers them
  double number = 0;
};

enum class Op : std::uint8_t {
  conjunction,
  disjunction,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  regex,
  not_regex,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  power,
};

enum class Aggregate : std::uint8_t { count, avg, min, max, sum };

struct Expr {
  enum class Kind : std::uint8_t {
    literal,
    attribute,
    negate,     // -x
    invert,     // !x
    binary,     // operands[0] ops[0] operands[1]
    chain,      // operands[0] ops[0] operands[1] ops[1] …, ops of && and ||, from the left
    aggregate,  // count(), or of operands[0]; in scalar filters only
  };
  Kind kind = Kind::literal;
  Aggregate aggregate = Aggregate::count;
  std::uint16_t depth = 1;
  Literal literal;
  AttributeRef attribute;
  std::vector<Op> ops;
  std::vector<Expr> operands;
  std::optional<exec::StringMatcher> pattern;  // of =~ and !~: matches what =~ accepts; set by the check
};

enum class Relation : std::uint8_t { both, either, child, parent, descendant, ancestor, sibling };
enum class Flavour : std::uint8_t { plain, negated, united };  // >  !>  &>

struct SpansetOp {
  Relation relation = Relation::both;
  Flavour flavour = Flavour::plain;
  bool operator==(const SpansetOp&) const = default;
};

struct Pipeline;

struct SpansetExpr {
  enum class Kind : std::uint8_t {
    filter,    // { condition }
    binary,    // a structural operator
    chain,     // && and ||, from the left
    pipeline,  // ( … | … )
  };
  Kind kind = Kind::filter;
  std::uint16_t depth = 1;
  std::optional<Expr> condition;  // of `{ }`: none
  std::vector<SpansetOp> ops;
  std::vector<SpansetExpr> operands;
  std::shared_ptr<const Pipeline> pipeline;
};

struct Stage {
  enum class Kind : std::uint8_t { spansets, by, select, coalesce, scalar_filter };
  Kind kind = Kind::spansets;
  SpansetExpr spansets;
  Expr expression;                       // of by; of scalar_filter the comparison
  std::vector<AttributeRef> attributes;  // of select
};

struct Pipeline {
  std::vector<Stage> stages;
};

enum class MetricsFunction : std::uint8_t {
  rate,
  count_over_time,
  min_over_time,
  max_over_time,
  sum_over_time,
  avg_over_time,
  quantile_over_time,
  histogram_over_time,
  compare,
};

struct SecondStage {
  enum class Kind : std::uint8_t { top, bottom, comparison };
  Kind kind = Kind::top;
  std::int64_t limit = 0;
  Op op = Op::greater;
  Literal value;  // of a comparison: integer, number or duration
};

struct MetricsStage {
  MetricsFunction function = MetricsFunction::rate;
  AttributeRef attribute;  // of …_over_time(x)
  std::vector<double> quantiles;
  SpansetExpr selection;                        // of compare
  std::vector<std::int64_t> compare_arguments;  // topN, start, end
  std::vector<AttributeRef> by;
  std::vector<SecondStage> second;
};

// `… | rate()`, a number, or arithmetic over both.
struct MetricsExpr {
  enum class Kind : std::uint8_t { query, scalar, binary };
  Kind kind = Kind::query;
  std::uint16_t depth = 1;
  Pipeline pipeline;
  MetricsStage stage;
  Literal scalar;
  Op op = Op::add;
  std::vector<MetricsExpr> operands;
  std::vector<SecondStage> second;  // after the closing parenthesis
};

struct Hint {
  std::string name;
  Literal value;
};

struct Root {
  Pipeline pipeline;  // when there is no metrics part
  std::optional<MetricsExpr> metrics;
  std::vector<Hint> hints;
};

}  // namespace weft::traceql
