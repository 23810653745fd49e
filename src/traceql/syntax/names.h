#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "traceql/syntax/ast.h"

// The words of the language, by one table each.

namespace weft::traceql {

struct IntrinsicName {
  Intrinsic intrinsic;
  std::string_view scoped;  // "span:duration", or "" when there is none
  std::string_view plain;   // "duration", or ""
  Type type;
};
std::span<const IntrinsicName> intrinsic_names();
const IntrinsicName& name_of(Intrinsic intrinsic);
// In either spelling; none: not an intrinsic.
Intrinsic find_intrinsic(std::string_view word);
// As answers and messages print it: the plain form where there is one.
std::string_view display_name(Intrinsic intrinsic);

std::string_view scope_prefix(Scope scope);  // "span.", "."
std::string_view op_text(Op op);
std::string_view aggregate_text(Aggregate aggregate);
std::string_view function_text(MetricsFunction function);
std::string_view spanset_op_text(SpansetOp op);
std::string_view status_text(std::int64_t status);  // "unset" "ok" "error"
std::string_view kind_text(std::int64_t kind);

std::optional<SpanStatus> find_status(std::string_view word);
std::optional<SpanKind> find_kind(std::string_view word);
std::optional<Aggregate> find_aggregate(std::string_view word);
std::optional<MetricsFunction> find_function(std::string_view word);
std::optional<SpansetOp> find_spanset_op(std::string_view symbol);
std::optional<Op> find_op(std::string_view symbol);

bool is_comparison(Op op);  // = != < <= > >= =~ !~
bool is_arithmetic(Op op);
bool is_numeric(Type type);  // integer, number, duration

}  // namespace weft::traceql
