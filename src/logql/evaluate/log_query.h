#pragma once

#include "logql/query.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// The entries of a log query in the asked direction, cut at the limit, grouped by their labels.
Result<Streams> evaluate_log(const LogExpr& log, const Params& params, const storage::Snapshot& data,
                             exec::Context& context);

}  // namespace weft::logql
