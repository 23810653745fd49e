#pragma once

#include "base/result.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {

// What is known of an expression's value before any span is seen; arithmetic over attributes is a
// number.
Type type_of(const Expr& expression);

// True when an attribute or intrinsic occurs in it.
bool references_span(const Expr& expression);

// Refuses what parses but has no meaning, in Tempo's words (reference/tempo.md §1.13), and compiles
// the regular expressions. Errors: invalid_argument.
Result<void> check(Root& root);

}  // namespace weft::traceql
