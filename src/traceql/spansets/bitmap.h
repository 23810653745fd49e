#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft::traceql {

// One bit per row of a batch. Bits behind size() are 0.
class Bitmap {
 public:
  void reset(std::size_t size, bool value) {
    size_ = size;
    words_.assign((size + 63) / 64, value ? ~std::uint64_t{0} : 0);
    if (value && size % 64 != 0) words_.back() = (std::uint64_t{1} << (size % 64)) - 1;
  }

  std::size_t size() const { return size_; }
  bool test(std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  void clear(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }

  bool any() const {
    for (std::uint64_t word : words_)
      if (word != 0) return true;
    return false;
  }
  // Of the rows [first, last).
  bool any(std::size_t first, std::size_t last) const {
    if (first >= last) return false;
    for (std::size_t w = first / 64; w <= (last - 1) / 64; ++w)
      if (masked(w, first, last) != 0) return true;
    return false;
  }

  // Calls visit(i) for every set bit, in order.
  template <class Visit>
  void each(Visit visit) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::uint64_t word = words_[w]; word != 0; word &= word - 1)
        visit(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
  }
  template <class Visit>
  void each(std::size_t first, std::size_t last, Visit visit) const {
    if (first >= last) return;
    for (std::size_t w = first / 64; w <= (last - 1) / 64; ++w)
      for (std::uint64_t word = masked(w, first, last); word != 0; word &= word - 1)
        visit(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
  }

  // Each requires the same size.
  void unite(const Bitmap& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  }
  void subtract(const Bitmap& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] &= ~other.words_[w];
  }

 private:
  std::uint64_t masked(std::size_t w, std::size_t first, std::size_t last) const {
    std::uint64_t word = words_[w];
    if (w == first / 64) word &= ~std::uint64_t{0} << (first % 64);
    if (w == (last - 1) / 64) word &= ~std::uint64_t{0} >> (63 - (last - 1) % 64);
    return word;
  }

  std::size_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace weft::traceql
