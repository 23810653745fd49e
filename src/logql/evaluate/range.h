#pragma once

#include "logql/evaluate/matrix.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// A range aggregation at every step. With `outer`, its samples are summed by that grouping at once,
// which is only right for sum(…) around an operation that adds up; see adds_up().
Result<StepMatrix> evaluate_range(const RangeExpr& node, const Grouping* outer, const StepRange& steps,
                                  const Params& params, const storage::Snapshot& data,
                                  exec::Context& context);

// count, rate, bytes, sum: their sum over series is their value over the rows of all those series.
bool adds_up(RangeOp op);

}  // namespace weft::logql
