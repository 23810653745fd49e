#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace weft::app {

// SplitMix64: the same numbers from the same seed on every machine, which the standard library's
// distributions do not promise. One thread.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }
  // [0, bound); 0 for a bound of 0. The bias is below 2^-32 for bounds that fit 32 bits.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {  // both included
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // [0, 1)
  bool chance(double probability) { return unit() < probability; }

  // How latencies are spread: log-normal about a median; sigma 0.3 is steady, 0.8 has a long tail.
  double log_normal(double median, double sigma) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - unit()));
    return median * std::exp(sigma * radius * std::cos(2.0 * std::numbers::pi * unit()));
  }

 private:
  std::uint64_t state_;
};

}  // namespace weft::app
