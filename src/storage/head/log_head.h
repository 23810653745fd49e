#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "model/ids.h"
#include "model/log_batch.h"
#include "storage/head/growing.h"
#include "storage/head/lookup.h"
#include "storage/head/streams.h"

namespace weft::storage {

// Log rows in memory, in order of arrival. One thread at a time appends; rows become visible when
// publish() says so. Readers take published() once and never look beyond it: they need no lock,
// since nothing that they reach moves or changes.
//
// A row is 40 bytes, 4 to 8 more in its stream's row list and 8 per candidate id. Its text lies
// in the arena; structured metadata is encoded there as
//   varint bytes of what follows, varint count, then per label: varint size, name, varint size, value
// and shared by rows that have the same (found through a small cache).
class LogHead {
 public:
  struct Row {
    std::int64_t time_ns = 0;
    const char* line = nullptr;
    const char* metadata = nullptr;  // encoded; null: none
    std::uint32_t line_bytes = 0;
    std::uint32_t stream = 0;  // position among this head's streams
    std::uint32_t link = 0;    // position among this head's links + 1; 0: no linked trace
    std::string_view text() const { return {line, line_bytes}; }
  };
  struct Link {
    TraceId trace_id;
    SpanId span_id;
  };
  // Rows of one stream. `in_order` never goes back in time; every row that would is in `late`.
  struct StreamRows {
    StreamPtr stream;
    RowList in_order;
    std::atomic<RowList*> late{nullptr};
    std::unique_ptr<RowList> late_owner;                             // the appender's
    std::int64_t newest = std::numeric_limits<std::int64_t>::min();  // the appender's
  };

  LogHead() = default;

  // --- the appender ---
  // streams[i] is that of batch.streams[i]. Rows before `oldest_ns` are left out.
  void append(std::span<const StreamPtr> streams, const LogBatch& batch, std::int64_t oldest_ns);
  std::uint32_t rows() const { return rows_count_; }
  std::size_t raw_bytes() const { return raw_bytes_; }  // of lines and metadata as sent
  std::size_t memory_bytes() const;
  void publish(std::uint32_t rows) { published_.store(rows, std::memory_order_release); }

  // --- any thread ---
  std::uint32_t published() const { return published_.load(std::memory_order_acquire); }
  // Bounds of the times of rows; may cover rows that are not published yet.
  std::int64_t oldest() const { return oldest_.load(std::memory_order_relaxed); }
  std::int64_t newest() const { return newest_.load(std::memory_order_relaxed); }
  const Row& row(std::uint32_t index) const { return rows_[index]; }
  const Link& link(const Row& row) const { return links_[row.link - 1]; }
  // Null when the stream has no row here.
  const StreamRows* find_stream(const StreamEntry& stream) const;
  const StreamRows& stream_of(const Row& row) const { return *streams_[row.stream]; }
  // Appends rows below `limit` that may hold the id, in no order, perhaps more than once.
  void rows_of_id(const TraceId& id, std::uint32_t limit, std::vector<std::uint32_t>& out) const;
  void rows_with_id_overflow(std::uint32_t limit, std::vector<std::uint32_t>& out) const;

 private:
  struct Posting {
    std::uint32_t row;
    std::uint32_t previous;  // position + 1; 0: none
  };
  struct IdEntry {
    TraceId id;
    std::atomic<std::uint32_t> last;  // position of a posting + 1
  };
  struct CachedMetadata {
    std::uint64_t hash = 0;
    const char* encoded = nullptr;
    std::string_view content;  // of that, without its size
  };

  std::uint32_t local_stream(const StreamPtr& stream);
  const char* add_metadata(std::span<const Label> metadata);
  std::uint32_t add_link(const LogEntry& entry);
  void add_posting(const TraceId& id, std::uint32_t row);

  Growing<Row, 1024> rows_;
  Growing<Link, 256> links_;
  Growing<StreamRows*, 64> streams_;
  Growing<Posting, 256> postings_;
  Growing<IdEntry, 256> ids_;
  RowList overflow_;
  Lookup stream_lookup_;
  Lookup id_lookup_;
  std::atomic<std::uint32_t> published_{0};
  std::atomic<std::int64_t> oldest_{std::numeric_limits<std::int64_t>::max()};
  std::atomic<std::int64_t> newest_{std::numeric_limits<std::int64_t>::min()};

  // The appender's.
  Arena arena_;
  std::vector<std::unique_ptr<StreamRows>> stream_owners_;
  std::vector<CachedMetadata> metadata_cache_{256};
  std::string scratch_;
  std::string whole_;
  std::uint32_t rows_count_ = 0;
  std::uint32_t links_count_ = 0;
  std::uint32_t postings_count_ = 0;
  std::uint32_t ids_count_ = 0;
  std::size_t raw_bytes_ = 0;
};

// Encoded metadata of a row, all of it, for comparing. Empty for null.
std::string_view encoded_metadata(const char* metadata);
// Its labels; the list is put into `arena`, text stays where it is.
std::span<const Label> decode_metadata(const char* metadata, Arena& arena);

}  // namespace weft::storage
