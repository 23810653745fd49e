#pragma once

#include <cstdint>
#include <vector>

namespace weft::ingest {

// Which streams of a tenant were written to lately: within one to two hours. Streams are known by
// a 64-bit hash: two that share one count as one. Bounded by the limit that it is asked with. One
// thread.
class ActiveStreams {
 public:
  // Counts a write to the stream. False: it is new and there are `streams_max` already.
  bool touch(std::uint64_t hash, std::size_t streams_max, std::int64_t now_ns);
  std::size_t size() const { return current_.used + previous_only_; }

 private:
  // Open addressing, linear probing; 0 is a free slot.
  struct Table {
    std::vector<std::uint64_t> slots;
    std::size_t used = 0;
    bool contains(std::uint64_t hash) const;
    void insert(std::uint64_t hash);
  };

  Table current_;
  Table previous_;
  std::size_t previous_only_ = 0;  // in `previous_`, not in `current_`
  std::int64_t turned_ns_ = 0;
};

}  // namespace weft::ingest
