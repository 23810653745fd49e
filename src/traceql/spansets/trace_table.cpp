#include "traceql/spansets/trace_table.h"

#include <algorithm>

namespace weft::traceql {

void SpanNumbering::number(std::span<const Span> spans, std::span<SpanNumbers> out) {
  auto count = static_cast<std::uint32_t>(spans.size());
  std::fill(out.begin(), out.end(), SpanNumbers{});

  by_id_.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) by_id_[i] = i;
  std::sort(by_id_.begin(), by_id_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return spans[a].span_id != spans[b].span_id ? spans[a].span_id < spans[b].span_id : a < b;
  });

  // Who answers to an id: of a client and a server the server, for it is the one with children.
  auto lookup = [&](const SpanId& id, std::uint32_t child) -> std::int32_t {
    auto it = std::lower_bound(by_id_.begin(), by_id_.end(), id, [&](std::uint32_t i, const SpanId& wanted) {
      return spans[i].span_id < wanted;
    });
    std::int32_t found = -1;
    for (; it != by_id_.end() && spans[*it].span_id == id; ++it)
      if (*it != child && (found < 0 || spans[*it].kind == SpanKind::server))
        found = static_cast<std::int32_t>(*it);
    return found;
  };
  parent_.assign(count, -1);
  for (std::uint32_t i = 0; i < count; ++i)
    if (!spans[i].parent_id.is_zero() && spans[i].parent_id != spans[i].span_id)
      parent_[i] = lookup(spans[i].parent_id, i);
  for (std::uint32_t k = 0; k + 1 < count; ++k) {
    std::uint32_t a = by_id_[k];
    std::uint32_t b = by_id_[k + 1];
    if (spans[a].span_id != spans[b].span_id) continue;
    if (k + 2 < count && spans[by_id_[k + 2]].span_id == spans[a].span_id) continue;
    if (k > 0 && spans[by_id_[k - 1]].span_id == spans[a].span_id) continue;
    if (spans[b].kind == SpanKind::client) std::swap(a, b);
    if (spans[a].kind != SpanKind::client || spans[b].kind != SpanKind::server) continue;
    parent_[b] = static_cast<std::int32_t>(a);
  }
  auto is_root = [&](std::uint32_t i) { return spans[i].parent_id.is_zero() && parent_[i] < 0; };

  // Children of i are child_[first_child_[i] .. first_child_[i + 1]), by start.
  first_child_.assign(count + 1, 0);
  for (std::uint32_t i = 0; i < count; ++i)
    if (parent_[i] >= 0) ++first_child_[static_cast<std::size_t>(parent_[i]) + 1];
  for (std::uint32_t i = 0; i < count; ++i) {
    out[i].children = static_cast<std::int32_t>(first_child_[i + 1]);
    first_child_[i + 1] += first_child_[i];
  }
  child_.resize(first_child_[count]);
  free_.assign(first_child_.begin(), first_child_.end());
  for (std::uint32_t i = 0; i < count; ++i)
    if (parent_[i] >= 0) child_[free_[static_cast<std::size_t>(parent_[i])]++] = i;

  // A span has one parent and roots have none, so what roots reach is a forest: each span is
  // entered once, whatever cycles there are elsewhere.
  std::int32_t counter = 1;
  stack_.clear();
  for (std::uint32_t root = 0; root < count; ++root) {
    if (!is_root(root)) continue;
    out[root].left = counter++;
    out[root].parent = -1;
    stack_.push_back(root);
    while (!stack_.empty()) {
      std::uint32_t at = stack_.back();
      // right counts visited children until the span is left.
      auto visited = static_cast<std::uint32_t>(out[at].right);
      if (first_child_[at] + visited == first_child_[at + 1]) {
        out[at].right = counter++;
        stack_.pop_back();
        continue;
      }
      ++out[at].right;
      std::uint32_t next = child_[first_child_[at] + visited];
      out[next].left = counter++;
      out[next].parent = out[at].left;
      stack_.push_back(next);
    }
  }
}

void TraceTable::derive(Needs needs) {
  arena_.clear();
  const std::vector<Span>& spans = rows_.spans;
  trace_of_.resize(spans.size());
  facts_.resize(needs.facts ? rows_.traces.size() : 0);
  numbers_.resize(needs.numbers ? spans.size() : 0);
  for (std::uint32_t t = 0; t < rows_.traces.size(); ++t) {
    const storage::TraceRows::Trace& trace = rows_.traces[t];
    for (std::uint32_t i = trace.first; i < trace.first + trace.count; ++i) trace_of_[i] = t;
    std::span<const Span> own(spans.data() + trace.first, trace.count);
    if (needs.numbers) numbering_.number(own, std::span(numbers_).subspan(trace.first, trace.count));
    if (!needs.facts) continue;
    Facts facts;
    facts.start_ns = own.empty() ? 0 : own[0].start_ns;
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (own[i].parent_id.is_zero()) facts.root = static_cast<std::int64_t>(trace.first + i);
      facts.start_ns = std::min(facts.start_ns, own[i].start_ns);
      facts.end_ns = std::max(facts.end_ns, own[i].end_ns);
    }
    facts_[t] = facts;
  }
}

}  // namespace weft::traceql
