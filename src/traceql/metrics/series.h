#pragma once

#include <span>
#include <string>
#include <vector>

#include "traceql/query.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {

// A series while it is computed: one value per interval, NaN where there is none.
struct Series {
  TypedAttributes labels;
  std::vector<double> values;
  std::vector<Exemplar> exemplars;
};

// Order of answers: by number of labels, then by their contents.
bool label_order(const Series& a, const Series& b);

// Applies `| topk(n)`, `| bottomk(n)` and comparisons. Points that fail, and series without a point,
// vanish.
void apply_second_stages(std::span<const SecondStage> stages, std::vector<Series>& series);

// One number for every series, `left` says on which side of `op` it stands.
void apply_scalar(Op op, double scalar, bool left, std::vector<Series>& series);

// Pairs series of equal labels (`__name__` aside); a lone series without labels goes with each of
// the other side. `name` becomes the name of series without labels.
std::vector<Series> combine(Op op, const std::string& name, std::vector<Series> a, std::vector<Series> b);

}  // namespace weft::traceql
