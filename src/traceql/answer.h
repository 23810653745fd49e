#pragma once

#include <vector>

#include "traceql/query.h"
#include "traceql/spansets/pipeline.h"
#include "traceql/syntax/ast.h"

// From spans of a batch to the values of an answer.

namespace weft::traceql {

// A value as answers show it: durations, status and kind as text, lists and maps as JSON, an absent
// value as the text "nil".
TypedValue show(const Value& value, Type type);

// The attributes that a query mentions, and when a span shows them: those that a filter compares
// with a constant only where one of these comparisons holds, others always (reference/tempo.md §2.4).
class ShownAttributes {
 public:
  // Reads a pipeline; adds the attributes' slots. Literals stay in the tree.
  Result<void> add(const Pipeline& pipeline, Compiler& compiler);
  void add_always(const AttributeRef& attribute, Slots& slots);

  // Name and attributes of the span; start and duration are the caller's.
  void fill(std::uint32_t span, const Slots& slots, TraceTable& table, FoundSpan& out) const;
  // Everything that is shown, under names as a query writes them (of exemplars).
  void labels(std::uint32_t span, const Slots& slots, TraceTable& table, TypedAttributes& out) const;

 private:
  struct Condition {
    Op op = Op::equal;
    Value literal;  // nil: asks for absence or presence
    const exec::StringMatcher* pattern = nullptr;
    bool literal_left = false;
    bool holds(const Value& value) const;
  };
  struct Shown {
    AttributeRef attribute;
    std::size_t slot = 0;
    Type type = Type::any;
    bool always = false;
    bool selected = false;  // by select(): its absence is shown too
    std::vector<Condition> conditions;
    bool accepts(const Value& value) const;
  };
  Shown& entry(const AttributeRef& attribute, Slots& slots);
  Result<void> add(const Expr& expression, bool pinned, Compiler& compiler);
  Result<void> add(const SpansetExpr& spansets, Compiler& compiler);
  static bool find(const Shown& shown, std::uint32_t span, const Slots& slots, TraceTable& table, Value& out);
  static bool find_item(const Shown& shown, bool events, std::uint32_t span, const Slots& slots,
                        TraceTable& table, Value& out);

  std::vector<Shown> shown_;
};

// Root and times of a trace; no span sets, no services. `service` is the slot of
// resource.service.name; the table's facts are needed.
FoundTrace describe_trace(std::size_t trace, std::size_t service, const Slots& slots, TraceTable& table);

// Spans and errors of every service in a trace.
void count_services(std::size_t trace, std::size_t service, const Slots& slots, TraceTable& table,
                    FoundTrace& out);

// The attribute resource.service.name.
AttributeRef service_name();

// False when a trace is too short or too long for the search.
bool fits_duration(const SearchParams& params, std::uint64_t duration_ns);

// Bytes that an answer's trace holds, about.
std::size_t memory_of(const FoundTrace& trace);

}  // namespace weft::traceql
