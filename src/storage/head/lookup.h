#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace weft::storage {

// A hash index from 64-bit hashes to small numbers ("refs": positions in somebody's Growing). It
// holds no keys: the caller compares them. One thread inserts; any thread finds, without a lock,
// every ref that was inserted before what it has acquired from the inserter.
// Growing builds a table of twice the size and leaves the old one (half the memory of the new) to
// readers that are still in it, until the end.
class Lookup {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  Lookup() { grow(64); }

  // The ref inserted with this hash for which same(ref), or kNone.
  template <class Same>
  std::uint32_t find(std::uint64_t hash, Same same) const {
    const Table* table = current_.load(std::memory_order_acquire);
    std::uint64_t tag = hash >> 32;
    for (std::size_t at = tag & table->mask;; at = (at + 1) & table->mask) {
      std::uint64_t slot = table->slots[at].load(std::memory_order_acquire);
      if (slot == 0) return kNone;
      if (slot >> 32 == tag) {
        auto ref = static_cast<std::uint32_t>(slot) - 1;
        if (same(ref)) return ref;
      }
    }
  }

  // Requires a ref that is not there yet.
  void insert(std::uint64_t hash, std::uint32_t ref) {
    Table* table = current_.load(std::memory_order_relaxed);
    if (++count_ * 5 > (table->mask + 1) * 3) {
      grow((table->mask + 1) * 2);
      table = current_.load(std::memory_order_relaxed);
    }
    put(*table, (hash >> 32) << 32 | (ref + 1));
  }

  std::size_t bytes() const { return bytes_; }

 private:
  struct Table {
    std::size_t mask;
    std::unique_ptr<std::atomic<std::uint64_t>[]> slots;  // tag << 32 | ref + 1; 0: empty
  };

  static void put(Table& table, std::uint64_t slot) {
    std::size_t at = (slot >> 32) & table.mask;
    while (table.slots[at].load(std::memory_order_relaxed) != 0) at = (at + 1) & table.mask;
    table.slots[at].store(slot, std::memory_order_release);
  }

  void grow(std::size_t slots) {
    auto next =
        std::make_unique<Table>(Table{slots - 1, std::make_unique<std::atomic<std::uint64_t>[]>(slots)});
    if (const Table* old = current_.load(std::memory_order_relaxed)) {
      for (std::size_t i = 0; i <= old->mask; ++i)
        if (std::uint64_t slot = old->slots[i].load(std::memory_order_relaxed)) put(*next, slot);
    }
    bytes_ += slots * sizeof(std::uint64_t);
    current_.store(next.get(), std::memory_order_release);
    tables_.push_back(std::move(next));
  }

  std::atomic<Table*> current_{nullptr};
  std::vector<std::unique_ptr<Table>> tables_;  // the appender's
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace weft::storage
