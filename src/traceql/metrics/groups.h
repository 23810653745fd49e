#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "model/value.h"

namespace weft::traceql {

// Numbers the distinct tuples of values that it is shown, from 0. One thread.
class Groups {
 public:
  explicit Groups(std::size_t width) : width_(width) {}

  // The number of a tuple of `width` values; copies it the first time.
  std::size_t find(std::span<const Value> tuple);
  std::span<const Value> tuple(std::size_t group) const {
    return std::span(values_).subspan(group * width_, width_);
  }
  std::size_t size() const { return width_ == 0 ? (used_ ? 1 : 0) : values_.size() / width_; }
  std::size_t bytes() const { return arena_.bytes() + values_.capacity() * sizeof(Value); }

 private:
  std::size_t width_;
  bool used_ = false;
  std::size_t last_ = 0;
  Arena arena_;
  std::vector<Value> values_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_hash_;
};

}  // namespace weft::traceql
