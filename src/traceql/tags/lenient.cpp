#include "traceql/tags/lenient.h"

#include <string>

#include "traceql/check/check.h"
#include "traceql/syntax/lexer.h"
#include "traceql/syntax/parser.h"

namespace weft::traceql {
namespace {

constexpr std::size_t kGroupsMax = 100;

Result<Root> parse_checked(std::string_view text) {
  Root root = TRY(parse_query(text));
  TRY(check(root));
  // Of a metrics query only the spans that it looks at matter here.
  if (root.metrics && root.metrics->kind == MetricsExpr::Kind::query)
    root.pipeline = std::move(root.metrics->pipeline);
  else if (root.metrics)
    return parse_query("{}");
  root.metrics.reset();
  return root;
}

bool is_symbol(const Token& token, std::string_view text) {
  return token.kind == TokenKind::symbol && token.raw == text;
}

// The first filter with `true` for each of its conditions that cannot be read.
std::string repair(const std::vector<Token>& tokens) {
  std::size_t at = 0;
  while (at < tokens.size() && !is_symbol(tokens[at], "{")) ++at;
  std::string out = "{";
  std::string condition;
  int depth = 0;
  auto close = [&] {
    bool readable = !condition.empty() && parse_checked("{" + condition + "}");
    out += readable ? condition : " true ";
    condition.clear();
  };
  for (++at; at < tokens.size(); ++at) {
    const Token& token = tokens[at];
    if (token.kind == TokenKind::end || is_symbol(token, "}")) break;
    if (is_symbol(token, "(")) ++depth;
    if (is_symbol(token, ")")) --depth;
    if (depth == 0 && (is_symbol(token, "&&") || is_symbol(token, "||"))) {
      close();
      out += token.raw;
      continue;
    }
    condition += ' ';
    condition += token.raw;
  }
  close();
  return out + "}";
}

}  // namespace

Result<Root> parse_lenient(std::string_view text) {
  if (Result<std::vector<Token>> tokens = tokenize(text)) {
    std::size_t groups = 1;
    for (const Token& token : *tokens) groups += is_symbol(token, "||") ? 1 : 0;
    if (groups > kGroupsMax)
      return Error(
          Code::invalid_argument,
          "maximum condition groups reached (limit: 100). Reduce the number of OR conditions in the query");
    if (Result<Root> root = parse_checked(text)) return root;
    if (Result<Root> root = parse_checked(repair(*tokens))) return root;
  }
  return parse_query("{}");
}

}  // namespace weft::traceql
