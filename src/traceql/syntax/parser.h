#pragma once

#include <string_view>

#include "base/result.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {

// Recursive descent over reference/tempo.md §1.6 and §1.10. Nesting is bounded by kNestingMax.
// Errors: invalid_argument "parse error at line L, col C: …".
Result<Root> parse_query(std::string_view text);

}  // namespace weft::traceql
