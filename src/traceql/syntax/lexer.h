#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "traceql/syntax/token.h"

namespace weft::traceql {

// All tokens of a query, the last one is `end`. The tokens view `text`.
// Errors: invalid_argument "parse error at line L, col C: …".
Result<std::vector<Token>> tokenize(std::string_view text);

// One attribute or intrinsic that is the whole of `text`, as by() would take it: `span."a b"`.
Result<AttributeRef> parse_attribute(std::string_view text);

// "parse error at line L, col C: <what>" for a token.
Error parse_error(const Token& at, const std::string& what);

}  // namespace weft::traceql
