#pragma once

#include "logql/evaluate/matrix.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// sum, topk and the like, step by step.
StepMatrix aggregate(const AggregateExpr& node, StepMatrix input, const StepRange& steps);

StepMatrix replace_labels(const LabelReplaceExpr& node, StepMatrix input);

}  // namespace weft::logql
