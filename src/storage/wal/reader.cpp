#include "storage/wal/reader.h"

#include <algorithm>

namespace weft::storage::wal {
namespace {

constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

// What lies behind a place that holds no whole record.
struct Ahead {
  std::uint64_t first = kNowhere;  // offset of the first whole record
  std::uint64_t end = 0;           // offset after the last one
  Lsn durable_end = 0;             // the largest that they tell
};

Ahead look_ahead(std::string_view bytes, std::uint32_t segment, std::uint64_t from) {
  Ahead ahead;
  Record record;
  for (std::uint64_t at = from; at + kHeaderBytes <= bytes.size();) {
    if (decode_record(bytes.substr(at), make_lsn(segment, at), record) != RecordState::valid) {
      at += kAlignment;
      continue;
    }
    ahead.first = std::min(ahead.first, at);
    ahead.durable_end = std::max(ahead.durable_end, record.durable_end);
    at += record.size;
    ahead.end = at;
  }
  return ahead;
}

}  // namespace

SegmentReport read_segment(std::string_view bytes, std::uint32_t segment, Lsn known_durable,
                           const std::function<void(const Record&)>& visit) {
  SegmentReport report;
  bytes = bytes.substr(0, 0xffffffffU);
  report.durable_end = known_durable;
  Lsn known_end = segment_of(known_durable) == segment ? known_durable : 0;
  Record record;
  std::uint64_t at = 0;
  while (true) {
    std::string_view rest = bytes.substr(std::min<std::uint64_t>(at, bytes.size()));
    Lsn lsn = make_lsn(segment, at);
    // What lies behind the known end was refused, or torn and cut, and does not count.
    if (known_end != 0 && lsn >= known_end) break;
    RecordState state = decode_record(rest, lsn, record);
    if (state == RecordState::valid) {
      report.durable_end = std::max(report.durable_end, record.durable_end);
      if (record.segment_header) {
        report.header = true;
        report.previous_end = record.previous_end;
      } else {
        ++report.frames;
        report.frame_bytes += record.size;
        visit(record);
      }
      at += record.size;
      report.end = at;
      continue;
    }
    std::uint64_t torn = record.size;
    Ahead ahead = look_ahead(bytes, segment, at + kAlignment);
    report.durable_end = std::max(report.durable_end, ahead.durable_end);
    Lsn promised = std::max(known_end, ahead.durable_end);
    if (lsn >= promised) {
      // Never acknowledged.
      if (ahead.first != kNowhere) {
        report.torn_bytes = ahead.end - at;
      } else if (state == RecordState::damaged) {
        report.torn_bytes = torn;
      }
      break;
    }
    report.corrupted.push_back(at);
    if (ahead.first == kNowhere) {
      // Everything up to the promised end is lost.
      report.end =
          std::min<std::uint64_t>(bytes.size(), segment_of(promised) == segment ? offset_of(promised) : at);
      break;
    }
    at = ahead.first;
  }
  return report;
}

}  // namespace weft::storage::wal
