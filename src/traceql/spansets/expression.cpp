#include "traceql/spansets/expression.h"

#include "traceql/check/check.h"
#include "traceql/spansets/compare.h"
#include "traceql/syntax/names.h"

namespace weft::traceql {
namespace {

bool is_event_attribute(const AttributeRef& a) {
  return a.scope == Scope::event || a.intrinsic == Intrinsic::event_name ||
         a.intrinsic == Intrinsic::event_time_since_start;
}
bool is_link_attribute(const AttributeRef& a) {
  return a.scope == Scope::link || a.intrinsic == Intrinsic::link_trace_id ||
         a.intrinsic == Intrinsic::link_span_id;
}
bool mentions(const Expr& e, bool (*which)(const AttributeRef&)) {
  if (e.kind == Expr::Kind::attribute) return which(e.attribute);
  for (const Expr& operand : e.operands)
    if (mentions(operand, which)) return true;
  return false;
}

bool is_enum(Type type) {
  return type == Type::status || type == Type::kind;
}

// status and kind never equal an attribute, whose values are strings, numbers and booleans.
bool never_comparable(Type a, Type b) {
  return (is_enum(a) || is_enum(b)) && a != b;
}

template <class Holds>
void test_rows(const Column& column, const Bitmap& wanted, Bitmap& out, Holds holds) {
  if (column.stride == 0) {
    if (holds(column.data[0])) out.unite(wanted);
    return;
  }
  wanted.each([&](std::size_t row) {
    if (holds(column.data[row])) out.set(row);
  });
}

// Comparison with a constant: one loop per type of it.
void compare_constant(Op op, const Column& column, const Value& constant, const Bitmap& wanted, Bitmap& out) {
  if (constant.type == Value::Type::string && op == Op::equal) {
    std::string_view text = constant.as_text();
    test_rows(column, wanted, out, [&](const Value& v) {
      if (v.type == Value::Type::string) return v.as_text() == text;
      return v.type == Value::Type::array && compare(op, v, constant);
    });
    return;
  }
  if (constant.type == Value::Type::integer && op == Op::equal) {
    test_rows(column, wanted, out, [&](const Value& v) {
      if (v.type == Value::Type::integer) return v.integer == constant.integer;
      return compare(op, v, constant);
    });
    return;
  }
  test_rows(column, wanted, out, [&](const Value& v) { return compare(op, v, constant); });
}

// Values of a dictionary share their text, so neighbours often need no second look.
void match_rows(const exec::StringMatcher& pattern, bool negated, const Column& column, const Bitmap& wanted,
                Bitmap& out) {
  const char* text = nullptr;
  std::uint32_t size = 0;
  bool last = false;
  test_rows(column, wanted, out, [&](const Value& v) {
    if (v.type != Value::Type::string) return matches(pattern, negated, v);
    if (text != nullptr && v.text == text && v.size == size) return last;
    text = v.text;
    size = v.size;
    last = matches(pattern, negated, v);
    return last;
  });
}

}  // namespace

Node Compiler::constant(const Value& value, Type type) {
  Node node;
  node.constant = value;
  node.type = type;
  return node;
}

Node Compiler::fresh(Node::Kind kind, Type type) {
  Node node;
  node.kind = kind;
  node.type = type;
  node.id = nodes_++;
  return node;
}

// Wraps a condition that speaks of events (or else of links) into «some event».
Result<Node> Compiler::leaf(Node node, const Expr& e) {
  bool events = mentions(e, is_event_attribute);
  if (node.kind == Node::Kind::constant || (!events && !mentions(e, is_link_attribute))) return node;
  Node some = fresh(events ? Node::Kind::some_event : Node::Kind::some_link, Type::boolean);
  some.children.push_back(std::move(node));
  return some;
}

Result<Node> Compiler::compile(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::literal: return constant(value_of(e.literal), e.literal.type);
    case Expr::Kind::attribute: {
      Node node = fresh(Node::Kind::slot, type_of(e));
      node.slot = slots_.add(e.attribute);
      return node;
    }
    case Expr::Kind::negate: {
      Node child = TRY(compile(e.operands[0]));
      if (child.kind == Node::Kind::constant) return constant(negate(child.constant), child.type);
      Node node = fresh(Node::Kind::negate, child.type);
      node.children.push_back(std::move(child));
      return node;
    }
    case Expr::Kind::invert: {
      Node child = TRY(compile(e.operands[0]));
      if (child.kind == Node::Kind::constant)
        return constant(Value::of(!is_true(child.constant)), Type::boolean);
      Node node = fresh(Node::Kind::invert, Type::boolean);
      node.children.push_back(std::move(child));
      return node;
    }
    case Expr::Kind::binary: return binary(e);
    case Expr::Kind::chain: return chain(e);
    case Expr::Kind::aggregate: break;
  }
  return Error(Code::internal, "an aggregate is not a field expression");
}

Result<Node> Compiler::binary(const Expr& e) {
  Op op = e.ops[0];
  Node left = TRY(compile(e.operands[0]));
  Node right = TRY(compile(e.operands[1]));
  bool fold = left.kind == Node::Kind::constant && right.kind == Node::Kind::constant;
  if (is_arithmetic(op)) {
    if (fold) return constant(TRY(arithmetic(op, left.constant, right.constant)), type_of(e));
    Node node = fresh(Node::Kind::arithmetic, type_of(e));
    node.op = op;
    node.children.push_back(std::move(left));
    node.children.push_back(std::move(right));
    return node;
  }
  if (op == Op::regex || op == Op::not_regex) {
    if (fold)
      return constant(Value::of(matches(*e.pattern, op == Op::not_regex, left.constant)), Type::boolean);
    Node node = fresh(Node::Kind::match, Type::boolean);
    node.op = op;
    node.pattern = &*e.pattern;
    node.children.push_back(std::move(left));
    return leaf(std::move(node), e);
  }
  if (fold) return constant(Value::of(compare(op, left.constant, right.constant)), Type::boolean);
  for (int side = 0; side < 2; ++side) {
    const Expr& nil = e.operands[static_cast<std::size_t>(side)];
    if (nil.kind != Expr::Kind::literal || nil.literal.type != Type::nil) continue;
    Node node = fresh(Node::Kind::is_nil, Type::boolean);
    node.op = op;
    node.children.push_back(side == 0 ? std::move(right) : std::move(left));
    return leaf(std::move(node), e);
  }
  if (never_comparable(left.type, right.type)) return constant(Value::of(false), Type::boolean);
  Node node = fresh(Node::Kind::compare, Type::boolean);
  node.op = op;
  node.children.push_back(std::move(left));
  node.children.push_back(std::move(right));
  return leaf(std::move(node), e);
}

// Flattens conjunctions of conjunctions, and asks all conditions on events of one event.
Result<Node> Compiler::chain(const Expr& e) {
  Node node = fresh(Node::Kind::chain, Type::boolean);
  bool conjunction = true;
  for (Op op : e.ops) conjunction = conjunction && op == Op::conjunction;
  for (std::size_t i = 0; i < e.operands.size(); ++i) {
    Node child = TRY(compile(e.operands[i]));
    bool flat = conjunction && child.kind == Node::Kind::chain;
    if (flat)
      for (Op op : child.ops) flat = flat && op == Op::conjunction;
    if (i > 0) node.ops.push_back(e.ops[i - 1]);
    if (!flat) {
      node.children.push_back(std::move(child));
      continue;
    }
    node.ops.insert(node.ops.end(), child.ops.begin(), child.ops.end());
    for (Node& grandchild : child.children) node.children.push_back(std::move(grandchild));
  }
  if (!conjunction) return node;
  for (Node::Kind kind : {Node::Kind::some_event, Node::Kind::some_link}) {
    Node* first = nullptr;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      Node& child = node.children[i];
      if (child.kind != kind) continue;
      if (first == nullptr) {
        first = &child;
        continue;
      }
      Node& inner = first->children[0];
      if (inner.kind != Node::Kind::chain) {
        Node all = fresh(Node::Kind::chain, Type::boolean);
        all.children.push_back(std::move(inner));
        inner = std::move(all);
      }
      Node& added = child.children[0];
      if (added.kind == Node::Kind::chain) {
        // Conjunctions that a flattened operand had grouped already.
        for (Node& condition : added.children) {
          inner.ops.push_back(Op::conjunction);
          inner.children.push_back(std::move(condition));
        }
      } else {
        inner.ops.push_back(Op::conjunction);
        inner.children.push_back(std::move(added));
      }
      child = always();
    }
  }
  return node;
}

Evaluator::Scratch& Evaluator::scratch(const Node& node) {
  if (node.id >= scratch_.size()) scratch_.resize(node.id + 1);
  if (scratch_[node.id] == nullptr) scratch_[node.id] = std::make_unique<Scratch>();
  return *scratch_[node.id];
}

Result<Column> Evaluator::values(const Node& node, TraceTable& table, const Rows& rows,
                                 const Bitmap& wanted) {
  switch (node.kind) {
    case Node::Kind::constant: return Column{&node.constant, 0};
    case Node::Kind::slot: return slots_.values(node.slot, table, rows, scratch(node).values);
    case Node::Kind::negate: {
      Column child = TRY(values(node.children[0], table, rows, wanted));
      std::vector<Value>& out = scratch(node).values;
      out.resize(rows.count);
      wanted.each([&](std::size_t row) { out[row] = negate(child[row]); });
      return Column{out.data(), 1};
    }
    case Node::Kind::arithmetic: {
      Column left = TRY(values(node.children[0], table, rows, wanted));
      Column right = TRY(values(node.children[1], table, rows, wanted));
      std::vector<Value>& out = scratch(node).values;
      out.resize(rows.count);
      std::optional<Error> failed;
      wanted.each([&](std::size_t row) {
        Result<Value> value = arithmetic(node.op, left[row], right[row]);
        if (value)
          out[row] = *value;
        else if (!failed)
          failed = value.error();
      });
      if (failed) return *failed;
      return Column{out.data(), 1};
    }
    default: {
      Scratch& own = scratch(node);
      Bitmap truth;
      truth.reset(rows.count, false);
      TRY(test(node, table, rows, wanted, truth));
      own.values.resize(rows.count);
      wanted.each([&](std::size_t row) { own.values[row] = Value::of(truth.test(row)); });
      return Column{own.values.data(), 1};
    }
  }
}

Result<void> Evaluator::test(const Node& node, TraceTable& table, const Rows& rows, const Bitmap& wanted,
                             Bitmap& out) {
  switch (node.kind) {
    case Node::Kind::constant:
      if (is_true(node.constant)) out.unite(wanted);
      return {};
    case Node::Kind::compare: {
      Column left = TRY(values(node.children[0], table, rows, wanted));
      Column right = TRY(values(node.children[1], table, rows, wanted));
      if (right.stride == 0) {
        compare_constant(node.op, left, right.data[0], wanted, out);
      } else {
        wanted.each([&](std::size_t row) {
          if (compare(node.op, left[row], right[row])) out.set(row);
        });
      }
      return {};
    }
    case Node::Kind::match: {
      Column column = TRY(values(node.children[0], table, rows, wanted));
      match_rows(*node.pattern, node.op == Op::not_regex, column, wanted, out);
      return {};
    }
    case Node::Kind::is_nil: {
      Column column = TRY(values(node.children[0], table, rows, wanted));
      bool nil = node.op == Op::equal;
      test_rows(column, wanted, out, [nil](const Value& v) { return (v.type == Value::Type::nil) == nil; });
      return {};
    }
    case Node::Kind::invert: {
      Bitmap& inner = scratch(node).left;
      inner.reset(rows.count, false);
      TRY(test(node.children[0], table, rows, wanted, inner));
      wanted.each([&](std::size_t row) {
        if (!inner.test(row)) out.set(row);
      });
      return {};
    }
    case Node::Kind::chain: return test_chain(node, table, rows, wanted, out);
    case Node::Kind::some_event:
    case Node::Kind::some_link: return test_some(node, table, rows, wanted, out);
    default: {
      Column column = TRY(values(node, table, rows, wanted));
      test_rows(column, wanted, out, is_true);
      return {};
    }
  }
}

// From the left: && looks only at rows that hold so far, || only at the others.
Result<void> Evaluator::test_chain(const Node& node, TraceTable& table, const Rows& rows,
                                   const Bitmap& wanted, Bitmap& out) {
  Bitmap& holds = scratch(node).left;
  Bitmap& next = scratch(node).right;
  holds.reset(rows.count, false);
  TRY(test(node.children[0], table, rows, wanted, holds));
  for (std::size_t i = 0; i < node.ops.size(); ++i) {
    const Node& child = node.children[i + 1];
    if (node.ops[i] == Op::conjunction) {
      if (!holds.any()) continue;
      next.reset(rows.count, false);
      TRY(test(child, table, rows, holds, next));
      std::swap(holds, next);
    } else {
      next = wanted;
      next.subtract(holds);
      if (next.any()) TRY(test(child, table, rows, next, holds));
    }
  }
  out.unite(holds);
  return {};
}

Result<void> Evaluator::test_some(const Node& node, TraceTable& table, const Rows& rows, const Bitmap& wanted,
                                  Bitmap& out) {
  Scratch& own = scratch(node);
  own.span.clear();
  own.item.clear();
  own.owner.clear();
  bool events = node.kind == Node::Kind::some_event;
  wanted.each([&](std::size_t row) {
    std::uint32_t s = rows.span_of(row);
    const Span& span = table.rows().spans[s];
    std::size_t count = events ? span.events.size() : span.links.size();
    for (std::size_t i = 0; i < count; ++i) {
      own.span.push_back(s);
      own.item.push_back(static_cast<std::uint32_t>(i));
      own.owner.push_back(static_cast<std::uint32_t>(row));
    }
  });
  if (own.span.empty()) return {};
  Rows items;
  items.of = events ? Rows::Of::events : Rows::Of::links;
  items.count = own.span.size();
  items.span = own.span.data();
  items.item = own.item.data();
  own.left.reset(items.count, true);
  own.right.reset(items.count, false);
  TRY(test(node.children[0], table, items, own.left, own.right));
  own.right.each([&](std::size_t row) { out.set(own.owner[row]); });
  return {};
}

}  // namespace weft::traceql
