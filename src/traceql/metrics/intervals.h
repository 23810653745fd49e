#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "model/time.h"
#include "traceql/query.h"

namespace weft::traceql {

// The points of a metrics query. Interval i is (edge(i) - step, edge(i)] and its value is shown at
// its right edge (reference/tempo.md §2.7).
class Intervals {
 public:
  // Of a range query start and end are widened to multiples of the step, and by one interval to the
  // left; an instant query (step 0) has one interval from start to end.
  // Errors: invalid_argument "end must be greater than start", "step of X is too small, …".
  static Result<Intervals> make(const MetricsParams& params);

  std::size_t count() const { return count_; }
  std::int64_t edge(std::size_t i) const { return after_ns_ + step_ns_ * static_cast<std::int64_t>(i + 1); }
  double step_seconds() const { return static_cast<double>(step_ns_) / static_cast<double>(kNsPerSecond); }
  // Of a time in nanoseconds; count() when it is outside.
  std::size_t index(std::uint64_t time_ns) const {
    auto t = static_cast<std::int64_t>(time_ns);
    if (t <= after_ns_ || t > end_ns_) return count_;
    return static_cast<std::size_t>((t - after_ns_ - 1) / step_ns_);
  }
  // Spans that start in it are all that matter.
  TimeRange range() const { return {after_ns_ + 1, end_ns_ + 1}; }

 private:
  std::int64_t after_ns_ = 0;  // exclusive
  std::int64_t end_ns_ = 0;    // inclusive
  std::int64_t step_ns_ = 1;
  std::size_t count_ = 0;
};

}  // namespace weft::traceql
