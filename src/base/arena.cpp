#include "base/arena.h"

#include <algorithm>

namespace weft {
namespace {
constexpr std::size_t kFirst = std::size_t{4} << 10;
constexpr std::size_t kLargest = std::size_t{1} << 20;
}  // namespace

void Arena::grow(std::size_t at_least) {
  std::size_t size = pieces_.empty() ? kFirst : std::min(pieces_.back().size * 2, kLargest);
  size = std::max(size, at_least);
  pieces_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
  current_ = pieces_.back().bytes.get();
  capacity_ = size;
  used_ = 0;
  total_ += size;
}

void Arena::clear() {
  if (pieces_.empty()) return;
  auto largest = std::max_element(pieces_.begin(), pieces_.end(),
                                  [](const Piece& a, const Piece& b) { return a.size < b.size; });
  std::swap(*largest, pieces_.front());
  pieces_.resize(1);
  current_ = pieces_.front().bytes.get();
  capacity_ = total_ = pieces_.front().size;
  used_ = 0;
}

}  // namespace weft
