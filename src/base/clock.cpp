#include "base/clock.h"

#include <ctime>

namespace weft {
namespace {

std::int64_t read(clockid_t id) {
  timespec t{};
  ::clock_gettime(id, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::now_ns() const { return read(CLOCK_REALTIME); }
std::int64_t steady_ns() { return read(CLOCK_MONOTONIC); }
std::int64_t process_cpu_ns() { return read(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace weft
