#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/result.h"

namespace weft::exec {

// What a query did, for the `stats` of an answer. Thread-safe.
struct Stats {
  std::atomic<std::uint64_t> rows_scanned{0};
  std::atomic<std::uint64_t> bytes_scanned{0};   // line text, or span rows times their width
  std::atomic<std::uint64_t> rows_matched{0};
  std::atomic<std::uint64_t> traces_scanned{0};
};

// The bounds within which one query runs. Thread-safe; shared by its workers by reference.
class Context {
 public:
  struct Options {
    std::int64_t deadline_ns = 0;  // of steady_ns(); 0: none
    std::size_t memory_bytes_max = std::size_t{512} << 20;
    std::function<bool()> cancelled;  // asked now and then; may be empty
  };
  Context() = default;
  explicit Context(Options options) : options_(std::move(options)) {}

  // Asked once per batch. Errors: deadline_exceeded, cancelled.
  Result<void> check() const;

  // Counts memory that the query holds until it ends. Errors: resource_exhausted, naming `what`,
  // the limit and the remedy.
  Result<void> take_memory(std::size_t bytes, const char* what);

  Stats& stats() const { return stats_; }

 private:
  Options options_;
  std::atomic<std::size_t> memory_{0};
  mutable Stats stats_;
};

}  // namespace weft::exec
