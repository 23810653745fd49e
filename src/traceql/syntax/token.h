#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "traceql/syntax/ast.h"

namespace weft::traceql {

enum class TokenKind : std::uint8_t {
  end,
  identifier,  // a word that is no intrinsic: keyword, function or unknown
  string,
  integer,
  number,
  duration,
  attribute,  // `.x`, `span.x`, and intrinsics in both spellings
  symbol,     // operators and punctuation; Token::raw tells which
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view raw;  // as written, into the query's text
  std::size_t line = 1;  // of its first character, both from 1
  std::size_t column = 1;
  Literal literal;         // of string, integer, number and duration
  AttributeRef attribute;  // of attribute
};

}  // namespace weft::traceql
