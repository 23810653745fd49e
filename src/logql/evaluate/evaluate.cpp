#include <algorithm>
#include <utility>

#include "logql/evaluate/binary.h"
#include "logql/evaluate/log_query.h"
#include "logql/evaluate/range.h"
#include "logql/evaluate/vector.h"
#include "logql/query.h"

namespace weft::logql {
namespace {

class Evaluator {
 public:
  Evaluator(const StepRange& steps, const Params& params, const storage::Snapshot& data,
            exec::Context& context)
      : steps_(steps), params_(params), data_(data), context_(context) {}

  // Recursion is bounded: the parser bounds the depth of trees.
  Result<StepMatrix> run(const Expr& expr) {
    TRY(context_.check());
    if (const auto* node = expr.as<RangeExpr>())
      return evaluate_range(*node, nullptr, steps_, params_, data_, context_);
    if (const auto* node = expr.as<AggregateExpr>()) return aggregation(*node);
    if (const auto* node = expr.as<BinaryExpr>()) return binary(*node);
    if (const auto* node = expr.as<LabelReplaceExpr>()) return replace_labels(*node, TRY(run(*node->inner)));
    if (const auto* node = expr.as<VectorExpr>()) return constant(node->value);
    if (const auto* node = expr.as<LiteralExpr>()) return constant(node->value);
    return Error(Code::invalid_argument, "log queries are no part of metric queries");
  }

 private:
  StepMatrix constant(double value) const {
    StepMatrix out;
    Column& column = out.columns.emplace_back(OwnedLabels(), steps_.count);
    for (std::size_t step = 0; step < steps_.count; ++step) column.set(step, value);
    return out;
  }

  Result<StepMatrix> aggregation(const AggregateExpr& node) {
    if (node.op == VectorOp::approx_topk && params_.step_ns != 0)
      return Error(Code::invalid_argument, "approx_topk is only supported on instant queries");
    const auto* range = node.inner->as<RangeExpr>();
    if (node.op == VectorOp::sum && range && adds_up(range->op)) {
      // The sum of the series is what their rows give together: series need not be told apart.
      static const Grouping kAllTogether{};
      const Grouping& grouping = node.grouping ? *node.grouping : kAllTogether;
      return evaluate_range(*range, &grouping, steps_, params_, data_, context_);
    }
    return aggregate(node, TRY(run(*node.inner)), steps_);
  }

  Result<StepMatrix> binary(const BinaryExpr& node) {
    if (const auto* scalar = node.left->as<LiteralExpr>())
      return combine_with_scalar(node, TRY(run(*node.right)), scalar->value, true);
    if (const auto* scalar = node.right->as<LiteralExpr>())
      return combine_with_scalar(node, TRY(run(*node.left)), scalar->value, false);
    StepMatrix left = TRY(run(*node.left));
    StepMatrix right = TRY(run(*node.right));
    return combine_vectors(node, std::move(left), std::move(right), steps_);
  }

  const StepRange& steps_;
  const Params& params_;
  const storage::Snapshot& data_;
  exec::Context& context_;
};

bool sorts(const Expr& expr) {
  const auto* node = expr.as<AggregateExpr>();
  return node && (node->op == VectorOp::sort || node->op == VectorOp::sort_desc);
}

Result<Answer> render(const Expr& expr, StepMatrix matrix, const StepRange& steps, const Params& params) {
  matrix.compact();
  if (matrix.columns.size() > params.series_max)
    return Error(Code::invalid_argument, "maximum number of series (" + std::to_string(params.series_max) +
                                             ") reached for a single query; consider reducing query "
                                             "cardinality by adding more specific stream "
                                             "selectors, reducing the time range, or aggregating results "
                                             "with functions like sum(), count() or "
                                             "topk()");
  bool instant = params.step_ns == 0;
  if (!instant || !sorts(expr))
    std::sort(matrix.columns.begin(), matrix.columns.end(),
              [](const Column& a, const Column& b) { return a.labels < b.labels; });
  Answer out;
  if (instant) {
    Vector vector;
    vector.time_ns = steps.start_ns;
    for (Column& column : matrix.columns)
      vector.samples.push_back({std::move(column.labels), column.values[0]});
    out.data = std::move(vector);
    return out;
  }
  Matrix answer;
  for (Column& column : matrix.columns) {
    Series series;
    series.labels = std::move(column.labels);
    for (std::size_t step = 0; step < steps.count; ++step)
      if (column.present[step]) series.points.push_back({steps.at(step), column.values[step]});
    answer.series.push_back(std::move(series));
  }
  out.data = std::move(answer);
  return out;
}

}  // namespace

Result<Answer> evaluate(const Query& query, const Params& params, const storage::Snapshot& data,
                        exec::Context& context) {
  const Expr& expr = query.expr();
  if (const auto* log = expr.as<LogExpr>()) return Answer {
      TRY(evaluate_log(*log, params, data, context))
      , {}
    };
  StepRange steps;
  if (params.step_ns == 0) {
    steps.start_ns = params.end_ns;
    if (const auto* literal = expr.as<LiteralExpr>())
      return Answer{Scalar{params.end_ns, literal->value}, {}};
  } else {
    if (params.end_ns < params.start_ns || params.step_ns < 0)
      return Error(Code::invalid_argument, "end timestamp must not be before or equal to start time");
    steps.start_ns = params.start_ns;
    steps.step_ns = params.step_ns;
    steps.count = static_cast<std::size_t>((params.end_ns - params.start_ns) / params.step_ns) + 1;
  }
  TRY(context.take_memory(steps.count * sizeof(Point), "the answer"));
  return render(expr, TRY(Evaluator(steps, params, data, context).run(expr)), steps, params);
}

}  // namespace weft::logql
