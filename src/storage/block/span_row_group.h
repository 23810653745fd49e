#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "storage/block/bitmap.h"
#include "storage/block/encoding_string.h"
#include "storage/block/span_directory.h"
#include "storage/block/span_order.h"
#include "storage/block/span_values.h"

namespace weft::storage::block {

// Which attribute keys a tenant uses in which scope.
class KeyUse {
 public:
  void add(AttributeScope scope, std::uint32_t key) {
    if (key >= seen_.size()) seen_.resize(key + std::size_t{1});
    seen_[key] |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(scope));
  }
  // All of them, by scope and number; forgets them.
  std::vector<BlockTenant::Key> take();

 private:
  std::vector<std::uint8_t> seen_;  // by key: a bit for each scope
};

// Turns whole traces into the pages of a row group. What does not fit a page (a text of 16 MiB, values nested
// beyond reason) is left out and counted in the span's own dropped counts; text is cut. One thread.
class RowGroupWriter {
 public:
  RowGroupWriter(KeyTable& keys, std::size_t segment_rows, std::size_t segment_bytes, Zstd& zstd)
      : keys_(keys), segment_rows_(segment_rows), segment_bytes_(segment_bytes), strings_(zstd) {}

  // A trace in the order of TraceOrder. The spans must live until encode().
  void add_trace(std::span<const SpanRow> rows, std::span<const std::uint32_t> descendants,
                 std::uint64_t start_ns);
  std::size_t rows() const { return rows_.size(); }
  std::size_t raw_bytes() const { return raw_bytes_; }
  // What a trace adds to raw_bytes().
  static std::size_t raw_bytes_of(std::span<const SpanRow> rows);

  // Appends all pages to `out` and is empty again. `offset` and `first_row` of the result are the
  // caller's to set. Requires rows() > 0.
  Result<RowGroup> encode(KeyUse& use, std::string& out);

 private:
  // A column that is being written.
  struct Column {
    ColumnId id;
    bool optional = false;
    Bitmap presence;
    std::vector<std::string_view> texts;
    std::vector<std::uint64_t> integers;
    std::vector<double> numbers;
    std::vector<SpanId> ids;
    Bitmap booleans;
    std::string pages;
    std::vector<std::uint32_t> chunk_bytes;
    bool used = false;
  };

  void end_segment();
  void find_keys();
  void choose_columns();
  void add_row(std::size_t row);
  void add_attributes(std::size_t row, std::uint32_t& dropped);
  void add_value(Column& column, const Value& value, std::string_view encoded);
  void add_lists(const Span& span, std::uint32_t& dropped_events, std::uint32_t& dropped_links);
  Result<void> encode_segment(std::size_t first_row, std::size_t rows);
  Result<void> encode_chunk(Column& column);
  Result<void> encode_strings(std::span<const std::string_view> values, std::string& out);
  Column& fixed(SpanColumn column) { return columns_[static_cast<std::size_t>(column)]; }
  bool first_of_key(std::uint32_t key) {
    bool first = stamps_[key] != stamp_;
    stamps_[key] = stamp_;
    return first;
  }

  KeyTable& keys_;
  const std::size_t segment_rows_;
  const std::size_t segment_bytes_;
  StringEncoder strings_;

  std::vector<SpanRow> rows_;
  std::vector<std::uint32_t> descendants_;
  std::vector<std::uint64_t> starts_;    // as the column has them
  std::vector<bool> tops_;               // not below another row
  std::vector<std::uint32_t> segments_;  // rows of those that are complete
  std::size_t open_rows_ = 0;
  std::size_t open_bytes_ = 0;
  std::size_t raw_bytes_ = 0;
  std::vector<std::pair<std::size_t, std::uint64_t>> path_;  // end and start of rows around this one

  std::vector<Column> columns_;
  std::vector<std::uint32_t> attribute_keys_;  // of all rows, one after the other
  std::size_t next_attribute_ = 0;
  std::size_t at_ = 0;                    // the row in its segment
  std::vector<std::uint32_t> column_of_;  // by key and type: column, or 0
  std::vector<std::uint64_t> stamps_;     // by key: the last span that had it
  std::uint64_t stamp_ = 0;
  std::vector<std::uint8_t> in_rest_;  // by key
  std::vector<std::uint32_t> own_;     // columns of a span's attributes, in their order
  std::vector<std::uint32_t> sorted_;
  std::string rest_;
  std::string value_;
  KeyUse* use_ = nullptr;
  Arena arena_;  // of a segment
};

}  // namespace weft::storage::block
