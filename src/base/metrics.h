#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Figures about this process in Prometheus' model and text format (exposition format 0.0.4).
// Every owner declares its own in a Metrics struct that takes them from a Registry:
//
//   struct Metrics {
//     explicit Metrics(Registry& r) : frames(r.counter("weft_wal_frames_total", "Frames written to the log.")) {}
//     Counter& frames;
//   };

namespace weft {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Thread-safe.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Thread-safe.
class Gauge {
 public:
  void set(double v) { value_.store(v, std::memory_order_relaxed); }
  void add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Counts observations in fixed buckets. Thread-safe.
class Histogram {
 public:
  explicit Histogram(std::vector<double> upper_bounds);
  void observe(double value);
  // The upper bound of the bucket that holds quantile q (0..1) of the observations; 0 when empty.
  double quantile(double q) const;

 private:
  friend class Registry;
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

// Seconds, 1 ms to 100 s: what Loki's and Tempo's request histograms use.
std::vector<double> latency_buckets();

// Holds every metric of a process. References it returns live as long as it does. Thread-safe.
class Registry {
 public:
  Registry();
  ~Registry();

  // The same name and labels give the same object; a name has one kind and one help text.
  Counter& counter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                       MetricLabels labels = {});
  // A gauge whose value is asked for at every scrape. `read` must outlive the registry's users.
  void gauge_function(std::string_view name, std::string_view help, std::function<double()> read,
                      MetricLabels labels = {});

  // The text format, families in name order.
  std::string render() const;

 private:
  struct Family;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
