#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "exec/context.h"
#include "traceql/answer.h"
#include "traceql/metrics/groups.h"
#include "traceql/metrics/intervals.h"
#include "traceql/metrics/series.h"
#include "traceql/spansets/slots.h"

namespace weft::traceql {

// Folds the spans that a metrics query selects into series: everything but compare(). One thread.
class Accumulator {
 public:
  // Adds the slots that it reads. `stage` and `shown` must outlive it.
  Accumulator(const MetricsStage& stage, const Intervals& intervals, std::size_t exemplars_max,
              const ShownAttributes& shown, Slots& slots);

  // The table holds a new batch: fetches the columns of by() and of the measured attribute.
  void begin(TraceTable& table);
  // A span of the current batch. Errors: the context's memory limit.
  Result<void> add(std::uint32_t span, exec::Context& context);

  // Ends it.
  std::vector<Series> finish();

 private:
  // Counts and sums of one group (and bucket) by interval.
  struct Cells {
    std::size_t group = 0;
    int exponent = 0;  // of histograms: values up to 2^exponent
    std::vector<double> values;
    std::vector<double> counts;  // of averages
    std::vector<Exemplar> exemplars;
  };
  bool is_bucketed() const;
  bool is_measured() const;
  Result<Cells*> cells(std::size_t group, int exponent, exec::Context& context);
  void add_exemplar(std::uint32_t span, std::size_t interval, double value, Cells& cells);
  TypedAttributes labels(const Cells& cells) const;
  Series series(Cells& cells) const;
  void add_quantiles(std::vector<Series>& out) const;
  double quantile(double q, std::size_t interval, std::span<const Cells* const> buckets) const;

  const MetricsStage& stage_;
  const Intervals& intervals_;
  const ShownAttributes& shown_;
  const Slots& slots_;
  TraceTable* table_ = nullptr;
  std::size_t measured_ = 0;  // slot
  double scale_ = 1;          // durations are shown in seconds
  std::vector<std::size_t> by_;
  std::vector<Type> by_types_;
  std::vector<Column> columns_;
  std::vector<std::vector<Value>> buffers_;
  std::vector<Value> tuple_;
  Groups groups_;
  std::vector<std::unique_ptr<Cells>> cells_;
  std::vector<std::vector<std::pair<int, Cells*>>> by_group_;  // [group]: by exponent
  std::size_t exemplars_left_;
  std::vector<std::uint8_t> exemplars_at_;  // [interval]
  TraceId exemplar_trace_;                  // of the last one: one per trace
};

}  // namespace weft::traceql
