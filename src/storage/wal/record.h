#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/frame.h"

// One record of the write-ahead log, byte for byte: docs/formats/wal.md.

namespace weft::storage::wal {

// A place in the log: segment number << 32 | offset in the segment.
using Lsn = std::uint64_t;
constexpr Lsn make_lsn(std::uint32_t segment, std::uint64_t offset) {
  return std::uint64_t{segment} << 32 | offset;
}
constexpr std::uint32_t segment_of(Lsn lsn) {
  return static_cast<std::uint32_t>(lsn >> 32);
}
constexpr std::uint64_t offset_of(Lsn lsn) {
  return lsn & 0xffffffffU;
}

inline constexpr std::size_t kHeaderBytes = 40;
inline constexpr std::size_t kAlignment = 8;
// The first record of every segment: a header whose payload is the Lsn at which the segment before
// ended, or 0.
inline constexpr std::size_t kSegmentHeaderBytes = 48;
// Identity bodies longer than this are kept as zstd.
inline constexpr std::size_t kCompressAbove = 4096;
// Bodies are bounded by ingest; this bounds what a damaged log can ask for.
inline constexpr std::size_t kPayloadBytesMax = std::size_t{1} << 30;

// A request as a record, padded to the alignment; lsn, durable_lsn and hash are still missing.
// Errors: invalid_argument for what the format cannot hold (a tenant above 64 KiB, 1 GiB of body).
Result<std::string> encode_record(const Frame& frame);
std::string encode_segment_header(Lsn previous_end);

// Fills in what is known only when the record's place is.
void place_record(std::string& record, Lsn lsn, Lsn durable_end);

struct Record {
  Lsn lsn = 0;
  Lsn durable_end = 0;   // everything before this was durable when the record was written
  std::size_t size = 0;  // with padding; of a damaged one: what there is of it
  bool segment_header = false;
  Lsn previous_end = 0;       // of a segment header
  bool recompressed = false;  // the body is zstd by our own doing; received as identity
  Frame frame;                // of anything else; views into the segment
};

// What is at the beginning of `bytes`, which must lie at `lsn`.
enum class RecordState : std::uint8_t {
  valid,
  absent,   // nothing of this log: zeros, or what an earlier life of the file left
  damaged,  // a record that belongs here begins, but is incomplete or not what was written
};
RecordState decode_record(std::string_view bytes, Lsn lsn, Record& out);

// The body as it was received: undoes recompression, into `buffer`.
Result<Frame> original_frame(const Record& record, std::string& buffer);

}  // namespace weft::storage::wal
