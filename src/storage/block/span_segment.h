#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "storage/block/bitmap.h"
#include "storage/block/encoding_string.h"
#include "storage/block/format.h"
#include "storage/block/span_directory.h"

namespace weft::storage::block {

// What is to be read of spans, beyond what every reader needs.
struct SpanDetail {
  bool attributes = false;
  bool events = false;
  bool links = false;
  std::vector<std::uint32_t> keys;  // of attributes of spans, one at a time
};

// The columns of a segment, decoded: all but those that the detail does not ask for. Immutable;
// const methods are thread-safe.
class SpanSegment {
 public:
  // Reads no other columns' pages, in one request. `keys` must outlive the result. Errors: corrupted, naming
  // block, row group and column; what the source says.
  static Result<std::shared_ptr<const SpanSegment>> read(const BlockFile& file,
                                                         const SpanDirectory& directory, std::size_t group,
                                                         std::size_t segment,
                                                         std::span<const std::string_view> keys,
                                                         std::size_t resources, std::size_t scopes,
                                                         const SpanDetail& detail);

  std::size_t rows() const { return ids_.size(); }
  const SpanId& id(std::size_t row) const { return ids_[row]; }
  // Zero unless the span's parent is not a row before it.
  SpanId outer_parent(std::size_t row) const;
  std::uint32_t descendants(std::size_t row) const {
    return static_cast<std::uint32_t>(integers(SpanColumn::descendants)[row]);
  }
  // From that of the row's parent, or of the trace; modulo 2^64.
  std::uint64_t start(std::size_t row) const { return integers(SpanColumn::start)[row]; }
  std::uint64_t duration(std::size_t row) const { return integers(SpanColumn::duration)[row]; }

  // Fills everything but ids and start_ns, which is to be known already. Text is copied into `arena`.
  // Errors: corrupted.
  Result<void> fill(std::size_t row, const SpanDetail& detail, Arena& arena, Span& span) const;
  // The first attribute of that key, which the detail asked for, or nil. Errors: corrupted.
  Result<Value> attribute(std::size_t row, std::uint32_t key, Arena& arena) const;

 private:
  struct Strings {
    std::vector<StringPage> pages;
    std::vector<std::string_view> values;
  };
  struct OptionalStrings {
    Presence presence;
    Strings strings;
    // Empty if there is none.
    std::string_view value(std::size_t row) const {
      return presence.size() > 0 && presence.has(row) ? strings.values[presence.rank(row)]
                                                      : std::string_view();
    }
  };
  struct AttributeColumn {
    ColumnId id;
    Presence presence;
    Strings strings;
    std::vector<std::uint64_t> integers;
    std::vector<double> numbers;
    Bitmap booleans;
  };

  class Decoder;

  std::vector<std::uint64_t>& integers(SpanColumn column) {
    return integers_[static_cast<std::size_t>(column)];
  }
  const std::vector<std::uint64_t>& integers(SpanColumn column) const {
    return integers_[static_cast<std::size_t>(column)];
  }
  Result<Value> value_of(const AttributeColumn& column, std::size_t row, Arena& arena) const;
  Result<Attributes> attributes(std::size_t row, Arena& arena) const;
  Error in_context(const Error& error, const char* what) const;

  std::string name_;  // block and row group
  std::span<const std::string_view> keys_;
  std::vector<SpanId> ids_;
  Presence parent_presence_;
  std::vector<SpanId> parents_;
  std::vector<std::uint64_t> integers_[static_cast<std::size_t>(SpanColumn::scope) + 1];
  Strings names_;
  Strings trace_states_;
  Strings status_messages_;
  OptionalStrings events_;
  OptionalStrings links_;
  OptionalStrings rest_;
  OptionalStrings order_;
  std::vector<AttributeColumn> attributes_;
};

}  // namespace weft::storage::block
