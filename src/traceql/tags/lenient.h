#pragma once

#include <string_view>

#include "base/result.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {

// The pipeline that an editor's text asks for, complete or not: conditions that cannot be read hold
// always, and a text that is no query at all selects every span.
// Errors: invalid_argument when there are more than 100 groups of conditions joined by ||.
Result<Root> parse_lenient(std::string_view text);

}  // namespace weft::traceql
