#include "ingest/active_streams.h"

#include <utility>

namespace weft::ingest {
namespace {

constexpr std::int64_t kTurnNs = 3'600'000'000'000;

std::size_t slot_of(const std::vector<std::uint64_t>& slots, std::uint64_t hash) {
  std::size_t mask = slots.size() - 1;
  std::size_t at = hash & mask;
  while (slots[at] != 0 && slots[at] != hash) at = (at + 1) & mask;
  return at;
}

}  // namespace

bool ActiveStreams::Table::contains(std::uint64_t hash) const {
  return !slots.empty() && slots[slot_of(slots, hash)] == hash;
}

void ActiveStreams::Table::insert(std::uint64_t hash) {
  if (2 * used >= slots.size()) {
    std::vector<std::uint64_t> old(slots.empty() ? 64 : 2 * slots.size());
    old.swap(slots);
    for (std::uint64_t h : old)
      if (h != 0) slots[slot_of(slots, h)] = h;
  }
  slots[slot_of(slots, hash)] = hash;
  ++used;
}

bool ActiveStreams::touch(std::uint64_t hash, std::size_t streams_max, std::int64_t now_ns) {
  if (hash == 0) hash = 1;
  if (now_ns - turned_ns_ >= kTurnNs) {
    bool idle = now_ns - turned_ns_ >= 2 * kTurnNs;
    previous_ = idle ? Table() : std::exchange(current_, Table());
    if (idle) current_ = Table();
    previous_only_ = previous_.used;
    turned_ns_ = now_ns;
  }
  if (current_.contains(hash)) return true;
  if (previous_.contains(hash)) {
    --previous_only_;
  } else if (streams_max != 0 && size() >= streams_max) {
    return false;
  }
  current_.insert(hash);
  return true;
}

}  // namespace weft::ingest
