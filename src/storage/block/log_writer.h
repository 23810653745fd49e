#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/object_store.h"
#include "base/result.h"
#include "model/ids.h"
#include "model/labels.h"
#include "model/tenant.h"
#include "storage/block/format.h"
#include "storage/block/log_directory.h"
#include "storage/block/log_group_encoder.h"

namespace weft::storage::block {

// A row for a block. Its text must outlive LogBlockWriter::write().
struct LogBlockRow {
  std::int64_t time_ns = 0;
  std::uint32_t stream = 0;  // from add_stream()
  std::string_view line;
  std::string_view metadata;  // encoded: log_metadata.h
  TraceId trace_id;           // the linked trace; zero: none
  SpanId span_id;
  std::span<const TraceId>
      ids;                    // a query may look the row up by these; the linked one need not be among them
  bool ids_overflow = false;  // and by every other one
};

// What the manifest keeps of a block.
struct LogBlockSummary {
  BlockExtent extent;
  LogTotals totals;
  std::vector<LogBlockTenant> tenants;
  std::uint64_t duplicates = 0;  // rows that were given and not written
};

// Collects rows, in any order, and writes them as one block: sorted by tenant, time slice, stream, time and
// order of arrival; of rows that equal one another in stream, time, line and metadata the first one
// given. Takes about 100 bytes a row beside the text, which stays where it is. One thread.
class LogBlockWriter {
 public:
  explicit LogBlockWriter(const LogBlockOptions& options = {});

  // A stream by its labels: the same number for the same ones.
  std::uint32_t add_stream(const TenantId& tenant, const LabelSet& labels);
  // Rows are numbered from 0 as they come. Requires less than 2^32 - 1 of them.
  std::uint32_t add(const LogBlockRow& row);
  // One more id that a query may look this row up by.
  void add_id(std::uint32_t row, const TraceId& id);
  void set_ids_overflow(std::uint32_t row) { rows_[row].any_id = true; }

  std::size_t rows() const { return rows_.size(); }
  std::size_t raw_bytes() const { return raw_bytes_; }  // of lines and metadata

  // Writes the block; `out.finish()` is the caller's. Once. Errors: invalid_argument if there is no
  // row, or one that is too long; what `out` says.
  Result<LogBlockSummary> write(ObjectWriter& out);

 private:
  struct Stream {
    std::uint32_t tenant = 0;
    LabelSet labels;
  };
  struct Row {
    std::int64_t time_ns = 0;
    const char* line = nullptr;
    const char* metadata = nullptr;
    std::uint32_t line_bytes = 0;
    std::uint32_t metadata_bytes = 0;
    std::uint32_t stream = 0;
    std::uint32_t link = 0;   // number in links_ + 1
    std::uint32_t other = 0;  // number in others_ + 1
    bool more_ids = false;    // than these two
    bool any_id = false;

    std::string_view line_text() const { return {line, line_bytes}; }
    std::string_view metadata_text() const { return {metadata, metadata_bytes}; }
    bool has_same_content(const Row& other_row) const {
      return line_text() == other_row.line_text() && metadata_text() == other_row.metadata_text();
    }
  };
  struct Link {
    TraceId trace_id;
    SpanId span_id;
  };
  // An id as numbers that sort as the id does, and a row.
  struct IdUse {
    std::uint64_t high;
    std::uint64_t low;
    std::uint32_t row;  // as given; sorted: its place
    enum class Kind : std::uint8_t { trace, other, more } kind;
  };
  // Rows of one stream in one time slice: [begin, end) of rows sorted by stream and time.
  struct Piece {
    std::uint32_t tenant;
    std::int64_t bucket;
    std::uint32_t stream;  // in the order of the block
    std::uint32_t begin;
    std::uint32_t end;
  };

  const TraceId& trace_of(const Row& row) const;
  const TraceId& other_of(const Row& row) const;
  void sort_streams();
  std::int64_t choose_bucket() const;
  void sort_rows();
  void keep_distinct(std::span<const std::uint32_t> same_time);
  void cut_groups();
  void number_ids();
  Result<void> write_groups(BlockWriter& block);
  Result<void> write_ids(BlockWriter& block);
  void add_runs(LogGroup& group);
  void add_totals();

  const LogBlockOptions options_;
  std::map<TenantId, std::uint32_t> tenants_;
  std::vector<Stream> streams_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> stream_numbers_;  // by hash
  std::vector<Row> rows_;
  std::vector<Link> links_;
  std::vector<TraceId> others_;
  std::vector<IdUse> uses_;
  std::size_t raw_bytes_ = 0;

  // While writing.
  std::vector<std::uint32_t> stream_places_;  // by number: the place in the block
  std::vector<std::uint32_t> order_;          // rows in the order of the block
  std::vector<std::uint32_t> places_;         // by row: the place in order_, of a duplicate that of the first
  std::vector<std::uint32_t> group_ends_;     // in order_
  std::vector<std::uint32_t> traces_;         // by place: ordinal + 1
  std::vector<std::uint32_t> other_ids_;
  LogDirectory directory_;
};

}  // namespace weft::storage::block
