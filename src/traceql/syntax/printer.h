#pragma once

#include <string>

#include "traceql/syntax/ast.h"

// A query as text that parses to the same tree.

namespace weft::traceql {

std::string to_string(const Root& root);
std::string to_string(const Pipeline& pipeline);
std::string to_string(const SpansetExpr& spansets);
std::string to_string(const Expr& expression);
std::string to_string(const AttributeRef& attribute);
std::string to_string(const Literal& literal);
std::string to_string(const MetricsExpr& metrics);

}  // namespace weft::traceql
