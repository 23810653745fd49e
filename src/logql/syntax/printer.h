#pragma once

#include <string>

#include "logql/syntax/ast.h"

namespace weft::logql {

// The canonical text of a query, as Loki's String() writes it: it parses to an equal query.
std::string print(const Expr& expr);
// The same in several lines where one would be longer than 100 characters.
std::string print_pretty(const Expr& expr);

}  // namespace weft::logql
