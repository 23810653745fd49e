#pragma once

#include <compare>
#include <cstdint>

namespace weft {

inline constexpr std::int64_t kNsPerMs = 1'000'000;
inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

// Event times are std::int64_t nanoseconds since 1970-01-01 UTC: the resolution and range of OTLP
// and Loki. [start, end): every range in this program is half open.
struct TimeRange {
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;

  bool contains(std::int64_t ns) const { return start_ns <= ns && ns < end_ns; }
  bool overlaps(TimeRange other) const {
    return start_ns < other.end_ns && other.start_ns < end_ns;
  }
  bool empty() const { return start_ns >= end_ns; }
  bool operator==(const TimeRange&) const = default;
};

}  // namespace weft
