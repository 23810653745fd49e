#include "logql/evaluate/windows.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weft::logql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What is known of the samples of a run. merge(a, b) is what is known of both together.
struct Sum {
  double value = 0;
  void start(double v) { value = v; }
  void add(double v) { value += v; }
  void merge(const Sum& other) { value += other.value; }
  double result() const { return value; }
};

struct Mean {
  // 80 bits have the range that the sum of the largest doubles needs.
  long double sum = 0;
  std::uint64_t count = 0;
  void start(double v) { sum = v, count = 1; }
  void add(double v) { sum += v, ++count; }
  void merge(const Mean& other) { sum += other.sum, count += other.count; }
  double result() const { return static_cast<double>(sum / static_cast<long double>(count)); }
};

struct Minimum {
  double value = 0;
  void start(double v) { value = v; }
  void add(double v) {
    if (v < value || std::isnan(value)) value = v;
  }
  void merge(const Minimum& other) { add(other.value); }
  double result() const { return value; }
};

struct Maximum {
  double value = 0;
  void start(double v) { value = v; }
  void add(double v) {
    if (v > value || std::isnan(value)) value = v;
  }
  void merge(const Maximum& other) { add(other.value); }
  double result() const { return value; }
};

// Welford's moments, merged as Chan et al. do.
struct Variance {
  double mean = 0, squares = 0, count = 0;
  void start(double v) { mean = v, squares = v - v, count = 1; }
  void add(double v) {
    count += 1;
    double delta = v - mean;
    mean += delta / count;
    squares += delta * (v - mean);
  }
  void merge(const Variance& other) {
    double total = count + other.count;
    double delta = other.mean - mean;
    squares += other.squares + delta * delta * count * other.count / total;
    mean += delta * other.count / total;
    count = total;
  }
  double result() const { return squares / count; }
};
struct Deviation : Variance {
  double result() const { return std::sqrt(Variance::result()); }
};

// Samples that merge.
template <class State>
class Runs final : public SeriesWindows {
 public:
  explicit Runs(double divisor) : divisor_(divisor) {}

  void add(std::int64_t, double value, std::uint32_t first, std::uint32_t last) override {
    if (!runs_.empty() && runs_.back().first == first && runs_.back().last == last) [[likely]] {
      runs_.back().state.add(value);
      return;
    }
    if (!runs_.empty() && (first < runs_.back().first || last < runs_.back().last)) {
      sorted_ = false;
      if (runs_.size() >= merge_at_) merge_equal();
    }
    Run run{first, last, {}};
    run.state.start(value);
    runs_.push_back(run);
  }

  void finish(Column& out) override {
    merge_equal();
    // Both ends of runs grow, so every window is a stretch of neighbouring runs.
    std::size_t begin = 0;
    for (std::size_t step = 0; step < out.values.size(); ++step) {
      while (begin < runs_.size() && runs_[begin].last <= step) ++begin;
      if (begin == runs_.size()) break;
      if (runs_[begin].first > step) {
        step = runs_[begin].first - std::size_t{1};  // nothing in between
        continue;
      }
      State state = runs_[begin].state;
      for (std::size_t i = begin + 1; i < runs_.size() && runs_[i].first <= step; ++i)
        state.merge(runs_[i].state);
      out.set(step, state.result() / divisor_);
    }
  }

  std::size_t bytes() const override { return sizeof *this + runs_.capacity() * sizeof(Run); }

 private:
  struct Run {
    std::uint32_t first, last;
    State state;
  };

  void merge_equal() {
    if (!sorted_) {
      std::sort(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) {
        return a.first != b.first ? a.first < b.first : a.last < b.last;
      });
      std::size_t kept = 0;
      for (std::size_t i = 1; i < runs_.size(); ++i) {
        if (runs_[i].first == runs_[kept].first && runs_[i].last == runs_[kept].last) {
          runs_[kept].state.merge(runs_[i].state);
        } else {
          runs_[++kept] = runs_[i];
        }
      }
      runs_.resize(kept + 1);
      sorted_ = true;
    }
    merge_at_ = std::max<std::size_t>(1024, runs_.size() * 2);
  }

  double divisor_;
  bool sorted_ = true;
  std::size_t merge_at_ = 1024;
  std::vector<Run> runs_;
};

// Samples that a window needs one by one, in the order of time.
class Samples final : public SeriesWindows {
 public:
  explicit Samples(const WindowKind& kind) : kind_(kind) {}

  void add(std::int64_t time_ns, double value, std::uint32_t first, std::uint32_t last) override {
    if (!samples_.empty() && time_ns < samples_.back().time_ns) sorted_ = false;
    samples_.push_back({time_ns, value, first, last});
  }

  void finish(Column& out) override {
    if (!sorted_)
      std::sort(samples_.begin(), samples_.end(),
                       [](const Sample& a, const Sample& b) { return a.time_ns < b.time_ns; });
    std::size_t begin = 0, end = 0;
    for (std::size_t step = 0; step < kind_.steps.count; ++step) {
      while (begin < samples_.size() && samples_[begin].last <= step) ++begin;
      end = std::max(end, begin);
      while (end < samples_.size() && samples_[end].first <= step) ++end;
      if (begin < end) out.set(step, value_of(begin, end, step));
    }
  }

  std::size_t bytes() const override { return sizeof *this + samples_.capacity() * sizeof(Sample); }

 private:
  struct Sample {
    std::int64_t time_ns;
    double value;
    std::uint32_t first, last;
  };

  double value_of(std::size_t begin, std::size_t end, std::size_t step) {
    switch (kind_.op) {
      case RangeOp::first: return samples_[begin].value;
      case RangeOp::last: return samples_[end - 1].value;
      case RangeOp::rate_counter: return counter_rate(begin, end, step);
      default: return quantile(begin, end);
    }
  }

  // Linear interpolation between the two samples around rank q * (n - 1).
  double quantile(std::size_t begin, std::size_t end) {
    double q = kind_.parameter;
    if (std::isnan(q)) return kNan;
    if (q < 0) return -std::numeric_limits<double>::infinity();
    if (q > 1) return std::numeric_limits<double>::infinity();
    scratch_.clear();
    for (std::size_t i = begin; i < end; ++i) scratch_.push_back(samples_[i].value);
    // NaN sorts first, as in Prometheus.
    std::sort(scratch_.begin(), scratch_.end(),
              [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
    double rank = q * static_cast<double>(scratch_.size() - 1);
    auto lower = static_cast<std::size_t>(std::floor(rank));
    std::size_t upper = std::min(scratch_.size() - 1, lower + 1);
    double weight = rank - std::floor(rank);
    return scratch_[lower] * (1 - weight) + scratch_[upper] * weight;
  }

  // Prometheus' rate(): resets are added back, the slope is extrapolated to the edges of the window,
  // but not below zero and at most half a sample's distance when the edge is far.
  double counter_rate(std::size_t begin, std::size_t end, std::size_t step) const {
    if (end - begin < 2) return 0;
    const Sample &first = samples_[begin], &last = samples_[end - 1];
    double increase = last.value - first.value;
    for (std::size_t i = begin + 1; i < end; ++i)
      if (samples_[i].value < samples_[i - 1].value) increase += samples_[i - 1].value;
    auto seconds = [](std::int64_t ns) { return static_cast<double>(ns) / 1e9; };
    std::int64_t window_end = kind_.steps.at(step) - kind_.offset_ns;
    double to_start = seconds(first.time_ns - (window_end - kind_.range_ns));
    double to_end = seconds(window_end - last.time_ns);
    double sampled = seconds(last.time_ns - first.time_ns);
    if (sampled <= 0) return 0;
    double between = sampled / static_cast<double>(end - begin - 1);
    if (increase > 0 && first.value >= 0) to_start = std::min(to_start, sampled * (first.value / increase));
    double threshold = between * 1.1;
    double covered = sampled;
    covered += to_start < threshold ? to_start : between / 2;
    covered += to_end < threshold ? to_end : between / 2;
    return increase * (covered / sampled) / seconds(kind_.range_ns);
  }

  const WindowKind& kind_;
  bool sorted_ = true;
  std::vector<Sample> samples_;
  std::vector<double> scratch_;
};

}  // namespace

bool needs_order(RangeOp op) {
  return op == RangeOp::first || op == RangeOp::last || op == RangeOp::rate_counter;
}

std::unique_ptr<SeriesWindows> make_windows(const WindowKind& kind) {
  double divisor = kind.per_second ? static_cast<double>(kind.range_ns) / 1e9 : 1;
  switch (kind.op) {
    case RangeOp::avg: return std::make_unique<Runs<Mean>>(1);
    case RangeOp::min: return std::make_unique<Runs<Minimum>>(1);
    case RangeOp::max: return std::make_unique<Runs<Maximum>>(1);
    case RangeOp::stdvar: return std::make_unique<Runs<Variance>>(1);
    case RangeOp::stddev: return std::make_unique<Runs<Deviation>>(1);
    case RangeOp::quantile:
    case RangeOp::first:
    case RangeOp::last:
    case RangeOp::rate_counter: return std::make_unique<Samples>(kind);
    default: return std::make_unique<Runs<Sum>>(divisor);
  }
}

}  // namespace weft::logql
