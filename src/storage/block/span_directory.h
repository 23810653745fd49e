#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/value.h"
#include "storage/block/format.h"
#include "storage/snapshot.h"

// What stands where in a block of spans: docs/formats/block.md.

namespace weft::storage::block {

inline constexpr SectionTag kSpanPages = section_tag("SPAN");
inline constexpr SectionTag kTraceTable = section_tag("TTAB");
inline constexpr SectionTag kTraceIds = section_tag("TDIC");
inline constexpr SectionTag kTraceIdIndex = section_tag("TDIX");
inline constexpr SectionTag kTraceIdFilter = section_tag("TFLT");
inline constexpr SectionTag kResources = section_tag("RSRC");
inline constexpr SectionTag kSpanDirectory = section_tag("SDIR");

inline constexpr std::size_t kAttributeColumnsMax = 2048;
// What the values of one column in one segment may take together: the bytes at which a writer ends a
// segment at the latest, and one value of any length.
inline constexpr std::size_t kSegmentBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kColumnBytesMax = kSegmentBytesMax + (std::size_t{17} << 20);

// On disk: never renumber.
enum class SpanColumn : std::uint8_t {
  span_id = 0,
  parent_id = 1,    // optional: of spans that are not below another of their trace
  descendants = 2,  // how many of the next rows are below this one
  start = 3,        // minus that of the parent row, or of the trace
  duration = 4,
  name = 5,
  kind = 6,
  status = 7,
  flags = 8,
  dropped_attributes = 9,
  dropped_events = 10,
  dropped_links = 11,
  trace_state = 12,
  status_message = 13,
  resource = 14,
  scope = 15,
  events = 16,     // optional
  links = 17,      // optional
  rest = 18,       // optional: attributes without a column of their own
  order = 19,      // optional: of attributes, where it is not that of the columns
  attribute = 20,  // optional: of one key and type
};

struct ColumnId {
  SpanColumn column = SpanColumn::span_id;
  std::uint32_t key = 0;                // of an attribute
  Value::Type type = Value::Type::nil;  // of an attribute
  auto operator<=>(const ColumnId&) const = default;
};
// For messages.
std::string column_name(const ColumnId& id, std::span<const std::string_view> keys);

// Rows that are encoded together. A segment is the unit of reading; each column has one chunk of
// pages for each segment, those of a column one after the other.
struct RowGroup {
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  std::uint64_t start_min = 0;
  std::uint64_t start_max = 0;
  std::uint64_t offset = 0;  // in the section
  std::vector<ColumnId> columns;
  std::vector<std::uint32_t> segment_rows;
  std::vector<std::uint32_t> chunk_bytes;  // [column * segments + segment]
  std::vector<std::uint32_t> rest_keys;    // sorted: keys that `rest` has

  // Not on disk: follow from the above.
  std::vector<std::uint64_t> chunk_offsets;
  std::uint64_t bytes = 0;
  std::size_t segments() const { return segment_rows.size(); }
};

enum class TraceColumn : std::uint8_t { id, spans, start, duration, errors, flags, root_service, root_name };
inline constexpr std::size_t kTraceColumns = 8;

struct TracePage {
  std::uint32_t traces = 0;
  std::uint32_t first_row = 0;  // of its first trace
  std::uint64_t start_min = 0;
  std::uint64_t start_max = 0;
  std::uint64_t end_max = 0;
  std::uint32_t chunk_bytes[kTraceColumns] = {};

  // Not on disk.
  std::uint32_t first_trace = 0;
  std::uint64_t offset = 0;  // in the section
};

struct BlockTenant {
  std::string name;
  std::uint32_t first_trace = 0;
  std::uint32_t traces = 0;
  struct Key {
    AttributeScope scope = AttributeScope::span;
    std::uint32_t key = 0;
  };
  std::vector<Key> keys;
};

struct SpanDirectory {
  std::vector<RowGroup> groups;
  std::vector<TracePage> trace_pages;
  std::vector<BlockTenant> tenants;  // by name
  std::uint32_t rows = 0;
  std::uint32_t traces = 0;

  std::string encode() const;
  // Nothing in the result is out of bounds of something else in it, of `keys` keys, or of sections of
  // that many bytes. Errors: corrupted.
  static Result<SpanDirectory> decode(std::string_view bytes, std::size_t keys, std::uint64_t span_bytes,
                                      std::uint64_t trace_bytes);
  const BlockTenant* tenant(std::string_view name) const;
};

}  // namespace weft::storage::block
