#pragma once

#include "logql/evaluate/matrix.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// vector op scalar, or scalar op vector.
StepMatrix combine_with_scalar(const BinaryExpr& node, StepMatrix vector, double scalar, bool scalar_on_left);

// vector op vector. Errors: internal, in Prometheus' words, when series do not pair up.
Result<StepMatrix> combine_vectors(const BinaryExpr& node, StepMatrix left, StepMatrix right,
                                   const StepRange& steps);

}  // namespace weft::logql
