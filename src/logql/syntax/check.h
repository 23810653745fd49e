#pragma once

#include <vector>

#include "base/result.h"
#include "logql/syntax/ast.h"

// What the grammar lets through and the language does not. Errors: invalid_argument with Loki's text.

namespace weft::logql {

// Some matcher must exclude the empty string.
Result<void> check_selector(const std::vector<exec::LabelMatcher>& matchers);
Result<void> check_range(const RangeExpr& node);
Result<void> check_aggregate(const AggregateExpr& node);
Result<void> check_operands(BinaryOp op, const Expr& left, const Expr& right);

}  // namespace weft::logql
