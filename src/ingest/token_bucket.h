#pragma once

#include <algorithm>
#include <cstdint>

namespace weft::ingest {

// Lets `per_second` through on average and `burst` at once. Plain data; one thread.
class TokenBucket {
 public:
  // A burst of 0 means one second's worth.
  TokenBucket(double per_second, double burst)
      : per_second_(per_second), burst_(burst > 0 ? burst : per_second), tokens_(burst_) {}

  double per_second() const { return per_second_; }
  double burst() const { return burst_; }
  bool limited() const { return per_second_ > 0; }

  // Takes `amount` if there is so much. Else 0 < the seconds after which there will be (for more
  // than the burst: after which the bucket will be full).
  double take(double amount, std::int64_t now_ns) {
    if (!limited()) return 0;
    if (now_ns > updated_ns_) {
      double gained =
          updated_ns_ == 0 ? burst_ : static_cast<double>(now_ns - updated_ns_) * 1e-9 * per_second_;
      tokens_ = std::min(burst_, tokens_ + gained);
      updated_ns_ = now_ns;
    }
    if (amount <= tokens_) {
      tokens_ -= amount;
      return 0;
    }
    return std::max(1e-3, (std::min(amount, burst_) - tokens_) / per_second_);
  }

 private:
  double per_second_;
  double burst_;
  double tokens_;
  std::int64_t updated_ns_ = 0;
};

}  // namespace weft::ingest
