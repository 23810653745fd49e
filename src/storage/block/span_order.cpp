#include "storage/block/span_order.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "base/check.h"
#include "base/hash.h"

namespace weft::storage::block {
namespace {

// Up to here comparing each with each is cheaper than hashing.
constexpr std::size_t kCompareAll = 8;
// Up to here a look at each row finds a span sooner than an index.
constexpr std::size_t kFindByLooking = 24;

bool same_attributes(Attributes a, Attributes b) {
  return (a.data() == b.data() && a.size() == b.size()) || same_value(Value::of(a), Value::of(b));
}

bool same_event(const SpanEvent& a, const SpanEvent& b) {
  return a.time_ns == b.time_ns && a.name == b.name && a.dropped_attributes == b.dropped_attributes &&
         same_attributes(a.attributes, b.attributes);
}

bool same_link(const SpanLink& a, const SpanLink& b) {
  return a.trace_id == b.trace_id && a.span_id == b.span_id && a.trace_state == b.trace_state &&
         a.dropped_attributes == b.dropped_attributes && a.flags == b.flags &&
         same_attributes(a.attributes, b.attributes);
}

// By (start, span id), and then so that the order of arrival hardly matters.
bool earlier(const SpanRow& x, const SpanRow& y) {
  const Span& a = *x.span;
  const Span& b = *y.span;
  if (a.start_ns != b.start_ns) return a.start_ns < b.start_ns;
  return std::tie(a.span_id, a.kind, a.parent_id, a.end_ns) <
         std::tie(b.span_id, b.kind, b.parent_id, b.end_ns);
}

bool same_place(const SpanRow& a, const SpanRow& b) {
  return a.span->start_ns == b.span->start_ns && a.span->span_id == b.span->span_id;
}

// Of part of the content, for grouping.
std::uint64_t content_hash(const SpanRow& row) {
  const Span& span = *row.span;
  std::uint64_t hash = hash_combine(span.end_ns, hash_of(span.parent_id));
  hash = hash_combine(hash,
                      static_cast<std::uint64_t>(span.kind) << 8 | static_cast<std::uint64_t>(span.status));
  hash = hash64(span.name, hash);
  for (const Attribute& attribute : span.attributes) {
    hash = hash64(attribute.key, hash);
    if (attribute.value.type == Value::Type::string) hash = hash64(attribute.value.as_text(), hash);
    if (attribute.value.type == Value::Type::integer)
      hash = hash_combine(hash, static_cast<std::uint64_t>(attribute.value.integer));
  }
  return hash;
}

// Moves the first of equal rows in [begin, end), which agree in start and id, to `to`. Returns the
// new end.
std::size_t drop_equal(std::vector<SpanRow>& rows, std::size_t begin, std::size_t end, std::size_t to) {
  std::size_t first = to;
  if (end - begin <= kCompareAll) {
    for (std::size_t i = begin; i < end; ++i) {
      bool seen = std::any_of(rows.begin() + first, rows.begin() + to,
                              [&](const SpanRow& other) { return same_span(other, rows[i]); });
      if (!seen) rows[to++] = rows[i];
    }
    return to;
  }
  std::unordered_multimap<std::uint64_t, SpanRow> seen;
  for (std::size_t i = begin; i < end; ++i) {
    SpanRow row = rows[i];
    std::uint64_t hash = content_hash(row);
    auto [at, last] = seen.equal_range(hash);
    if (std::any_of(at, last, [&](const auto& item) { return same_span(item.second, row); })) continue;
    seen.emplace(hash, row);
    rows[to++] = row;
  }
  return to;
}

// Sorts and keeps the first of equal rows.
void sort_and_drop_duplicates(std::vector<SpanRow>& rows) {
  if (!std::ranges::is_sorted(rows, earlier)) std::ranges::sort(rows, earlier);
  std::size_t to = 0;
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin + 1;
    while (end < rows.size() && same_place(rows[begin], rows[end])) ++end;
    if (end - begin == 1) {
      rows[to++] = rows[begin];
    } else {
      to = drop_equal(rows, begin, end, to);
    }
    begin = end;
  }
  rows.resize(to);
}

}  // namespace

bool same_span(const SpanRow& x, const SpanRow& y) {
  const Span& a = *x.span;
  const Span& b = *y.span;
  return a.span_id == b.span_id && a.kind == b.kind && a.start_ns == b.start_ns && a.end_ns == b.end_ns &&
         a.parent_id == b.parent_id && a.status == b.status && a.flags == b.flags &&
         x.resource == y.resource && x.scope == y.scope && a.dropped_attributes == b.dropped_attributes &&
         a.dropped_events == b.dropped_events && a.dropped_links == b.dropped_links && a.name == b.name &&
         a.trace_state == b.trace_state && a.status_message == b.status_message &&
         same_attributes(a.attributes, b.attributes) && std::ranges::equal(a.events, b.events, same_event) &&
         std::ranges::equal(a.links, b.links, same_link);
}

std::size_t TraceOrder::find(const SpanId& id, const std::vector<SpanRow>& rows) const {
  if (rows.size() <= kFindByLooking) {
    std::size_t i = 0;
    while (i < rows.size() && rows[i].span->span_id != id) ++i;
    return i;
  }
  auto found = std::ranges::lower_bound(by_id_, std::pair(id, std::uint32_t{0}));
  return found != by_id_.end() && found->first == id ? found->second : rows.size();
}

// Rows are sorted by start, so lists built from the back are too.
void TraceOrder::link_children(const std::vector<SpanRow>& rows) {
  if (rows.size() > kFindByLooking) {
    by_id_.clear();
    for (std::uint32_t i = 0; i < rows.size(); ++i) by_id_.emplace_back(rows[i].span->span_id, i);
    std::ranges::sort(by_id_);
  }
  parent_.assign(rows.size(), 0);
  first_child_.assign(rows.size(), 0);
  next_sibling_.assign(rows.size(), 0);
  for (auto i = static_cast<std::uint32_t>(rows.size()); i-- > 0;) {
    const SpanId& id = rows[i].span->parent_id;
    if (id.is_zero()) continue;
    std::size_t parent = find(id, rows);
    if (parent == rows.size() || parent == i) continue;
    parent_[i] = static_cast<std::uint32_t>(parent) + 1;
    next_sibling_[i] = first_child_[parent];
    first_child_[parent] = i + 1;
  }
}

// Appends a row and everything below it that has no place yet.
void TraceOrder::walk(std::uint32_t root, const std::vector<SpanRow>& rows) {
  auto place = [&](std::uint32_t row) {
    placed_[row] = true;
    path_.push_back(static_cast<std::uint32_t>(order_.size()));
    order_.push_back(row);
  };
  descendants_.resize(rows.size());
  path_.clear();
  place(root);
  while (!path_.empty()) {
    // first_child_ is used up on the way, so that each child is looked at once.
    std::uint32_t& child = first_child_[order_[path_.back()]];
    if (child == 0) {
      descendants_[path_.back()] = static_cast<std::uint32_t>(order_.size()) - path_.back() - 1;
      path_.pop_back();
      continue;
    }
    std::uint32_t row = child - 1;
    child = next_sibling_[row];
    if (!placed_[row]) place(row);
  }
}

TraceOrder::Summary TraceOrder::order(std::vector<SpanRow>& rows) {
  CHECK(!rows.empty());
  Summary summary;
  std::size_t before = rows.size();
  sort_and_drop_duplicates(rows);
  summary.duplicates = before - rows.size();
  link_children(rows);
  placed_.assign(rows.size(), false);
  order_.clear();
  auto walk_those = [&](auto&& is_top) {
    for (std::uint32_t i = 0; i < rows.size(); ++i)
      if (!placed_[i] && is_top(i)) walk(i, rows);
  };
  walk_those([&](std::uint32_t i) { return rows[i].span->parent_id.is_zero(); });
  summary.has_root = !order_.empty();
  summary.all_parents_resolved = order_.size() == rows.size();
  walk_those([&](std::uint32_t i) { return parent_[i] == 0; });
  walk_those([](std::uint32_t) { return true; });
  CHECK(order_.size() == rows.size());
  scratch_.clear();
  for (std::uint32_t row : order_) scratch_.push_back(rows[row]);
  rows.swap(scratch_);
  return summary;
}

}  // namespace weft::storage::block
