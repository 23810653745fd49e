#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weft::storage {

// An array that grows and never moves: blocks of kFirst, 2 * kFirst, 4 * kFirst … items. Memory of
// a block that is not in use yet is not touched.
// One thread appends. Any thread may read an item whose index it has learned from the appender
// through a release store and an acquire load (of a row count, say).
template <class T, std::uint32_t kFirst>
class Growing {
  static_assert(std::has_single_bit(kFirst) && std::is_trivially_destructible_v<T>);

 public:
  Growing() = default;
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  ~Growing() {
    for (auto& block : blocks_) {
      void* memory = static_cast<void*>(block.load(std::memory_order_relaxed));
      ::operator delete(memory, std::align_val_t(alignof(T)));
    }
  }

  T& operator[](std::uint32_t index) {
    Place at = place(index);
    return blocks_[at.block].load(std::memory_order_relaxed)[at.offset];
  }
  const T& operator[](std::uint32_t index) const {
    Place at = place(index);
    return blocks_[at.block].load(std::memory_order_relaxed)[at.offset];
  }

  // Makes the item `index`, which is one more than the last. Requires index < 2^31.
  template <class... Args>
  T& emplace(std::uint32_t index, Args&&... args) {
    Place at = place(index);
    T* block = blocks_[at.block].load(std::memory_order_relaxed);
    if (block == nullptr) [[unlikely]] {
      std::size_t bytes = (std::size_t{kFirst} << at.block) *
                          sizeof(T);  // NOLINT(bugprone-sizeof-expression): T may be a pointer
      block = static_cast<T*>(::operator new(bytes, std::align_val_t(alignof(T))));
      blocks_[at.block].store(block, std::memory_order_relaxed);
    }
    return *new (static_cast<void*>(block + at.offset)) T{std::forward<Args>(args)...};
  }

 private:
  static constexpr int kFirstBits = std::countr_zero(kFirst);
  struct Place {
    std::uint32_t block;
    std::uint32_t offset;
  };
  static Place place(std::uint32_t index) {
    std::uint32_t shifted = index + kFirst;
    auto block = static_cast<std::uint32_t>(std::bit_width(shifted) - 1 - kFirstBits);
    return {block, shifted - (kFirst << block)};
  }

  std::array<std::atomic<T*>, 32 - kFirstBits> blocks_{};
};

// Row numbers, ascending. One thread adds, any thread reads.
class RowList {
 public:
  void push(std::uint32_t row) {
    std::uint32_t count = count_.load(std::memory_order_relaxed);
    rows_.emplace(count, row);
    count_.store(count + 1, std::memory_order_release);
  }
  std::uint32_t operator[](std::uint32_t index) const { return rows_[index]; }

  // How many of the first entries are rows below `limit`.
  std::uint32_t size_below(std::uint32_t limit) const {
    std::uint32_t end = count_.load(std::memory_order_acquire);
    if (end == 0 || rows_[end - 1] < limit) return end;
    std::uint32_t begin = 0;
    while (begin < end) {
      std::uint32_t middle = begin + (end - begin) / 2;
      if (rows_[middle] < limit) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  }

 private:
  Growing<std::uint32_t, 8> rows_;
  std::atomic<std::uint32_t> count_{0};
};

}  // namespace weft::storage
