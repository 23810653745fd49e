#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::logql {

// What the grammar is written in. The order of operators within a group does not matter.
enum class Token : std::uint8_t {
  end,
  identifier,
  string,
  number,
  duration,
  bytes,
  range,
  function_flag,
  // punctuation
  open_brace,
  close_brace,
  open_paren,
  close_paren,
  comma,
  dot,
  pipe,
  other,
  // comparison, matching, filters
  equal,
  not_equal,
  matches,
  not_matches,
  compare_equal,
  greater,
  greater_equal,
  less,
  less_equal,
  pipe_equal,
  pipe_matches,
  pipe_pattern,
  not_pattern,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  power,
  // keywords
  by,
  without,
  and_,
  or_,
  unless,
  on,
  ignoring,
  group_left,
  group_right,
  bool_,
  offset,
  json,
  logfmt,
  regexp,
  pattern,
  unpack,
  unwrap,
  line_format,
  label_format,
  decolorize,
  drop,
  keep,
  // words that are functions when a parenthesis (or by/without) follows
  range_function,
  vector_function,
  vector_literal,
  label_replace,
  ip,
  convert_function,
};

// One token and where it begins (line and column count characters from 1).
struct Lexeme {
  Token token = Token::end;
  std::string text;  // identifiers and functions as written; strings unescaped; others as in the query
  std::int64_t duration_ns = 0;  // of durations and ranges
  double value = 0;              // of numbers and byte sizes
  int line = 1;
  int column = 1;
};

// As yacc names it in "unexpected X, expecting Y".
std::string_view name_of(Token token);

}  // namespace weft::logql
