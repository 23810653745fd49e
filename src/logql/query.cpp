#include "logql/query.h"

#include "logql/syntax/ast.h"
#include "logql/syntax/parser.h"
#include "logql/syntax/printer.h"

namespace weft::logql {
namespace {

void collect_selectors(const Expr& expr, std::vector<std::vector<exec::LabelMatcher>>& out) {
  if (const auto* log = expr.as<LogExpr>()) {
    out.push_back(log->matchers);
  } else if (const auto* range = expr.as<RangeExpr>()) {
    out.push_back(range->log.matchers);
  } else if (const auto* aggregate = expr.as<AggregateExpr>()) {
    collect_selectors(*aggregate->inner, out);
  } else if (const auto* replace = expr.as<LabelReplaceExpr>()) {
    collect_selectors(*replace->inner, out);
  } else if (const auto* binary = expr.as<BinaryExpr>()) {
    collect_selectors(*binary->left, out);
    collect_selectors(*binary->right, out);
  }
}

}  // namespace

Result<Query> Query::parse(std::string_view text) {
  return Query(TRY(parse_query(text)));
}

bool Query::is_log_query() const {
  return expr_->as<LogExpr>() != nullptr;
}
std::string Query::to_string() const {
  return print(*expr_);
}
std::string Query::pretty() const {
  return print_pretty(*expr_);
}

std::vector<std::vector<exec::LabelMatcher>> Query::selectors() const {
  std::vector<std::vector<exec::LabelMatcher>> out;
  collect_selectors(*expr_, out);
  return out;
}

Result<std::vector<exec::LabelMatcher>> parse_selector(std::string_view text) {
  return parse_matchers(text);
}

}  // namespace weft::logql
