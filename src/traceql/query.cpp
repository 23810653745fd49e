#include "traceql/query.h"

#include "traceql/check/check.h"
#include "traceql/syntax/ast.h"
#include "traceql/syntax/parser.h"
#include "traceql/syntax/printer.h"

namespace weft::traceql {

Result<Query> Query::parse(std::string_view text) {
  Root root = TRY(parse_query(text));
  TRY(check(root));
  return Query(std::make_shared<const Root>(std::move(root)));
}

bool Query::is_metrics() const {
  return root_->metrics.has_value();
}

std::string Query::to_string() const {
  return traceql::to_string(*root_);
}

}  // namespace weft::traceql
