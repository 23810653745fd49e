#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "logql/evaluate/matrix.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// The samples of one series on their way into the windows (T-R, T] of all steps. A sample belongs
// to the windows [first, last) of steps; both ends grow with time, so that rows of one series fall
// into runs of equal ends, and one number per run is enough for everything that can be merged.
class SeriesWindows {
 public:
  virtual ~SeriesWindows() = default;
  virtual void add(std::int64_t time_ns, double value, std::uint32_t first, std::uint32_t last) = 0;
  // Fills the steps that have samples.
  virtual void finish(Column& out) = 0;
  virtual std::size_t bytes() const = 0;
};

// `parameter` is that of quantile_over_time.
struct WindowKind {
  RangeOp op = RangeOp::count;
  double parameter = 0;
  std::int64_t range_ns = 0;
  bool per_second = false;  // divide by the range
  StepRange steps;
  std::int64_t offset_ns = 0;
};
std::unique_ptr<SeriesWindows> make_windows(const WindowKind& kind);

// True when the order of samples of equal time matters to the operation.
bool needs_order(RangeOp op);

}  // namespace weft::logql
