#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/hash.h"
#include "storage/read/cut.h"

namespace weft::storage {
namespace {

// How many traces a caller takes at a time, and how many spans make a batch full.
constexpr std::size_t kTakeTraces = 16;
constexpr std::size_t kBatchSpans = 2048;
// Up to here comparing each with each is cheaper than hashing.
constexpr std::size_t kCompareAll = 8;

struct SpanRef {
  const SpanHead* head = nullptr;
  const SpanHead::Row* row = nullptr;
  std::uint32_t part = 0;
  std::uint32_t number = 0;
};

std::uint64_t end_of(const SpanHead::Row& row) {
  return std::max(row.start_ns, row.end_ns);
}

// A span without duration still lies at its start.
bool overlaps(std::uint64_t start_ns, std::uint64_t end_ns, TimeRange range) {
  std::int64_t start = event_time(start_ns);
  std::int64_t end = event_time(end_ns);
  return start < range.end_ns && (end > range.start_ns || (start == end && start == range.start_ns));
}

struct Bounds {
  std::uint64_t start_ns = ~std::uint64_t{0};
  std::uint64_t end_ns = 0;
  bool empty() const { return start_ns > end_ns; }
};

// Of the spans of a trace that this part shows.
Bounds bounds_in(const SpanPart& part, const SpanHead::Trace& trace, std::int64_t oldest_ns) {
  Bounds bounds;
  bounds.start_ns = trace.start_ns.load(std::memory_order_acquire);
  bounds.end_ns = trace.end_ns.load(std::memory_order_acquire);
  std::uint32_t last = trace.last.load(std::memory_order_acquire);
  if (last <= part.limit && event_time(bounds.start_ns) >= oldest_ns) return bounds;
  bounds = {};
  for (std::uint32_t at = last; at != 0; at = part.head->row(at - 1).previous) {
    const SpanHead::Row& row = part.head->row(at - 1);
    if (at > part.limit || event_time(end_of(row)) < oldest_ns) continue;
    bounds.start_ns = std::min(bounds.start_ns, row.start_ns);
    bounds.end_ns = std::max(bounds.end_ns, end_of(row));
  }
  return bounds;
}

bool same_attribute_list(const SpanRef& a, const SpanRef& b) {
  if (a.row->attribute_count != b.row->attribute_count) return false;
  auto left = a.row->attribute_list();
  auto right = b.row->attribute_list();
  for (std::size_t i = 0; i < left.size(); ++i) {
    bool same_key = a.head == b.head ? left[i].key == right[i].key
                                     : a.head->key(left[i].key).text == b.head->key(right[i].key).text;
    if (!same_key || !same_value(left[i].value(), right[i].value())) return false;
  }
  return true;
}

bool same_attributes(Attributes a, Attributes b) {
  return same_value(Value::of(a), Value::of(b));
}

bool same_extra(const SpanHead::Extra* a, const SpanHead::Extra* b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr) return false;
  auto same_event = [](const SpanEvent& x, const SpanEvent& y) {
    return x.time_ns == y.time_ns && x.name == y.name && x.dropped_attributes == y.dropped_attributes &&
           same_attributes(x.attributes, y.attributes);
  };
  auto same_link = [](const SpanLink& x, const SpanLink& y) {
    return x.trace_id == y.trace_id && x.span_id == y.span_id && x.trace_state == y.trace_state &&
           x.dropped_attributes == y.dropped_attributes && x.flags == y.flags &&
           same_attributes(x.attributes, y.attributes);
  };
  return a->trace_state == b->trace_state && a->status_message == b->status_message &&
         a->dropped_attributes == b->dropped_attributes && a->dropped_events == b->dropped_events &&
         a->dropped_links == b->dropped_links && std::ranges::equal(a->events, b->events, same_event) &&
         std::ranges::equal(a->links, b->links, same_link);
}

bool same_resource(const SpanRef& a, const SpanRef& b) {
  if (a.head == b.head) return a.row->resource == b.row->resource;
  const Resource& x = a.head->resource(a.row->resource);
  const Resource& y = b.head->resource(b.row->resource);
  return x.dropped_attributes == y.dropped_attributes && x.schema_url == y.schema_url &&
         same_attributes(x.attributes, y.attributes);
}

bool same_scope(const SpanRef& a, const SpanRef& b) {
  if (a.head == b.head) return a.row->scope == b.row->scope;
  const Scope& x = a.head->scope(a.row->scope);
  const Scope& y = b.head->scope(b.row->scope);
  return x.name == y.name && x.version == y.version && x.dropped_attributes == y.dropped_attributes &&
         x.schema_url == y.schema_url && same_attributes(x.attributes, y.attributes);
}

bool same_span(const SpanRef& a, const SpanRef& b) {
  const SpanHead::Row& x = *a.row;
  const SpanHead::Row& y = *b.row;
  return x.span_id == y.span_id && x.kind == y.kind && x.start_ns == y.start_ns && x.end_ns == y.end_ns &&
         x.parent_id == y.parent_id && x.status == y.status && x.flags == y.flags &&
         a.head->name(x) == b.head->name(y) && same_resource(a, b) && same_scope(a, b) &&
         same_attribute_list(a, b) && same_extra(x.extra, y.extra);
}

// Of part of the content, for grouping.
std::uint64_t hash_of(const SpanRef& span) {
  std::uint64_t h = hash_combine(span.row->end_ns, weft::hash_of(span.row->parent_id));
  h = hash64(span.head->name(*span.row), hash_combine(h, span.row->kind << 4 | span.row->status));
  for (const auto& a : span.row->attribute_list()) {
    Value v = a.value();
    bool text = v.type == Value::Type::string || v.type == Value::Type::bytes;
    bool fixed = v.type == Value::Type::integer || v.type == Value::Type::number;
    h = text ? hash64(v.as_text(), h) : hash_combine(h, fixed ? a.bits : 0);
  }
  return h;
}

// Keeps the first of equal spans in [begin, end), which agree in start and id. Returns the new end.
std::size_t drop_equal(std::vector<SpanRef>& spans, std::size_t begin, std::size_t end, std::size_t to) {
  std::size_t first = to;
  if (end - begin <= kCompareAll) {
    for (std::size_t i = begin; i < end; ++i) {
      bool seen = false;
      for (std::size_t k = first; k < to && !seen; ++k) seen = same_span(spans[k], spans[i]);
      if (!seen) spans[to++] = spans[i];
    }
    return to;
  }
  std::unordered_multimap<std::uint64_t, SpanRef> seen;
  for (std::size_t i = begin; i < end; ++i) {
    SpanRef span = spans[i];
    auto [at, last] = seen.equal_range(hash_of(span));
    if (std::any_of(at, last, [&](const auto& item) { return same_span(item.second, span); })) continue;
    seen.emplace(hash_of(span), span);
    spans[to++] = span;
  }
  return to;
}

void sort_and_drop_duplicates(std::vector<SpanRef>& spans) {
  std::ranges::sort(spans, [](const SpanRef& a, const SpanRef& b) {
    if (a.row->start_ns != b.row->start_ns) return a.row->start_ns < b.row->start_ns;
    if (a.row->span_id != b.row->span_id) return a.row->span_id < b.row->span_id;
    return a.part != b.part ? a.part < b.part : a.number < b.number;
  });
  std::size_t to = 0;
  for (std::size_t begin = 0; begin < spans.size();) {
    std::size_t end = begin + 1;
    while (end < spans.size() && spans[end].row->start_ns == spans[begin].row->start_ns &&
           spans[end].row->span_id == spans[begin].row->span_id)
      ++end;
    to = end - begin == 1 ? (spans[to] = spans[begin], to + 1) : drop_equal(spans, begin, end, to);
    begin = end;
  }
  spans.resize(to);
}

// All visible spans of a trace, by (start, span id), equal ones once.
void gather(const Cut& cut, std::uint32_t tenant, const TraceId& id, std::vector<SpanRef>& out) {
  out.clear();
  for (std::uint32_t p = 0; p < cut.spans.size(); ++p) {
    const SpanPart& part = cut.spans[p];
    std::uint32_t ref = part.head->find_trace(tenant, id);
    if (ref == Lookup::kNone) continue;
    std::uint32_t at = part.head->trace(ref).last.load(std::memory_order_acquire);
    for (; at != 0; at = part.head->row(at - 1).previous) {
      const SpanHead::Row& row = part.head->row(at - 1);
      if (at > part.limit || event_time(end_of(row)) < cut.oldest_span_ns) continue;
      out.push_back({part.head.get(), &row, p, at - 1});
    }
  }
  sort_and_drop_duplicates(out);
}

struct Detail {
  bool attributes = true;
  bool events = true;
  bool links = true;
};

// Rebuilds spans beside lists of resources and scopes, which it fills as they are met.
class Materialiser {
 public:
  Materialiser(std::vector<Resource>& resources, std::vector<Scope>& scopes, Arena& arena, Detail detail)
      : resources_(resources), scopes_(scopes), arena_(arena), detail_(detail) {
    resources_.clear();
    scopes_.clear();
  }

  Span span(const SpanRef& ref) {
    const SpanHead::Row& row = *ref.row;
    Span s;
    s.trace_id = ref.head->trace(row.trace).id;
    s.span_id = row.span_id;
    s.parent_id = row.parent_id;
    s.name = ref.head->name(row);
    s.start_ns = row.start_ns;
    s.end_ns = row.end_ns;
    s.kind = static_cast<SpanKind>(row.kind);
    s.status = static_cast<SpanStatus>(row.status);
    s.flags = row.flags;
    s.resource =
        local(resource_numbers_, resources_, ref.part, row.resource, ref.head->resource(row.resource));
    s.scope = local(scope_numbers_, scopes_, ref.part, row.scope, ref.head->scope(row.scope));
    if (row.extra != nullptr) {
      s.trace_state = row.extra->trace_state;
      s.status_message = row.extra->status_message;
      s.dropped_attributes = row.extra->dropped_attributes;
      s.dropped_events = row.extra->dropped_events;
      s.dropped_links = row.extra->dropped_links;
      if (detail_.events) s.events = row.extra->events;
      if (detail_.links) s.links = row.extra->links;
    }
    if (detail_.attributes) {
      auto attributes = arena_.allocate_array<Attribute>(row.attribute_count);
      for (std::uint32_t i = 0; i < row.attribute_count; ++i)
        attributes[i] = {ref.head->key(row.attributes[i].key).text, row.attributes[i].value()};
      s.attributes = attributes;
    }
    return s;
  }

 private:
  // Which place in the list an item of a part has; the last one is asked for again most often.
  struct Numbers {
    std::unordered_map<std::uint64_t, std::uint32_t> all;
    std::uint64_t last_key = ~std::uint64_t{0};
    std::uint32_t last = 0;
  };
  template <class T>
  static std::uint32_t local(Numbers& numbers, std::vector<T>& list, std::uint32_t part, std::uint32_t ref,
                             const T& item) {
    std::uint64_t key = std::uint64_t{part} << 32 | ref;
    if (key == numbers.last_key) return numbers.last;
    auto [at, added] = numbers.all.emplace(key, static_cast<std::uint32_t>(list.size()));
    if (added) list.push_back(item);
    numbers.last_key = key;
    return numbers.last = at->second;
  }

  std::vector<Resource>& resources_;
  std::vector<Scope>& scopes_;
  Arena& arena_;
  Detail detail_;
  Numbers resource_numbers_;
  Numbers scope_numbers_;
};

// Fills TraceRows::columns: attributes of spans by comparing key numbers, those of resources and
// scopes once each.
class ColumnFiller {
 public:
  ColumnFiller(const Cut& cut, std::uint32_t tenant, const std::vector<AttributeKey>& columns)
      : columns_(columns) {
    wanted_.resize(cut.spans.size());
    for (std::size_t p = 0; p < cut.spans.size(); ++p)
      for (std::uint32_t c = 0; c < columns.size(); ++c) {
        if (columns[c].scope != AttributeScope::span) continue;
        std::uint32_t key = cut.spans[p].head->find_key(tenant, columns[c].key);
        if (key != Lookup::kNone) wanted_[p].push_back({key, c});
      }
  }

  // The values of one more span, which is the last of rows.spans.
  void add(const SpanRef& ref, TraceRows& rows) const {
    if (columns_.empty()) return;
    const Span& span = rows.spans.back();
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      Value value;
      if (columns_[c].scope == AttributeScope::resource) {
        value = shared(rows.resources[span.resource].attributes, columns_[c].key);
      } else if (columns_[c].scope == AttributeScope::instrumentation) {
        value = shared(rows.scopes[span.scope].attributes, columns_[c].key);
      }
      rows.columns[c].push_back(value);
    }
    const auto& wanted = wanted_[ref.part];
    if (wanted.empty()) return;
    // Backwards, so that the first of several attributes of one key stays.
    for (std::size_t i = ref.row->attribute_count; i-- > 0;)
      for (const Wanted& w : wanted)
        if (ref.row->attributes[i].key == w.key)
          rows.columns[w.column].back() = ref.row->attributes[i].value();
  }

 private:
  struct Wanted {
    std::uint32_t key;
    std::uint32_t column;
  };
  static Value shared(Attributes attributes, std::string_view key) {
    const Value* value = find_attribute(attributes, key);
    return value == nullptr ? Value() : *value;
  }

  const std::vector<AttributeKey>& columns_;
  std::vector<std::vector<Wanted>> wanted_;  // by part
};

// Candidates lie in a heap by the start of their trace in one part. What other parts hold of a
// trace is looked up only when it comes to the top: it may turn out to belong further down, or to
// be another part's to show.
class HeadTraceSource final : public TraceSource {
 public:
  HeadTraceSource(const Cut& cut, TraceScan scan, std::optional<std::uint32_t> tenant,
                  const exec::Context& context)
      : cut_(cut),
        scan_(std::move(scan)),
        context_(context),
        tenant_(tenant.value_or(0)),
        filler_(cut, tenant_, scan_.columns) {
    if (!tenant || scan_.range.empty()) return;
    for (std::uint32_t p = 0; p < cut_.spans.size(); ++p) {
      const SpanHead& head = *cut_.spans[p].head;
      if (event_time(head.oldest()) >= scan_.range.end_ns || head.newest() < scan_.range.start_ns) continue;
      std::uint32_t count = head.trace_count();
      for (std::uint32_t t = 0; t < count; ++t) {
        const SpanHead::Trace& trace = head.trace(t);
        if (trace.tenant != tenant_) continue;
        Bounds bounds = bounds_in(cut_.spans[p], trace, cut_.oldest_span_ns);
        if (in_range(bounds)) heap_.push_back({bounds.start_ns, p, t, false});
      }
    }
    std::ranges::make_heap(heap_, Below{&cut_});
  }

  Result<bool> next(TraceRows& rows) override {
    rows.traces.clear();
    rows.spans.clear();
    rows.arena.clear();
    rows.columns.resize(scan_.columns.size());
    for (auto& column : rows.columns) column.clear();
    Materialiser materialiser(rows.resources, rows.scopes, rows.arena,
                              {scan_.all_attributes, scan_.events, scan_.links});
    std::vector<SpanRef> spans;
    std::vector<TraceId> taken;
    while (rows.spans.size() < kBatchSpans) {
      TRY(context_.check());
      if (!take(taken)) break;
      for (const TraceId& id : taken) {
        gather(cut_, tenant_, id, spans);
        bool hit = std::ranges::any_of(
            spans, [&](const SpanRef& s) { return overlaps(s.row->start_ns, end_of(*s.row), scan_.range); });
        if (!hit) continue;
        rows.traces.push_back(
            {id, static_cast<std::uint32_t>(rows.spans.size()), static_cast<std::uint32_t>(spans.size())});
        for (const SpanRef& span : spans) {
          rows.spans.push_back(materialiser.span(span));
          filler_.add(span, rows);
        }
      }
    }
    return !rows.traces.empty();
  }

 private:
  struct Candidate {
    std::uint64_t start_ns;
    std::uint32_t part;
    std::uint32_t trace;
    bool resolved;  // start_ns is that of the whole trace, and it is ours to show
  };
  // The newest on top; ties by id, smallest first.
  struct Below {
    const Cut* cut;
    bool operator()(const Candidate& a, const Candidate& b) const {
      if (a.start_ns != b.start_ns) return a.start_ns < b.start_ns;
      return cut->spans[b.part].head->trace(b.trace).id < cut->spans[a.part].head->trace(a.trace).id;
    }
  };

  // Whether a span may overlap the range; the spans decide.
  bool in_range(const Bounds& bounds) const {
    return !bounds.empty() && event_time(bounds.start_ns) < scan_.range.end_ns &&
           event_time(bounds.end_ns) >= scan_.range.start_ns;
  }

  // The next few traces. False: no more.
  bool take(std::vector<TraceId>& out) {
    out.clear();
    std::lock_guard lock(mutex_);
    while (!heap_.empty() && out.size() < kTakeTraces) {
      std::ranges::pop_heap(heap_, Below{&cut_});
      Candidate top = heap_.back();
      heap_.pop_back();
      const TraceId& id = cut_.spans[top.part].head->trace(top.trace).id;
      if (!top.resolved && cut_.spans.size() > 1) {
        auto start = start_if_ours(top, id);
        if (!start) continue;
        if (*start != top.start_ns) {
          heap_.push_back({*start, top.part, top.trace, true});
          std::ranges::push_heap(heap_, Below{&cut_});
          continue;
        }
      }
      out.push_back(id);
    }
    return !out.empty();
  }

  // The start of the whole trace; nothing when an earlier part is to show it.
  std::optional<std::uint64_t> start_if_ours(const Candidate& candidate, const TraceId& id) const {
    std::uint64_t start = candidate.start_ns;
    for (std::uint32_t p = 0; p < cut_.spans.size(); ++p) {
      if (p == candidate.part) continue;
      std::uint32_t ref = cut_.spans[p].head->find_trace(tenant_, id);
      if (ref == Lookup::kNone) continue;
      Bounds bounds = bounds_in(cut_.spans[p], cut_.spans[p].head->trace(ref), cut_.oldest_span_ns);
      if (p < candidate.part && in_range(bounds)) return std::nullopt;
      start = std::min(start, bounds.start_ns);
    }
    return start;
  }

  const Cut& cut_;
  const TraceScan scan_;
  const exec::Context& context_;
  const std::uint32_t tenant_;
  const ColumnFiller filler_;
  std::mutex mutex_;  // guards heap_
  std::vector<Candidate> heap_;
};

}  // namespace

std::unique_ptr<TraceSource> scan_traces(const Cut& cut, TraceScan scan, const exec::Context& context) {
  auto tenant = cut.streams->find_tenant(scan.tenant);
  scan.range.start_ns = std::max(scan.range.start_ns, cut.oldest_span_ns);
  return std::make_unique<HeadTraceSource>(cut, std::move(scan), tenant, context);
}

bool read_trace(const Cut& cut, std::uint32_t tenant, const TraceId& id, SpanBatch& out) {
  out.clear();
  std::vector<SpanRef> spans;
  gather(cut, tenant, id, spans);
  Materialiser materialiser(out.resources, out.scopes, out.arena, {});
  out.spans.reserve(spans.size());
  for (const SpanRef& span : spans) out.spans.push_back(materialiser.span(span));
  return !spans.empty();
}

}  // namespace weft::storage
