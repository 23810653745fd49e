#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "model/ids.h"
#include "model/labels.h"

namespace weft {

// One log line. All text is by view into the request body or into the batch's arena.
struct LogEntry {
  std::int64_t time_ns = 0;
  std::string_view line;
  // Structured metadata: [metadata_begin, metadata_begin + metadata_count) of LogBatch::metadata.
  std::uint32_t metadata_begin = 0;
  std::uint32_t metadata_count = 0;
  // Set by ingest. The row's linked trace (storage.md §3.1); zero when there is none.
  TraceId trace_id;
  SpanId span_id;
  // Set by ingest: [ids_begin, +ids_count) of LogBatch::candidate_ids, every id that a query may
  // look this row up by, the linked one included. More than fit: ids_overflow, and the row is a
  // candidate for every id.
  std::uint32_t ids_begin = 0;
  std::uint16_t ids_count = 0;
  bool ids_overflow = false;
};

// Entries of one stream of one request: labels [labels_begin, +labels_count) of LogBatch::labels
// and entries [entries_begin, +entries_count) of LogBatch::entries.
struct LogStream {
  std::uint32_t labels_begin = 0;
  std::uint32_t labels_count = 0;
  std::uint32_t entries_begin = 0;
  std::uint32_t entries_count = 0;
};

// One decoded push request. Reusable: clear() keeps the memory. The request body must outlive it.
struct LogBatch {
  std::vector<LogStream> streams;
  std::vector<LogEntry> entries;
  std::vector<Label> labels;
  std::vector<Label> metadata;
  std::vector<TraceId> candidate_ids;
  Arena arena;

  std::span<const Label> labels_of(const LogStream& s) const {
    return std::span(labels).subspan(s.labels_begin, s.labels_count);
  }
  std::span<const Label> metadata_of(const LogEntry& e) const {
    return std::span(metadata).subspan(e.metadata_begin, e.metadata_count);
  }
  void clear() {
    streams.clear();
    entries.clear();
    labels.clear();
    metadata.clear();
    candidate_ids.clear();
    arena.clear();
  }
};

}  // namespace weft
