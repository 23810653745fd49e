#include <algorithm>
#include <cmath>
#include <optional>

#include "traceql/answer.h"
#include "traceql/metrics/accumulate.h"
#include "traceql/metrics/comparison.h"
#include "traceql/metrics/intervals.h"
#include "traceql/metrics/series.h"
#include "traceql/query.h"
#include "traceql/scan.h"
#include "traceql/spansets/pipeline.h"
#include "traceql/syntax/ast.h"
#include "traceql/syntax/printer.h"

namespace weft::traceql {
namespace {

struct Evaluation {
  const MetricsParams& params;
  const Intervals& intervals;
  const storage::Snapshot& data;
  exec::Context& context;
  std::size_t exemplars;
};

Result<std::vector<Series>> run_query(const MetricsExpr& e, const Evaluation& with) {
  bool compares = e.stage.function == MetricsFunction::compare;
  Slots slots(with.data.attribute_keys(with.params.tenant, with.intervals.range()));
  PipelineCompiler compiler(slots);
  PipelinePlan plan = TRY(compiler.compile(e.pipeline));
  SpansetPlan selection;
  ShownAttributes shown;
  std::optional<Accumulator> accumulator;
  std::optional<Comparison> comparison;
  if (compares) {
    selection = TRY(compiler.compile(e.stage.selection));
    comparison.emplace(e.stage, with.intervals, slots);
  } else {
    if (with.exemplars > 0) {
      TRY(shown.add(e.pipeline, compiler.expressions()));
      for (const AttributeRef& a : e.stage.by) shown.add_always(a, slots);
      if (e.stage.attribute != AttributeRef{}) shown.add_always(e.stage.attribute, slots);
    }
    accumulator.emplace(e.stage, with.intervals, with.exemplars, shown, slots);
  }

  TraceTable table;
  SpansetRunner runner(slots, table);
  TraceReader reader(slots, with.params.tenant, with.intervals.range(), with.data, with.context,
                     compares ? TraceReader::Fetch::all_attributes : TraceReader::Fetch::slots);
  while (TRY(reader.next(table))) {
    runner.begin();
    const Bitmap* selected = nullptr;
    if (compares)
      selected = TRY(runner.filter(selection));
    else
      accumulator->begin(table);
    TRY(runner.each(plan, [&](std::uint32_t span) {
      ++with.context.stats().rows_matched;
      return compares ? comparison->add(span, selected->test(span), table, with.context)
                      : accumulator->add(span, with.context);
    }));
  }
  std::vector<Series> series = compares ? comparison->finish() : accumulator->finish();
  apply_second_stages(e.stage.second, series);
  return series;
}

double scalar_of(const MetricsExpr& e) {
  return e.scalar.type == Type::number ? e.scalar.number : static_cast<double>(e.scalar.integer);
}

bool is_scalar(const MetricsExpr& e) {
  if (e.kind == MetricsExpr::Kind::binary) return is_scalar(e.operands[0]) && is_scalar(e.operands[1]);
  return e.kind == MetricsExpr::Kind::scalar;
}

Result<std::vector<Series>> run(const MetricsExpr& e, const Evaluation& with);

// Arithmetic of two constants, as in `2 * 3 * ({} | rate())`.
double fold(const MetricsExpr& e) {
  if (e.kind == MetricsExpr::Kind::scalar) return scalar_of(e);
  double a = fold(e.operands[0]);
  double b = fold(e.operands[1]);
  switch (e.op) {
    case Op::add: return a + b;
    case Op::subtract: return a - b;
    case Op::multiply: return a * b;
    default: return b == 0 ? std::nan("") : a / b;
  }
}

Result<std::vector<Series>> run_binary(const MetricsExpr& e, const Evaluation& with) {
  const MetricsExpr& a = e.operands[0];
  const MetricsExpr& b = e.operands[1];
  if (is_scalar(a) || is_scalar(b)) {
    std::vector<Series> series = TRY(run(is_scalar(a) ? b : a, with));
    apply_scalar(e.op, fold(is_scalar(a) ? a : b), is_scalar(a), series);
    return series;
  }
  std::vector<Series> left = TRY(run(a, with));
  std::vector<Series> right = TRY(run(b, with));
  return combine(e.op, to_string(e), std::move(left), std::move(right));
}

Result<std::vector<Series>> run(const MetricsExpr& e, const Evaluation& with) {
  switch (e.kind) {
    case MetricsExpr::Kind::query: return run_query(e, with);
    case MetricsExpr::Kind::scalar: break;
    case MetricsExpr::Kind::binary: {
      std::vector<Series> series = TRY(run_binary(e, with));
      apply_second_stages(e.second, series);
      return series;
    }
  }
  return Error(Code::invalid_argument, "not a metrics query");
}

// `with(exemplars=…)` overrides the request; hints of a wrong type are ignored.
std::size_t exemplars_of(const Root& root, const MetricsParams& params) {
  if (params.step_ns <= 0) return 0;  // instant queries have none
  std::size_t most = params.exemplars;
  for (const Hint& hint : root.hints) {
    if (hint.name != "exemplars") continue;
    if (hint.value.type == Type::boolean && hint.value.integer == 0) most = 0;
    if (hint.value.type == Type::integer && hint.value.integer >= 0)
      most = std::min(most, static_cast<std::size_t>(hint.value.integer));
  }
  return most;
}

MetricsSeries answer_of(Series& series, const Intervals& intervals) {
  MetricsSeries out;
  out.labels = std::move(series.labels);
  for (std::size_t i = 0; i < series.values.size(); ++i)
    if (!std::isnan(series.values[i])) out.points.push_back({intervals.edge(i), series.values[i]});
  for (Exemplar& exemplar : series.exemplars) {
    // A removed point takes its exemplars along.
    std::size_t i = intervals.index(static_cast<std::uint64_t>(exemplar.time_ns));
    if (i < series.values.size() && !std::isnan(series.values[i]))
      out.exemplars.push_back(std::move(exemplar));
  }
  return out;
}

}  // namespace

Result<MetricsAnswer> evaluate_metrics(const Query& query, const MetricsParams& params,
                                       const storage::Snapshot& data, exec::Context& context) {
  if (!query.is_metrics()) return Error(Code::invalid_argument, "not a metrics query");
  const Root& root = query.root();
  Intervals intervals = TRY(Intervals::make(params));
  std::vector<Series> series =
      TRY(run(*root.metrics, {params, intervals, data, context, exemplars_of(root, params)}));
  std::sort(series.begin(), series.end(), label_order);
  MetricsAnswer out;
  if (params.series_max > 0 && series.size() > params.series_max) {
    series.resize(params.series_max);
    out.message = "Response exceeds maximum series limit of " + std::to_string(params.series_max) +
                  ", a partial response is returned. Warning: the accuracy of each individual value is not "
                  "guaranteed.";
  }
  for (Series& s : series) {
    MetricsSeries shown = answer_of(s, intervals);
    if (!shown.points.empty()) out.series.push_back(std::move(shown));
  }
  return out;
}

}  // namespace weft::traceql
