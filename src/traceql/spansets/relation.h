#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "traceql/spansets/trace_table.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {

// Structural operators (reference/tempo.md §1.9) as interval tests on nested-set numbers. Lists of
// spans are indices into the batch, ascending and unique. One thread; holds scratch memory.
class RelationFinder {
 public:
  // Result of `left op right`; `op` is a structural one. Spans without numbers are related to none.
  void find(SpansetOp op, std::span<const SpanNumbers> numbers, std::span<const std::uint32_t> left,
            std::span<const std::uint32_t> right, std::vector<std::uint32_t>& out);

 private:
  // Appends the spans of `of` that stand in `relation` to some span of `to` (or, negated, to none).
  void related(Relation relation, bool negated, std::span<const SpanNumbers> numbers,
               std::span<const std::uint32_t> to, std::span<const std::uint32_t> of,
               std::vector<std::uint32_t>& out);

  struct Interval {
    std::int32_t left;
    std::int32_t right;
  };
  std::vector<Interval> intervals_;
  std::vector<std::int32_t> keys_;
  std::vector<std::uint32_t> partners_;
};

// The union of two ascending lists.
void unite(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b,
           std::vector<std::uint32_t>& out);

}  // namespace weft::traceql
