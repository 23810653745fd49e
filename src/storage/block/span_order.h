#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "model/span_batch.h"

namespace weft::storage::block {

// A span on its way into a block. The span is somebody else's; its resource and scope go by their
// numbers in the block, which are equal if and only if the contents are.
struct SpanRow {
  const Span* span = nullptr;
  std::uint32_t resource = 0;
  std::uint32_t scope = 0;
};

// Equal in everything that was received.
bool same_span(const SpanRow& a, const SpanRow& b);

// Puts the spans of a trace in depth-first pre-order: a span, then each of its children with all
// that is below them, children by (start, span id). Spans without a parent come first, then those
// whose parent is not here, then those that only a circle of parents leads to (each circle is broken
// at its earliest span). So rows (i, i + descendants[i]] are exactly what is below row i, and the
// parent of a row is the nearest row before it that it is below of. One thread.
class TraceOrder {
 public:
  struct Summary {
    bool has_root = false;              // a span without a parent
    bool all_parents_resolved = false;  // no other top-level span
    std::size_t duplicates = 0;         // spans left out because they equal another
  };
  // Reorders and shortens `rows`, which are the spans of one trace, at least one.
  Summary order(std::vector<SpanRow>& rows);

  // Of the last call: how many of the next rows are below this one.
  std::span<const std::uint32_t> descendants() const { return descendants_; }

 private:
  // The first row of that span, or the number of rows.
  std::size_t find(const SpanId& id, const std::vector<SpanRow>& rows) const;
  void link_children(const std::vector<SpanRow>& rows);
  void walk(std::uint32_t root, const std::vector<SpanRow>& rows);

  std::vector<std::uint32_t> descendants_;
  std::vector<std::pair<SpanId, std::uint32_t>> by_id_;  // sorted; only for traces of some size
  std::vector<std::uint32_t> parent_;                    // row + 1, or 0
  std::vector<std::uint32_t> first_child_;               // row + 1, or 0
  std::vector<std::uint32_t> next_sibling_;              // row + 1, or 0
  std::vector<bool> placed_;
  std::vector<std::uint32_t> path_;   // from a root to where the walk is, as places in `order_`
  std::vector<std::uint32_t> order_;  // row of each place
  std::vector<SpanRow> scratch_;
};

}  // namespace weft::storage::block
