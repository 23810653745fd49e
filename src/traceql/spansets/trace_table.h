#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/arena.h"
#include "storage/snapshot.h"

namespace weft::traceql {

// Nested-set numbers of the spans of one trace, as a depth-first walk over its roots gives them
// (reference/tempo.md §1.9): left and right from 1, parent is the parent's left, -1 for a root. All
// are 0 for a span that no root reaches (its parent is missing, or it is on a cycle).
struct SpanNumbers {
  std::int32_t left = 0;
  std::int32_t right = 0;
  std::int32_t parent = 0;
  std::int32_t children = 0;  // direct ones, also of unreached spans
};

// Numbers `spans`, which are by start. A client and a server that share an id (Zipkin's way) are
// parent and child. Linear but for one sort by id; no recursion.
class SpanNumbering {
 public:
  void number(std::span<const Span> spans, std::span<SpanNumbers> out);

 private:
  std::vector<std::uint32_t> by_id_;
  std::vector<std::int32_t> parent_;
  std::vector<std::uint32_t> first_child_;
  std::vector<std::uint32_t> child_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> stack_;
};

// A batch of traces with what queries derive from it. One thread; reused from batch to batch.
class TraceTable {
 public:
  struct Facts {
    std::int64_t root = -1;  // index of the root span in the batch; the latest of several
    std::uint64_t start_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint64_t duration_ns() const { return end_ns > start_ns ? end_ns - start_ns : 0; }
  };
  struct Needs {
    bool facts = false;
    bool numbers = false;
  };

  storage::TraceRows& rows() { return rows_; }
  const storage::TraceRows& rows() const { return rows_; }

  // After rows() was filled anew.
  void derive(Needs needs);

  std::size_t size() const { return rows_.spans.size(); }
  std::span<const std::uint32_t> trace_of() const { return trace_of_; }  // [span]
  std::span<const Facts> facts() const { return facts_; }                // [trace]
  std::span<const SpanNumbers> numbers() const { return numbers_; }      // [span]
  Arena& arena() { return arena_; }                                      // until the next derive()

 private:
  storage::TraceRows rows_;
  std::vector<std::uint32_t> trace_of_;
  std::vector<Facts> facts_;
  std::vector<SpanNumbers> numbers_;
  SpanNumbering numbering_;
  Arena arena_;
};

}  // namespace weft::traceql
