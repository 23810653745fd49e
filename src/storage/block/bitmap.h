#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/block/page.h"

namespace weft::storage::block {

// A bit for each row: which rows have a value (optional columns), or booleans. A value type.
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(std::size_t size, bool value = false);

  void push_back(bool value) {
    if (size_ % 64 == 0) words_.push_back(0);
    words_.back() |= static_cast<std::uint64_t>(value) << size_ % 64;
    ++size_;
  }
  void set(std::size_t row) { words_[row / 64] |= std::uint64_t{1} << row % 64; }
  // Sets rows [begin, end).
  void set_range(std::size_t begin, std::size_t end);
  bool test(std::size_t row) const { return (words_[row / 64] >> row % 64 & 1) != 0; }
  std::size_t size() const { return size_; }
  std::size_t count() const;  // of the set bits
  // Row i is bit i % 64 of word i / 64; bits from size() on are 0.
  std::span<const std::uint64_t> words() const { return words_; }

  bool operator==(const Bitmap&) const = default;

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

// Appends one page: raw, or lengths of runs if those are smaller. Requires size() <= kPageValuesMax.
void encode_bitmap(const Bitmap& bits, std::string& out);
// Errors: corrupted.
Result<Bitmap> decode_bitmap(const PageView& page);

// Which rows of an optional column have a value, and where in the dense values it stands. On disk a
// page of presence is followed by the page of the values that are there.
class Presence {
 public:
  Presence() = default;
  explicit Presence(Bitmap rows);

  bool has(std::size_t row) const { return rows_.test(row); }
  // How many rows before this one have a value: the index of the row's own, if it has one.
  // Requires row < size().
  std::size_t rank(std::size_t row) const;
  std::size_t size() const { return rows_.size(); }
  std::size_t values() const { return values_; }
  const Bitmap& rows() const { return rows_; }

 private:
  Bitmap rows_;
  std::vector<std::uint32_t> before_;  // per word of rows_: set bits in the words before
  std::size_t values_ = 0;
};

}  // namespace weft::storage::block
