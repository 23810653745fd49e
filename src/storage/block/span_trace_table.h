#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "storage/block/encoding_string.h"
#include "storage/block/format.h"
#include "storage/block/span_directory.h"

namespace weft::storage::block {

// The spans of one trace in one block; other blocks and heads may have more of them.
struct TraceFragment {
  // On disk: never renumber.
  static constexpr std::uint8_t kHasRoot = 1;
  static constexpr std::uint8_t kParentsResolved = 2;
  static constexpr std::uint8_t kLate = 4;  // a span arrived shortly before the block was made

  TraceId id;
  std::uint32_t first_row = 0;
  std::uint32_t spans = 0;
  std::uint64_t start_ns = 0;  // of the earliest span
  std::uint64_t end_ns = 0;    // of the last to end (or to start, if it ends before it starts)
  std::uint32_t errors = 0;    // spans of that status
  std::uint8_t flags = 0;

  // All of the trace is likely to be here: what needs whole traces may be asked of this one.
  bool is_complete() const { return flags == (kHasRoot | kParentsResolved); }
};

// The service and the name of the root span; of the first top-level span if there is no root.
struct TraceRoot {
  std::string_view service;
  std::string_view name;
};

// At most kPageValuesMax traces; names take at most this much together.
inline constexpr std::size_t kTracePageBytesMax = std::size_t{1} << 20;
// Longer names are cut in the trace table (not in the spans).
inline constexpr std::size_t kTraceNameBytesMax = 1024;

class TracePageWriter {
 public:
  TracePageWriter(std::size_t traces_max, Zstd& zstd) : traces_max_(traces_max), strings_(zstd) {}

  bool is_full() const { return traces_.size() >= traces_max_ || name_bytes_ >= kTracePageBytesMax / 2; }
  bool is_empty() const { return traces_.empty(); }
  // The root's text must live until encode(). Requires !is_full().
  void add(const TraceFragment& trace, const TraceRoot& root);
  // Appends the page and is empty again. Requires !is_empty().
  Result<TracePage> encode(std::string& out);

 private:
  const std::size_t traces_max_;
  StringEncoder strings_;
  std::vector<TraceFragment> traces_;
  std::vector<std::string_view> services_;
  std::vector<std::string_view> names_;
  std::size_t name_bytes_ = 0;
};

// The traces of a page. `rows` are those of the block. Errors: corrupted, naming block, page and
// column; what the source says.
Result<std::vector<TraceFragment>> read_trace_page(const BlockFile& file, const TracePage& page,
                                                   std::uint32_t rows);

// Service and name of the root of each trace of a page. They own their text.
struct TraceRoots {
  std::vector<StringPage> pages;
  std::vector<std::string_view> services;
  std::vector<std::string_view> names;
};
Result<TraceRoots> read_trace_roots(const BlockFile& file, const TracePage& page);

}  // namespace weft::storage::block
