#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// A whole query, checked. Errors: invalid_argument with Loki's text and position.
Result<ExprPtr> parse_query(std::string_view text);

// A selector alone, `{}` included.
Result<std::vector<exec::LabelMatcher>> parse_matchers(std::string_view text);

// One number and another under an operator, as the folding of literals and the evaluator do it.
double apply_arithmetic(BinaryOp op, double left, double right);
bool apply_comparison(BinaryOp op, double left, double right);

}  // namespace weft::logql
