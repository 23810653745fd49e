#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "traceql/spansets/bitmap.h"
#include "traceql/spansets/slots.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {

// A field expression ready to run over columns. Constant parts are folded; conditions on events and
// links became «some event of the span for which …», and conditions joined by && only are asked of
// the same event (reference/tempo.md §1.6).
struct Node {
  enum class Kind : std::uint8_t {
    constant,
    slot,
    negate,
    arithmetic,
    compare,
    match,
    is_nil,  // of children[0]; op not_equal: is not nil
    invert,
    chain,
    some_event,
    some_link,
  };
  Kind kind = Kind::constant;
  Op op = Op::equal;
  Type type = Type::any;  // of its value, to show durations, status and kind as what they are
  Value constant;
  std::size_t slot = 0;
  std::size_t id = 0;                            // of its scratch memory
  const exec::StringMatcher* pattern = nullptr;  // in the query's tree
  std::vector<Op> ops;                           // of a chain
  std::vector<Node> children;
};

// Compiles expressions of one query; literals and patterns stay in the tree, which must live longer.
class Compiler {
 public:
  explicit Compiler(Slots& slots) : slots_(slots) {}
  // Errors: internal "division by zero" in constant parts.
  Result<Node> compile(const Expr& expression);
  Node always() const { return constant(Value::of(true), Type::boolean); }
  std::size_t nodes() const { return nodes_; }
  Slots& slots() { return slots_; }

 private:
  static Node constant(const Value& value, Type type);
  Result<Node> binary(const Expr& e);
  Result<Node> chain(const Expr& e);
  Result<Node> leaf(Node node, const Expr& e);
  Node fresh(Node::Kind kind, Type type);

  Slots& slots_;
  std::size_t nodes_ = 0;
};

// Runs nodes. Holds their scratch memory, so one per thread; use it with the nodes of one Compiler.
class Evaluator {
 public:
  explicit Evaluator(const Slots& slots) : slots_(slots) {}

  // Sets in `out` the rows of `wanted` for which a boolean expression is true.
  Result<void> test(const Node& node, TraceTable& table, const Rows& rows, const Bitmap& wanted, Bitmap& out);
  // Values of the rows of `wanted` (others are unspecified); valid until the next call with the node.
  Result<Column> values(const Node& node, TraceTable& table, const Rows& rows, const Bitmap& wanted);

 private:
  struct Scratch {
    std::vector<Value> values;
    Bitmap left;
    Bitmap right;
    std::vector<std::uint32_t> span;
    std::vector<std::uint32_t> item;
    std::vector<std::uint32_t> owner;
  };
  Scratch& scratch(const Node& node);
  Result<void> test_chain(const Node& node, TraceTable& table, const Rows& rows, const Bitmap& wanted,
                          Bitmap& out);
  Result<void> test_some(const Node& node, TraceTable& table, const Rows& rows, const Bitmap& wanted,
                         Bitmap& out);

  const Slots& slots_;
  std::vector<std::unique_ptr<Scratch>> scratch_;
};

}  // namespace weft::traceql
