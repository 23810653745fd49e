#include "traceql/metrics/intervals.h"

#include "text/units.h"

namespace weft::traceql {
namespace {

constexpr std::int64_t kPointsMax = 10'000;
// Beyond it sums of times and steps could overflow; the year 2262 is the end of nanoseconds anyway.
constexpr std::int64_t kTimeMax = std::int64_t{1} << 62;

}  // namespace

Result<Intervals> Intervals::make(const MetricsParams& params) {
  if (params.end_ns <= params.start_ns || params.start_ns < 0 || params.end_ns > kTimeMax)
    return Error(Code::invalid_argument, "end must be greater than start");
  Intervals out;
  if (params.step_ns <= 0) {
    out.after_ns_ = params.start_ns - 1;
    out.end_ns_ = params.end_ns;
    out.step_ns_ = params.end_ns - params.start_ns + 1;
    out.count_ = 1;
    return out;
  }
  std::int64_t range = params.end_ns - params.start_ns;
  if (range / params.step_ns > kPointsMax)
    return Error(Code::invalid_argument, "step of " + text::format_go_duration(params.step_ns) +
                                             " is too small, minimum step for given range is " +
                                             text::format_go_duration((range + kPointsMax - 1) / kPointsMax));
  if (params.step_ns > kTimeMax - params.end_ns)
    return Error(Code::invalid_argument, "step is larger than time itself");
  out.step_ns_ = params.step_ns;
  out.after_ns_ = params.start_ns / params.step_ns * params.step_ns - params.step_ns;
  out.end_ns_ = (params.end_ns + params.step_ns - 1) / params.step_ns * params.step_ns;
  out.count_ = static_cast<std::size_t>((out.end_ns_ - out.after_ns_) / params.step_ns);
  return out;
}

}  // namespace weft::traceql
