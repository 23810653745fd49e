#include "traceql/syntax/names.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace weft::traceql {
namespace {

constexpr std::array kIntrinsics = {
    IntrinsicName{Intrinsic::duration, "span:duration", "duration", Type::duration},
    IntrinsicName{Intrinsic::name, "span:name", "name", Type::string},
    IntrinsicName{Intrinsic::status, "span:status", "status", Type::status},
    IntrinsicName{Intrinsic::status_message, "span:statusMessage", "statusMessage", Type::string},
    IntrinsicName{Intrinsic::kind, "span:kind", "kind", Type::kind},
    IntrinsicName{Intrinsic::span_id, "span:id", "", Type::string},
    IntrinsicName{Intrinsic::parent_id, "span:parentID", "", Type::string},
    IntrinsicName{Intrinsic::child_count, "span:childCount", "", Type::integer},
    IntrinsicName{Intrinsic::trace_duration, "trace:duration", "traceDuration", Type::duration},
    IntrinsicName{Intrinsic::root_name, "trace:rootName", "rootName", Type::string},
    IntrinsicName{Intrinsic::root_service, "trace:rootService", "rootServiceName", Type::string},
    IntrinsicName{Intrinsic::trace_id, "trace:id", "", Type::string},
    IntrinsicName{Intrinsic::event_name, "event:name", "", Type::string},
    IntrinsicName{Intrinsic::event_time_since_start, "event:timeSinceStart", "", Type::duration},
    IntrinsicName{Intrinsic::link_trace_id, "link:traceID", "", Type::string},
    IntrinsicName{Intrinsic::link_span_id, "link:spanID", "", Type::string},
    IntrinsicName{Intrinsic::instrumentation_name, "instrumentation:name", "", Type::string},
    IntrinsicName{Intrinsic::instrumentation_version, "instrumentation:version", "", Type::string},
    IntrinsicName{Intrinsic::nested_set_left, "", "nestedSetLeft", Type::integer},
    IntrinsicName{Intrinsic::nested_set_right, "", "nestedSetRight", Type::integer},
    IntrinsicName{Intrinsic::nested_set_parent, "", "nestedSetParent", Type::integer},
    IntrinsicName{Intrinsic::parent, "", "parent", Type::any},
};

constexpr std::array<std::pair<std::string_view, Op>, 16> kOps = {{
    {"&&", Op::conjunction},
    {"||", Op::disjunction},
    {"=", Op::equal},
    {"!=", Op::not_equal},
    {"<", Op::less},
    {"<=", Op::less_equal},
    {">", Op::greater},
    {">=", Op::greater_equal},
    {"=~", Op::regex},
    {"!~", Op::not_regex},
    {"+", Op::add},
    {"-", Op::subtract},
    {"*", Op::multiply},
    {"/", Op::divide},
    {"%", Op::modulo},
    {"^", Op::power},
}};

constexpr std::array<std::pair<std::string_view, SpansetOp>, 17> kSpansetOps = {{
    {"&&", {Relation::both, Flavour::plain}},
    {"||", {Relation::either, Flavour::plain}},
    {">", {Relation::child, Flavour::plain}},
    {"<", {Relation::parent, Flavour::plain}},
    {">>", {Relation::descendant, Flavour::plain}},
    {"<<", {Relation::ancestor, Flavour::plain}},
    {"~", {Relation::sibling, Flavour::plain}},
    {"!>", {Relation::child, Flavour::negated}},
    {"!<", {Relation::parent, Flavour::negated}},
    {"!>>", {Relation::descendant, Flavour::negated}},
    {"!<<", {Relation::ancestor, Flavour::negated}},
    {"!~", {Relation::sibling, Flavour::negated}},
    {"&>", {Relation::child, Flavour::united}},
    {"&<", {Relation::parent, Flavour::united}},
    {"&>>", {Relation::descendant, Flavour::united}},
    {"&<<", {Relation::ancestor, Flavour::united}},
    {"&~", {Relation::sibling, Flavour::united}},
}};

constexpr std::array<std::string_view, 3> kStatuses = {"unset", "ok", "error"};
constexpr std::array<std::string_view, 6> kKinds = {"unspecified", "internal", "server",
                                                    "client",      "producer", "consumer"};
constexpr std::array<std::string_view, 5> kAggregates = {"count", "avg", "min", "max", "sum"};
constexpr std::array<std::string_view, 9> kFunctions = {
    "rate",          "count_over_time",    "min_over_time",       "max_over_time", "sum_over_time",
    "avg_over_time", "quantile_over_time", "histogram_over_time", "compare"};
constexpr std::array<std::string_view, 6> kScopes = {".",      "span.", "resource.",
                                                     "event.", "link.", "instrumentation."};

template <class T, std::size_t n>
std::optional<T> find_word(const std::array<std::string_view, n>& words, std::string_view word) {
  for (std::size_t i = 0; i < n; ++i)
    if (words[i] == word) return static_cast<T>(i);
  return std::nullopt;
}

}  // namespace

std::span<const IntrinsicName> intrinsic_names() {
  return kIntrinsics;
}

const IntrinsicName& name_of(Intrinsic intrinsic) {
  CHECK(intrinsic != Intrinsic::none);
  return kIntrinsics[static_cast<std::size_t>(intrinsic) - 1];
}

Intrinsic find_intrinsic(std::string_view word) {
  if (word.empty()) return Intrinsic::none;
  if (word == "childCount") return Intrinsic::child_count;  // older spelling; printed with its scope
  for (const IntrinsicName& n : kIntrinsics)
    if (n.plain == word || n.scoped == word) return n.intrinsic;
  return Intrinsic::none;
}

std::string_view display_name(Intrinsic intrinsic) {
  const IntrinsicName& n = name_of(intrinsic);
  return n.plain.empty() ? n.scoped : n.plain;
}

std::string_view scope_prefix(Scope scope) {
  return kScopes[static_cast<std::size_t>(scope)];
}
std::string_view op_text(Op op) {
  return kOps[static_cast<std::size_t>(op)].first;
}
std::string_view aggregate_text(Aggregate aggregate) {
  return kAggregates[static_cast<std::size_t>(aggregate)];
}
std::string_view function_text(MetricsFunction function) {
  return kFunctions[static_cast<std::size_t>(function)];
}

std::string_view spanset_op_text(SpansetOp op) {
  for (const auto& [text, known] : kSpansetOps)
    if (known == op) return text;
  return "?";
}

std::string_view status_text(std::int64_t status) {
  return status >= 0 && status < static_cast<std::int64_t>(kStatuses.size())
             ? kStatuses[static_cast<std::size_t>(status)]
             : kStatuses[0];
}
std::string_view kind_text(std::int64_t kind) {
  return kind >= 0 && kind < static_cast<std::int64_t>(kKinds.size()) ? kKinds[static_cast<std::size_t>(kind)]
                                                                      : kKinds[0];
}

std::optional<SpanStatus> find_status(std::string_view word) {
  return find_word<SpanStatus>(kStatuses, word);
}
std::optional<SpanKind> find_kind(std::string_view word) {
  return find_word<SpanKind>(kKinds, word);
}
std::optional<Aggregate> find_aggregate(std::string_view word) {
  return find_word<Aggregate>(kAggregates, word);
}
std::optional<MetricsFunction> find_function(std::string_view word) {
  return find_word<MetricsFunction>(kFunctions, word);
}

std::optional<SpansetOp> find_spanset_op(std::string_view symbol) {
  for (const auto& [text, op] : kSpansetOps)
    if (text == symbol) return op;
  return std::nullopt;
}

std::optional<Op> find_op(std::string_view symbol) {
  for (const auto& [text, op] : kOps)
    if (text == symbol) return op;
  return std::nullopt;
}

bool is_comparison(Op op) {
  return op >= Op::equal && op <= Op::not_regex;
}
bool is_arithmetic(Op op) {
  return op >= Op::add;
}
bool is_numeric(Type type) {
  return type == Type::integer || type == Type::number || type == Type::duration;
}

}  // namespace weft::traceql
