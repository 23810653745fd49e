#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "storage/wal/record.h"

namespace weft::storage::wal {

// What one segment holds.
struct SegmentReport {
  bool header = false;   // its first record is whole
  Lsn previous_end = 0;  // from that
  std::uint64_t frames = 0;
  std::uint64_t frame_bytes = 0;
  std::uint64_t end = 0;                 // offset after the last record that counts
  std::uint64_t torn_bytes = 0;          // of records after that, never acknowledged
  std::vector<std::uint64_t> corrupted;  // offsets of acknowledged records that cannot be read
  Lsn durable_end = 0;                   // the largest one that a record told
};

// Reads a segment front to back and shows every whole request in it to `visit`, including those
// behind damage that hit acknowledged data. `known_durable` is where the log left this segment, as
// the next one's header tells: everything before it was durable, nothing behind it counts. 0, or a
// place in another segment: not known.
// A place without a whole record ends the segment, unless something tells that acknowledged data
// was there: `known_durable`, or the durable_end of a whole record further on.
SegmentReport read_segment(std::string_view bytes, std::uint32_t segment, Lsn known_durable,
                           const std::function<void(const Record&)>& visit);

}  // namespace weft::storage::wal
