#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "base/hash.h"
#include "base/result.h"
#include "model/ids.h"
#include "storage/block/encoding_string.h"
#include "storage/block/log_directory.h"
#include "storage/block/log_text.h"
#include "storage/block/page.h"

namespace weft::storage::block {

// The sizes of things in a block; the defaults are right for everybody but tests.
struct LogBlockOptions {
  std::size_t group_rows = 65'536;                  // at most kGroupRowsMax
  std::size_t group_bytes = std::size_t{32} << 20;  // raw
  std::size_t page_rows = kPageValuesMax;           // at most that
  std::size_t page_bytes = kPageBytesTarget;        // at most that
  std::int64_t bucket_ns = 0;  // time slices by which rows are sorted; 0: by how many rows there are
  // Metadata keys that at least one in so many rows of a row group has get a column of their own.
  std::size_t rows_per_column_value = 100;
};

// A row as its row group takes it. Views.
struct LogRowContent {
  std::int64_t time_ns = 0;
  std::string_view line;
  std::string_view metadata;  // log_metadata.h
  TraceId trace_id;
  TraceId other_id;
  SpanId span_id;
  std::uint32_t trace = 0;  // ordinals + 1; 0: none
  std::uint32_t other = 0;
  bool more_ids = false;
};

// Names of metadata and their numbers.
class LogKeyTable {
 public:
  std::uint32_t number(std::string_view key);
  std::vector<std::string> take() { return std::move(keys_); }

 private:
  std::unordered_map<std::string, std::uint32_t, StringHash, std::equal_to<>> numbers_;
  std::vector<std::string> keys_;
};

// Turns rows into the pages of one row group after another. One thread.
class LogGroupEncoder {
 public:
  explicit LogGroupEncoder(const LogBlockOptions& options) : options_(options) {}

  // Appends the pages to `data`, whose beginning stands at `offset` in the section; fills the group's
  // columns, rest_keys and raw_bytes. Errors: invalid_argument for a line or a value that is too
  // long to be stored, and for metadata that are none.
  Result<void> encode(std::span<const LogRowContent> rows, std::uint64_t offset, LogKeyTable& keys,
                      LogGroup& group, std::string& data);

 private:
  struct Key {
    std::string_view name;
    std::uint32_t rows = 0;
    std::uint64_t positions = 0;  // their sum
    std::uint32_t column = 0;     // its place among the columns + 1; 0: it is in the rest
    std::uint32_t rest = 0;       // its place among the keys of the rest + 1
  };
  struct RowLabels {
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
    bool in_rest = false;  // all of them
  };

  LogColumn& begin_column(LogColumnKind kind);
  void begin_page(std::size_t row);
  void end_column();
  // The end of the page of `texts` that begins with number `begin`.
  std::size_t page_end(std::span<const std::string_view> texts, std::size_t begin) const;
  template <class Value, class Get>
  void encode_integer_column(LogColumnKind kind, Get get);
  Result<void> encode_text_column(LogColumnKind kind, std::span<const std::string_view> texts);
  void encode_spans();
  void encode_more_ids();
  Result<void> encode_metadata(LogKeyTable& keys);
  Result<void> read_labels();
  void choose_columns(std::vector<std::uint32_t>& columns);
  Result<void> encode_metadata_column(std::uint32_t key, std::uint32_t number);
  Result<void> encode_rest(LogKeyTable& keys);

  const LogBlockOptions options_;
  Zstd zstd_;
  StringEncoder strings_{zstd_};
  TextCutter line_cutter_;
  Arena arena_;

  // Of the row group at hand.
  std::span<const LogRowContent> rows_;
  LogGroup* group_ = nullptr;
  std::string* data_ = nullptr;
  std::uint64_t offset_ = 0;      // of the beginning of *data_
  std::size_t column_begin_ = 0;  // in *data_
  std::vector<TextIds> ids_;
  std::vector<std::string_view> texts_;
  std::vector<Key> keys_;
  std::unordered_map<std::string_view, std::uint32_t, StringHash> key_numbers_;
  std::vector<Label> labels_;
  std::vector<std::uint32_t> label_keys_;  // of labels_
  std::vector<RowLabels> row_labels_;
};

}  // namespace weft::storage::block
