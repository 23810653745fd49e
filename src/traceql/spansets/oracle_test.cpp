#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "text/regexp.h"
#include "traceql/query.h"
#include "traceql/syntax/parser.h"
#include "traceql/syntax/printer.h"
#include "traceql/testing/memory_snapshot.h"
#include "traceql/testing/trace_builder.h"

// The evaluator over columns and interval numbers against one that looks at one span at a time and
// follows parents, on random traces and random queries.

namespace weft::traceql {
namespace {

using Rng = std::mt19937_64;

std::size_t pick(Rng& rng, std::size_t n) {
  return static_cast<std::size_t>(rng() % n);
}

// --- random traces ---

Value random_value(Rng& rng, TraceBuilder& b) {
  static constexpr std::string_view kTexts[] = {"a", "b", "ab", ""};
  switch (pick(rng, 6)) {
    case 0: return Value::of(static_cast<std::int64_t>(pick(rng, 4)));
    case 1: return Value::of(static_cast<double>(pick(rng, 6)) / 2);
    case 2: return Value::of(pick(rng, 2) == 0);
    case 3: return b.list({Value::of(kTexts[pick(rng, 4)]), Value::of(kTexts[pick(rng, 4)])});
    default: return Value::of(kTexts[pick(rng, 4)]);
  }
}

TraceBuilder::List random_attributes(Rng& rng, TraceBuilder& b) {
  TraceBuilder::List out;
  for (std::string_view key : {"x", "y", "z"})
    if (pick(rng, 2) == 0) out.push_back({key, random_value(rng, b)});
  return out;
}

void add_random_trace(Rng& rng, TraceBuilder& b, std::uint8_t trace) {
  static constexpr std::string_view kNames[] = {"a", "b", "c"};
  auto count = static_cast<std::uint32_t>(1 + pick(rng, 12));
  for (std::uint32_t i = 1; i <= count; ++i) {
    if (pick(rng, 3) == 0) b.resource(random_attributes(rng, b));
    if (pick(rng, 4) == 0) b.scope("scope", "1", random_attributes(rng, b));
    // Parents may be missing, later, the span itself, or on a cycle.
    auto parent = static_cast<std::uint32_t>(pick(rng, 5) == 0 ? 0 : pick(rng, count + 2));
    Span& s = b.span(trace, i, i == 1 ? 0 : parent, kNames[pick(rng, 3)], 1000 + pick(rng, 50), pick(rng, 4),
                     random_attributes(rng, b));
    s.kind = static_cast<SpanKind>(pick(rng, 6));
    s.status = static_cast<SpanStatus>(pick(rng, 3));
    std::vector<SpanEvent> events(pick(rng, 3));
    for (SpanEvent& e : events) {
      e.name = kNames[pick(rng, 3)];
      e.time_ns = s.start_ns + pick(rng, 4);
      e.attributes = b.attributes(random_attributes(rng, b));
    }
    s.events = b.events(events);
  }
}

// --- random queries ---

std::string random_leaf(Rng& rng) {
  static constexpr const char* kLeaves[] = {
      "span.x = 1",
      "span.x != \"a\"",
      ".x > 1",
      ".y =~ \"a.*\"",
      "span.y !~ \"b|c\"",
      "resource.x = true",
      "span.z",
      "span.z = nil",
      "resource.y != nil",
      "1 < span.x",
      "span.x + 1 > 2",
      "-span.x < -1",
      "span.x * 2 = span.y",
      "span.x ^ 2 >= 1.5",
      "name = \"a\"",
      "name =~ \"a|b\"",
      "kind = client",
      "status != ok",
      "duration >= 2ns",
      "duration * 2 < 5",
      "true",
      "false",
      "instrumentation.x > 0",
      "event.x = 1",
      "event:name != \"a\"",
      "event.y = nil",
      "event:timeSinceStart > 1ns",
      "nestedSetParent < 0",
      "span:childCount = 1",
      "rootName = \"a\"",
      "span.x = span.y",
      "span.x >= resource.x",
      ".x = \"ab\"",
  };
  return kLeaves[pick(rng, std::size(kLeaves))];
}

std::string random_condition(Rng& rng, int depth) {
  if (depth == 0 || pick(rng, 3) == 0) return random_leaf(rng);
  if (pick(rng, 5) == 0) return "!(" + random_condition(rng, depth - 1) + ")";
  std::string out;
  std::size_t parts = 2 + pick(rng, 2);
  for (std::size_t i = 0; i < parts; ++i) {
    if (i > 0) out += pick(rng, 2) == 0 ? " && " : " || ";
    bool group = pick(rng, 2) == 0;
    out += group ? "(" + random_condition(rng, depth - 1) + ")" : random_leaf(rng);
  }
  return out;
}

std::string random_spansets(Rng& rng, int depth) {
  static constexpr const char* kOps[] = {"&&",  "||",  ">",  "<",  ">>", "<<",  "~",   "!>", "!<",
                                         "!>>", "!<<", "!~", "&>", "&<", "&>>", "&<<", "&~"};
  if (depth == 0 || pick(rng, 3) == 0) return "{ " + random_condition(rng, 2) + " }";
  return "(" + random_spansets(rng, depth - 1) + ") " + kOps[pick(rng, std::size(kOps))] + " (" +
         random_spansets(rng, depth - 1) + ")";
}

// --- one span at a time ---

struct NaiveTrace {
  std::vector<Span> spans;  // by (start, id)
  const SpanBatch* batch = nullptr;

  int index_of(const SpanId& id) const {
    for (std::size_t i = 0; i < spans.size(); ++i)
      if (spans[i].span_id == id) return static_cast<int>(i);
    return -1;
  }
  // -1: a root, or the parent is unknown.
  int parent(int i) const {
    const Span& s = spans[static_cast<std::size_t>(i)];
    return s.parent_id.is_zero() || s.parent_id == s.span_id ? -1 : index_of(s.parent_id);
  }
  bool reaches_root(int i) const {
    for (std::size_t steps = 0; steps <= spans.size(); ++steps) {
      if (spans[static_cast<std::size_t>(i)].parent_id.is_zero()) return true;
      i = parent(i);
      if (i < 0) return false;
    }
    return false;
  }
  bool is_ancestor(int above, int below) const {
    for (std::size_t steps = 0; steps <= spans.size(); ++steps) {
      below = parent(below);
      if (below < 0) return false;
      if (below == above) return true;
    }
    return false;
  }
  bool related(Relation relation, int l, int r) const {
    if (l == r || !reaches_root(l) || !reaches_root(r)) return false;
    switch (relation) {
      case Relation::child: return parent(r) == l;
      case Relation::parent: return parent(l) == r;
      case Relation::descendant: return is_ancestor(l, r);
      case Relation::ancestor: return is_ancestor(r, l);
      default: return parent(l) >= 0 && parent(l) == parent(r);
    }
  }
};

bool naive_holds(Op op, const Value& a, const Value& b) {
  if (a.type == Value::Type::array) {
    auto items = a.as_array();
    return std::any_of(items.begin(), items.end(), [&](const Value& v) { return naive_holds(op, v, b); });
  }
  if (b.type == Value::Type::array) {
    auto items = b.as_array();
    return std::any_of(items.begin(), items.end(), [&](const Value& v) { return naive_holds(op, a, v); });
  }
  auto number = [](const Value& v) {
    return v.type == Value::Type::integer ? static_cast<double>(v.integer) : v.number;
  };
  auto numeric = [](const Value& v) {
    return v.type == Value::Type::integer || v.type == Value::Type::number;
  };
  int order = 0;
  if (numeric(a) && numeric(b))
    order = number(a) < number(b) ? -1 : number(a) > number(b) ? 1 : 0;
  else if (a.type != b.type || a.type == Value::Type::nil)
    return false;
  else if (a.type == Value::Type::string)
    order = a.as_text().compare(b.as_text());
  else if (op == Op::equal || op == Op::not_equal)
    order = a.boolean == b.boolean ? 0 : 1;
  else
    return false;
  switch (op) {
    case Op::equal: return order == 0;
    case Op::not_equal: return order != 0;
    case Op::less: return order < 0;
    case Op::less_equal: return order <= 0;
    case Op::greater: return order > 0;
    default: return order >= 0;
  }
}

bool mentions_event(const Expr& e) {
  if (e.kind == Expr::Kind::attribute)
    return e.attribute.scope == Scope::event || e.attribute.intrinsic == Intrinsic::event_name ||
           e.attribute.intrinsic == Intrinsic::event_time_since_start;
  return std::any_of(e.operands.begin(), e.operands.end(), mentions_event);
}

class Naive {
 public:
  Naive(const NaiveTrace& trace, int span)
      : trace_(trace), span_(trace.spans[static_cast<std::size_t>(span)]), at_(span) {}

  bool test(const Expr& e) {
    switch (e.kind) {
      case Expr::Kind::invert: return !test(e.operands[0]);
      case Expr::Kind::chain: return chain(e);
      case Expr::Kind::binary:
        if (mentions_event(e) && event_ == nullptr) return some_event([&] { return test(e); });
        if (e.ops[0] == Op::regex || e.ops[0] == Op::not_regex) return match(e);
        if (e.operands[1].kind == Expr::Kind::literal && e.operands[1].literal.type == Type::nil)
          return (value(e.operands[0]).type == Value::Type::nil) == (e.ops[0] == Op::equal);
        return naive_holds(e.ops[0], value(e.operands[0]), value(e.operands[1]));
      default: return naive_holds(Op::equal, value(e), Value::of(true));
    }
  }

 private:
  template <class Holds>
  bool some_event(Holds holds) {
    for (const SpanEvent& event : span_.events) {
      event_ = &event;
      bool found = holds();
      event_ = nullptr;
      if (found) return true;
    }
    return false;
  }

  // Conditions on events that are joined by && only are asked of one event.
  static void flatten(const Expr& e, std::vector<const Expr*>& out) {
    bool all = e.kind == Expr::Kind::chain &&
               std::all_of(e.ops.begin(), e.ops.end(), [](Op op) { return op == Op::conjunction; });
    if (!all) {
      out.push_back(&e);
      return;
    }
    for (const Expr& operand : e.operands) flatten(operand, out);
  }
  bool chain(const Expr& e) {
    std::vector<const Expr*> conditions;
    flatten(e, conditions);
    if (conditions.size() > 1) {
      std::vector<const Expr*> events;
      for (const Expr* c : conditions) {
        if (c->kind == Expr::Kind::binary && mentions_event(*c))
          events.push_back(c);
        else if (!test(*c))
          return false;
      }
      return events.empty() || some_event([&] {
               return std::all_of(events.begin(), events.end(), [&](const Expr* c) { return test(*c); });
             });
    }
    bool holds = test(e.operands[0]);
    for (std::size_t i = 0; i < e.ops.size(); ++i)
      holds =
          e.ops[i] == Op::conjunction ? holds && test(e.operands[i + 1]) : holds || test(e.operands[i + 1]);
    return holds;
  }

  bool match(const Expr& e) {
    Value v = value(e.operands[0]);
    auto one = [&](const Value& item) {
      return item.type == Value::Type::string &&
             text::Regexp::compile(e.operands[1].literal.text, {.anchored = true})->matches(item.as_text()) ==
                 (e.ops[0] == Op::regex);
    };
    if (v.type != Value::Type::array) return one(v);
    auto items = v.as_array();
    return std::any_of(items.begin(), items.end(), one);
  }

  Value value(const Expr& e) {
    if (e.kind == Expr::Kind::attribute) return attribute(e.attribute);
    if (e.kind == Expr::Kind::negate)
      return arithmetic(Op::subtract, Value::of(std::int64_t{0}), value(e.operands[0]));
    if (e.kind == Expr::Kind::binary) return arithmetic(e.ops[0], value(e.operands[0]), value(e.operands[1]));
    switch (e.literal.type) {
      case Type::string: return Value::of(std::string_view(e.literal.text));
      case Type::number: return Value::of(e.literal.number);
      case Type::boolean: return Value::of(e.literal.integer == 1);
      default: return Value::of(e.literal.integer);
    }
  }

  static Value arithmetic(Op op, const Value& a, const Value& b) {
    auto numeric = [](const Value& v) {
      return v.type == Value::Type::integer || v.type == Value::Type::number;
    };
    if (!numeric(a) || !numeric(b)) return Value{};
    // Small numbers only: doubles are exact.
    double x = a.type == Value::Type::integer ? static_cast<double>(a.integer) : a.number;
    double y = b.type == Value::Type::integer ? static_cast<double>(b.integer) : b.number;
    if (op == Op::add) return Value::of(x + y);
    if (op == Op::subtract) return Value::of(x - y);
    if (op == Op::multiply) return Value::of(x * y);
    return Value::of(std::pow(x, y));
  }

  static Value find(Attributes attributes, std::string_view key) {
    const Value* found = find_attribute(attributes, key);
    return found == nullptr ? Value{} : *found;
  }

  Value attribute(const AttributeRef& a) {
    switch (a.intrinsic) {
      case Intrinsic::name: return Value::of(span_.name);
      case Intrinsic::duration: return Value::of(static_cast<std::int64_t>(span_.duration_ns()));
      case Intrinsic::kind: return Value::of(static_cast<std::int64_t>(span_.kind));
      case Intrinsic::status: return Value::of(static_cast<std::int64_t>(span_.status));
      case Intrinsic::event_name: return Value::of(event_->name);
      case Intrinsic::event_time_since_start:
        return Value::of(static_cast<std::int64_t>(event_->time_ns - span_.start_ns));
      case Intrinsic::nested_set_parent:
        return Value::of(std::int64_t{span_.parent_id.is_zero() ? -1 : trace_.reaches_root(at_) ? 1 : 0});
      case Intrinsic::child_count: {
        std::int64_t children = 0;
        for (std::size_t i = 0; i < trace_.spans.size(); ++i)
          children += trace_.parent(static_cast<int>(i)) == at_;
        return Value::of(children);
      }
      case Intrinsic::root_name:
        for (std::size_t i = trace_.spans.size(); i-- > 0;)
          if (trace_.spans[i].parent_id.is_zero()) return Value::of(trace_.spans[i].name);
        return Value{};
      default: break;
    }
    const weft::Scope& scope = trace_.batch->scopes[span_.scope];
    const Resource& resource = trace_.batch->resources[span_.resource];
    switch (a.scope) {
      case Scope::span: return find(span_.attributes, a.key);
      case Scope::resource: return find(resource.attributes, a.key);
      case Scope::instrumentation: return find(scope.attributes, a.key);
      case Scope::event: return find(event_->attributes, a.key);
      default: break;
    }
    for (Attributes attributes : {span_.attributes, resource.attributes})
      if (Value v = find(attributes, a.key); v.type != Value::Type::nil) return v;
    items_.clear();
    for (const SpanEvent& event : span_.events)
      if (Value v = find(event.attributes, a.key); v.type == Value::Type::array)
        items_.insert(items_.end(), v.as_array().begin(), v.as_array().end());
      else if (v.type != Value::Type::nil)
        items_.push_back(v);
    if (!items_.empty()) return Value::of(std::span<const Value>(items_));
    return find(scope.attributes, a.key);
  }

  const NaiveTrace& trace_;
  const Span& span_;
  int at_;
  const SpanEvent* event_ = nullptr;
  std::vector<Value> items_;
};

std::set<int> naive_select(const SpansetExpr& e, const NaiveTrace& trace) {
  std::set<int> out;
  if (e.kind == SpansetExpr::Kind::filter) {
    for (std::size_t i = 0; i < trace.spans.size(); ++i)
      if (!e.condition || Naive(trace, static_cast<int>(i)).test(*e.condition))
        out.insert(static_cast<int>(i));
    return out;
  }
  out = naive_select(e.operands[0], trace);
  for (std::size_t k = 0; k < e.ops.size(); ++k) {
    std::set<int> left = std::move(out);
    std::set<int> right = naive_select(e.operands[k + 1], trace);
    out.clear();
    SpansetOp op = e.ops[k];
    if (op.relation == Relation::both || op.relation == Relation::either) {
      if (op.relation == Relation::both && (left.empty() || right.empty())) continue;
      out = left;
      out.insert(right.begin(), right.end());
      continue;
    }
    for (int r : right) {
      bool found = false;
      for (int l : left)
        if (trace.related(op.relation, l, r)) {
          found = true;
          if (op.flavour == Flavour::united) out.insert(l);
        }
      if (found != (op.flavour == Flavour::negated)) out.insert(r);
    }
  }
  return out;
}

TEST(Oracle, ColumnsAndIntervalsAgreeWithOneSpanAtATime) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Rng rng(seed);
    TraceBuilder b;
    constexpr std::uint8_t kTraces = 20;
    for (std::uint8_t t = 1; t <= kTraces; ++t) add_random_trace(rng, b, t);
    MemorySnapshot data;
    data.add(b.batch());
    data.sort();
    std::vector<NaiveTrace> traces(kTraces + 1);
    for (const Span& s : b.batch().spans) traces[s.trace_id.bytes[15]].spans.push_back(s);
    for (NaiveTrace& trace : traces) {
      trace.batch = &b.batch();
      std::sort(trace.spans.begin(), trace.spans.end(), [](const Span& x, const Span& y) {
        return std::tie(x.start_ns, x.span_id) < std::tie(y.start_ns, y.span_id);
      });
    }
    for (int round = 0; round < 40; ++round) {
      std::string text = random_spansets(rng, round % 3);
      Result<Query> query = Query::parse(text);
      ASSERT_TRUE(query) << text << ": " << query.error().message();
      Root tree = *parse_query(text);
      SearchParams params;
      params.range = {0, std::numeric_limits<std::int64_t>::max()};
      params.limit = 1000;
      params.spans_per_set = 1000;
      exec::Context context;
      Result<std::vector<FoundTrace>> found = search(*query, params, data, context);
      ASSERT_TRUE(found) << text;
      std::map<TraceId, std::set<SpanId>> got;
      for (const FoundTrace& trace : *found)
        for (const FoundSpan& span : trace.span_sets[0].spans) got[trace.id].insert(span.id);
      std::map<TraceId, std::set<SpanId>> expected;
      for (std::uint8_t t = 1; t <= kTraces; ++t)
        for (int i : naive_select(tree.pipeline.stages[0].spansets, traces[t]))
          expected[TraceBuilder::trace_id(t)].insert(traces[t].spans[static_cast<std::size_t>(i)].span_id);
      ASSERT_EQ(got, expected) << "seed " << seed << ": " << text;
    }
  }
}

}  // namespace
}  // namespace weft::traceql
