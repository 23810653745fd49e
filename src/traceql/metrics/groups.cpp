#include "traceql/metrics/groups.h"

#include <algorithm>

#include "base/hash.h"
#include "model/span_batch.h"
#include "traceql/spansets/compare.h"

namespace weft::traceql {

std::size_t Groups::find(std::span<const Value> wanted) {
  auto is = [&](std::size_t group) {
    return std::equal(wanted.begin(), wanted.end(), tuple(group).begin(), same_value);
  };
  // Spans of one trace tend to repeat the group of their neighbour.
  if (used_ && is(last_)) return last_;
  std::uint64_t hash = 0;
  for (const Value& value : wanted) hash = hash_combine(hash, hash_value(value));
  for (auto [it, end] = by_hash_.equal_range(hash); it != end; ++it)
    if (is(it->second)) return last_ = it->second;
  last_ = size();
  used_ = true;
  for (const Value& value : wanted) values_.push_back(copy_value(value, arena_));
  by_hash_.emplace(hash, last_);
  return last_;
}

}  // namespace weft::traceql
