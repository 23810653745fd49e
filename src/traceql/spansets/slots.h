#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "traceql/spansets/trace_table.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {

// Where attributes of a scope are stored; unscoped ones count as the span's.
storage::AttributeScope stored_scope(Scope scope);

// The rows over which an expression is evaluated: spans of a batch, or events or links of them.
struct Rows {
  enum class Of : std::uint8_t { spans, events, links };
  Of of = Of::spans;
  std::size_t count = 0;
  const std::uint32_t* span = nullptr;  // [row]: index of the span; null: row r is span r
  const std::uint32_t* item = nullptr;  // [row]: index of the event or link; null for spans

  std::uint32_t span_of(std::size_t row) const {
    return span == nullptr ? static_cast<std::uint32_t>(row) : span[row];
  }
};

// Values of rows: contiguous, or one for all of them.
struct Column {
  const Value* data = nullptr;
  std::size_t stride = 1;  // 0: constant
  const Value& operator[](std::size_t row) const { return data[row * stride]; }
};

// The attributes that a query reads: decides what the scan has to fetch, and hands out their values.
// Built while compiling, constant after it.
class Slots {
 public:
  // `keys` are those that exist in the data (Snapshot::attribute_keys); others are nil everywhere.
  explicit Slots(std::vector<storage::AttributeKey> keys) : keys_(std::move(keys)) {}

  // The slot of an attribute; a new one the first time.
  std::size_t add(const AttributeRef& attribute);
  void need_numbers() { needs_.numbers = true; }
  void need_facts() { needs_.facts = true; }

  // Sets what must be fetched: columns, events, links.
  void describe(storage::TraceScan& scan) const;
  TraceTable::Needs needs() const { return needs_; }

  const AttributeRef& attribute(std::size_t slot) const { return slots_[slot].attribute; }
  std::size_t size() const { return slots_.size(); }

  // Values of all rows, in `buffer` or in the table itself; they live until either changes.
  Column values(std::size_t slot, TraceTable& table, const Rows& rows, std::vector<Value>& buffer) const;
  // The value of one row; of a span whose events or links have it, the first one.
  Value value(std::size_t slot, TraceTable& table, const Rows& rows, std::size_t row) const;
  Value value(std::size_t slot, TraceTable& table, std::uint32_t span) const;

 private:
  struct Slot {
    AttributeRef attribute;
    std::vector<std::size_t> columns;  // in order of precedence
    bool events = false;               // fall back to, or look only at, events
    bool links = false;
  };
  bool exists(storage::AttributeScope scope, const std::string& key) const;
  std::size_t column(storage::AttributeScope scope, const std::string& key);
  void add_key(Slot& slot, Scope scope);
  Value row_value(const Slot& slot, TraceTable& table, const Rows& rows, std::size_t row) const;
  Value key_value(const Slot& slot, TraceTable& table, const Rows& rows, std::size_t row) const;

  std::vector<storage::AttributeKey> keys_;
  std::vector<Slot> slots_;
  std::vector<storage::AttributeKey> columns_;
  std::size_t root_service_ = 0;  // column of resource.service.name when a slot needs it
  TraceTable::Needs needs_;
  bool events_ = false;
  bool links_ = false;
};

}  // namespace weft::traceql
