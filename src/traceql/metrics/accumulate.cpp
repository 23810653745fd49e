#include "traceql/metrics/accumulate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "traceql/spansets/compare.h"
#include "traceql/syntax/names.h"
#include "traceql/syntax/printer.h"

namespace weft::traceql {
namespace {

using enum MetricsFunction;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint8_t kExemplarsPerInterval = 2;

Type type_of(const AttributeRef& a) {
  return a.intrinsic == Intrinsic::none ? Type::any : name_of(a.intrinsic).type;
}

// The power of two that a positive value is rounded up to.
int exponent_of(double value) {
  int exponent = 0;
  double mantissa = std::frexp(value, &exponent);  // value = mantissa * 2^exponent, mantissa in [0.5, 1)
  return mantissa == 0.5 ? exponent - 1 : exponent;
}

TypedValue number_label(double value) {
  TypedValue out;
  out.type = TypedValue::Type::number;
  out.number = value;
  return out;
}

TypedValue text_label(std::string text) {
  TypedValue out;
  out.type = TypedValue::Type::string;
  out.text = std::move(text);
  return out;
}

}  // namespace

Accumulator::Accumulator(const MetricsStage& stage, const Intervals& intervals, std::size_t exemplars_max,
                         const ShownAttributes& shown, Slots& slots)
    : stage_(stage),
      intervals_(intervals),
      shown_(shown),
      slots_(slots),
      groups_(stage.by.size()),
      exemplars_left_(exemplars_max),
      exemplars_at_(intervals.count()) {
  if (is_measured()) {
    measured_ = slots.add(stage.attribute);
    if (type_of(stage.attribute) == Type::duration) scale_ = 1 / static_cast<double>(kNsPerSecond);
  }
  for (const AttributeRef& a : stage.by) {
    by_.push_back(slots.add(a));
    by_types_.push_back(type_of(a));
  }
  columns_.resize(by_.size() + 1);
  buffers_.resize(by_.size() + 1);
  tuple_.resize(by_.size());
}

bool Accumulator::is_bucketed() const {
  return stage_.function == quantile_over_time || stage_.function == histogram_over_time;
}
bool Accumulator::is_measured() const {
  return stage_.function != rate && stage_.function != count_over_time;
}

void Accumulator::begin(TraceTable& table) {
  table_ = &table;
  Rows rows;
  rows.count = table.size();
  for (std::size_t i = 0; i < by_.size(); ++i) columns_[i] = slots_.values(by_[i], table, rows, buffers_[i]);
  if (is_measured()) columns_.back() = slots_.values(measured_, table, rows, buffers_.back());
}

Result<Accumulator::Cells*> Accumulator::cells(std::size_t group, int exponent, exec::Context& context) {
  if (group >= by_group_.size()) by_group_.resize(group + 1);
  for (const auto& [known, cells] : by_group_[group])
    if (known == exponent) return cells;
  bool counts = stage_.function == avg_over_time;
  TRY(context.take_memory(sizeof(Cells) + intervals_.count() * sizeof(double) * (counts ? 2 : 1) + 256,
                          "the series of a metrics query"));
  auto fresh = std::make_unique<Cells>();
  fresh->group = group;
  fresh->exponent = exponent;
  bool zero = !is_measured() || is_bucketed();
  fresh->values.assign(intervals_.count(), zero ? 0 : kNone);
  if (counts) fresh->counts.assign(intervals_.count(), 0);
  by_group_[group].emplace_back(exponent, fresh.get());
  cells_.push_back(std::move(fresh));
  return cells_.back().get();
}

Result<void> Accumulator::add(std::uint32_t span, exec::Context& context) {
  std::size_t interval = intervals_.index(table_->rows().spans[span].start_ns);
  if (interval == intervals_.count()) return {};
  double value = 0;
  int exponent = 0;
  if (is_measured()) {
    const Value& measured = columns_.back()[span];
    if (!is_number(measured)) return {};
    value = as_double(measured);
    if (!std::isfinite(value)) return {};
    if (is_bucketed()) {
      if (!(value > 0)) return {};  // has no logarithm
      exponent = exponent_of(value);
    }
    value *= scale_;
  }
  for (std::size_t i = 0; i < by_.size(); ++i) tuple_[i] = columns_[i][span];
  Cells& own = *TRY(cells(groups_.find(tuple_), exponent, context));
  double& cell = own.values[interval];
  switch (stage_.function) {
    case min_over_time: cell = std::isnan(cell) ? value : std::min(cell, value); break;
    case max_over_time: cell = std::isnan(cell) ? value : std::max(cell, value); break;
    case sum_over_time: cell = std::isnan(cell) ? value : cell + value; break;
    case avg_over_time:
      cell = std::isnan(cell) ? value : cell + value;
      ++own.counts[interval];
      break;
    default: ++cell;
  }
  if (exemplars_left_ > 0) add_exemplar(span, interval, is_measured() ? value : kNone, own);
  return {};
}

void Accumulator::add_exemplar(std::uint32_t span, std::size_t interval, double value, Cells& cells) {
  const Span& s = table_->rows().spans[span];
  if (exemplars_at_[interval] == kExemplarsPerInterval || s.trace_id == exemplar_trace_) return;
  ++exemplars_at_[interval];
  --exemplars_left_;
  exemplar_trace_ = s.trace_id;
  Exemplar exemplar;
  shown_.labels(span, slots_, *table_, exemplar.labels);
  exemplar.labels.emplace_back("trace:id", text_label(to_hex(s.trace_id)));
  exemplar.time_ns = static_cast<std::int64_t>(s.start_ns);
  exemplar.value = stage_.function == histogram_over_time ? kNone : value;
  cells.exemplars.push_back(std::move(exemplar));
}

TypedAttributes Accumulator::labels(const Cells& cells) const {
  TypedAttributes out;
  std::span<const Value> tuple = groups_.tuple(cells.group);
  for (std::size_t i = 0; i < tuple.size(); ++i)
    if (tuple[i].type != Value::Type::nil)
      out.emplace_back(to_string(stage_.by[i]), show(tuple[i], by_types_[i]));
  // A series must have a label: of a group that lacks all, the first is shown as nil.
  if (out.empty() && !tuple.empty()) out.emplace_back(to_string(stage_.by[0]), text_label("nil"));
  return out;
}

Series Accumulator::series(Cells& cells) const {
  Series out;
  out.labels = labels(cells);
  if (stage_.function == histogram_over_time)
    out.labels.emplace_back("__bucket", number_label(std::exp2(cells.exponent) * scale_));
  if (out.labels.empty())
    out.labels.emplace_back("__name__", text_label(std::string(function_text(stage_.function))));
  out.values = std::move(cells.values);
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    if (stage_.function == rate) out.values[i] /= intervals_.step_seconds();
    if (stage_.function == avg_over_time && cells.counts[i] > 0) out.values[i] /= cells.counts[i];
  }
  out.exemplars = std::move(cells.exemplars);
  // A count is a property of the interval, not of the span.
  for (Exemplar& e : out.exemplars)
    if (std::isnan(e.value)) e.value = out.values[intervals_.index(static_cast<std::uint64_t>(e.time_ns))];
  return out;
}

// Exponential interpolation between the ends of the bucket that holds the wanted rank and of the
// next smaller one that is not empty, as Tempo has it.
double Accumulator::quantile(double q, std::size_t interval, std::span<const Cells* const> buckets) const {
  double total = 0;
  for (const Cells* bucket : buckets) total += bucket->values[interval];
  if (total == 0) return 0;
  double rank = std::max(std::ceil(q * total), 0.0);
  double below = 0;
  const Cells* previous = nullptr;
  for (const Cells* bucket : buckets) {
    double count = bucket->values[interval];
    if (count == 0) continue;
    if (below + count >= rank) {
      int from = previous == nullptr ? bucket->exponent - 1 : previous->exponent;
      return std::exp2(from + (bucket->exponent - from) * (rank - below) / count) * scale_;
    }
    below += count;
    previous = bucket;
  }
  return std::exp2(buckets.back()->exponent) * scale_;
}

void Accumulator::add_quantiles(std::vector<Series>& out) const {
  for (const auto& group : by_group_) {
    std::vector<const Cells*> buckets;
    for (const auto& [exponent, cells] : group) buckets.push_back(cells);
    if (buckets.empty()) continue;
    std::sort(buckets.begin(), buckets.end(),
              [](const Cells* a, const Cells* b) { return a->exponent < b->exponent; });
    for (double q : stage_.quantiles) {
      Series series;
      series.labels = labels(*buckets[0]);
      series.labels.emplace_back("p", number_label(q));
      for (std::size_t i = 0; i < intervals_.count(); ++i) series.values.push_back(quantile(q, i, buckets));
      if (q == stage_.quantiles.front())
        for (const Cells* bucket : buckets)
          series.exemplars.insert(series.exemplars.end(), bucket->exemplars.begin(), bucket->exemplars.end());
      out.push_back(std::move(series));
    }
  }
}

std::vector<Series> Accumulator::finish() {
  std::vector<Series> out;
  if (stage_.function == quantile_over_time)
    add_quantiles(out);
  else
    for (auto& cells : cells_) out.push_back(series(*cells));
  std::sort(out.begin(), out.end(), label_order);
  return out;
}

}  // namespace weft::traceql
