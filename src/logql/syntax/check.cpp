#include "logql/syntax/check.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <string>

#include "logql/syntax/lexer.h"
#include "text/units.h"

namespace weft::logql {
namespace {

// Go's %f: six digits behind the point.
std::string fixed(double value) {
  std::array<char, 400> text;
  int size = std::snprintf(text.data(), text.size(), "%f", value);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

bool needs_unwrap(RangeOp op) {
  switch (op) {
    case RangeOp::avg:
    case RangeOp::sum:
    case RangeOp::min:
    case RangeOp::max:
    case RangeOp::stddev:
    case RangeOp::stdvar:
    case RangeOp::quantile:
    case RangeOp::first:
    case RangeOp::last:
    case RangeOp::rate_counter: return true;
    default: return false;
  }
}

bool forbids_unwrap(RangeOp op) {
  return op == RangeOp::count || op == RangeOp::bytes || op == RangeOp::bytes_rate;
}

bool may_group(RangeOp op) {
  switch (op) {
    case RangeOp::avg:
    case RangeOp::min:
    case RangeOp::max:
    case RangeOp::stddev:
    case RangeOp::stdvar:
    case RangeOp::quantile:
    case RangeOp::first:
    case RangeOp::last: return true;
    default: return false;
  }
}

std::string type_of(const Expr& expr, bool pipeline) {
  if (!expr.as<LogExpr>()) return "";
  return pipeline ? "*syntax.PipelineExpr" : "*syntax.MatchersExpr";
}

}  // namespace

Result<void> check_selector(const std::vector<exec::LabelMatcher>& matchers) {
  for (const exec::LabelMatcher& matcher : matchers)
    if (!matcher.matcher.matches("")) return {};
  return semantic_error(
      "queries require at least one regexp or equality matcher that does not have an empty-compatible value. "
      "For "
      "instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will");
}

Result<void> check_range(const RangeExpr& node) {
  std::string name(name_of(node.op));
  if (node.op == RangeOp::quantile) {
    if (!node.parameter) return semantic_error("parameter required for operation " + name);
  } else if (node.parameter) {
    return semantic_error("parameter " + text::format_float(*node.parameter) +
                          " not supported for operation " + name);
  }
  if (needs_unwrap(node.op) && !node.unwrap)
    return semantic_error("invalid aggregation " + name + " without unwrap");
  if (forbids_unwrap(node.op) && node.unwrap)
    return semantic_error("invalid aggregation " + name + " with unwrap");
  if (node.grouping && !may_group(node.op))
    return semantic_error("grouping not allowed for " + name + " aggregation");
  return {};
}

Result<void> check_aggregate(const AggregateExpr& node) {
  std::string name(name_of(node.op));
  bool takes_k =
      node.op == VectorOp::topk || node.op == VectorOp::bottomk || node.op == VectorOp::approx_topk;
  if (takes_k) {
    if (!node.parameter) return semantic_error("parameter required for operation " + name);
    double k = *node.parameter;
    if (k != std::floor(k))
      return semantic_error("invalid parameter " + name + "(" + text::format_float(k) + ",");
    if (k <= 0)
      return semantic_error("invalid parameter (must be greater than 0) " + name + "(" +
                            text::format_float(k));
  } else if (node.parameter) {
    return semantic_error("unsupported parameter for operation " + name + "(" +
                          text::format_float(*node.parameter) + ",");
  }
  bool sorts = node.op == VectorOp::sort || node.op == VectorOp::sort_desc;
  if (sorts && node.grouping) return semantic_error("sort and sort_desc doesn't allow grouping by ");
  if (node.op == VectorOp::approx_topk && node.grouping)
    return semantic_error("grouping not allowed for approx_topk aggregation");
  return {};
}

Result<void> check_operands(BinaryOp op, const Expr& left, const Expr& right) {
  std::string name(name_of(op));
  for (const Expr* side : {&left, &right}) {
    const char* which = side == &left ? "left" : "right";
    if (const auto* log = side->as<LogExpr>())
      return semantic_error("unexpected type for " + std::string(which) + " leg of binary operation (" +
                            name + "): " + type_of(*side, !log->stages.empty()));
    if (const auto* literal = side->as<LiteralExpr>(); literal && is_set_op(op))
      return semantic_error("unexpected literal for " + std::string(which) +
                            " leg of logical/set binary operation (" + name + "): " + fixed(literal->value));
  }
  return {};
}

}  // namespace weft::logql
