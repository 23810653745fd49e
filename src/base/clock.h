#pragma once

#include <cstdint>

namespace weft {

// Where "now" comes from, so that tests can move it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since 1970-01-01 UTC.
  virtual std::int64_t now_ns() const = 0;
};

// The machine's real-time clock.
class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override;
};

// Nanoseconds of a clock that never goes back; for measuring and for deadlines only.
std::int64_t steady_ns();

// CPU nanoseconds that this process has used so far, user and system.
std::int64_t process_cpu_ns();

}  // namespace weft
