#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "logql/query.h"

namespace weft::logql {

// The times at which a metric query is evaluated: start, start + step, … (count of them).
struct StepRange {
  std::int64_t start_ns = 0;
  std::int64_t step_ns = 1;  // > 0
  std::size_t count = 1;

  std::int64_t at(std::size_t step) const { return start_ns + static_cast<std::int64_t>(step) * step_ns; }
};

// One series over all steps; a step without a value is a gap.
struct Column {
  OwnedLabels labels;  // sorted by name
  std::vector<double> values;
  std::vector<std::uint8_t> present;

  explicit Column(OwnedLabels l, std::size_t steps) : labels(std::move(l)), values(steps), present(steps) {}
  void set(std::size_t step, double value) {
    values[step] = value;
    present[step] = 1;
  }
  bool empty() const;
  std::size_t bytes() const;
};

// What a metric expression evaluates to, for all steps at once.
struct StepMatrix {
  std::vector<Column> columns;

  // Drops columns without a value.
  void compact();
};

}  // namespace weft::logql
