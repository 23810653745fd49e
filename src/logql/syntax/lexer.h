#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "logql/syntax/token.h"

namespace weft::logql {

// All tokens of a query, the last one `end`. Errors: invalid_argument with Loki's text and position.
Result<std::vector<Lexeme>> lex(std::string_view text);

// "parse error at line 1, col 5: …"
Error error_at(const Lexeme& where, std::string_view what);
// "parse error : …", for what has no position.
Error semantic_error(std::string_view what);

}  // namespace weft::logql
