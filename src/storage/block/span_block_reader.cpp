#include "storage/block/span_block_reader.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/hash.h"
#include "storage/block/bloom.h"
#include "storage/block/span_values.h"
#include "storage/head/span_head.h"

namespace weft::storage::block {
namespace {

// A slice of time and what overlaps its ends, in segments of the usual size.
constexpr std::size_t kScanSegments = 32;
constexpr std::size_t kTakeTraces = 64;
constexpr std::size_t kBatchSpans = 2048;

Error corrupted(std::string what) {
  return Error(Code::corrupted, std::move(what));
}

Result<std::size_t> take_count(ByteReader& reader, std::size_t item_bytes) {
  std::uint64_t count = TRY(reader.varint());
  if (count > reader.rest().size() / item_bytes)
    return corrupted(std::to_string(count) + " items in " + std::to_string(reader.rest().size()) + " bytes");
  return static_cast<std::size_t>(count);
}

// A span without duration still lies at its start.
bool overlaps(const Span& span, TimeRange range) {
  std::int64_t start = event_time(span.start_ns);
  std::int64_t end = event_time(std::max(span.start_ns, span.end_ns));
  return start < range.end_ns && (end > range.start_ns || (start == end && start == range.start_ns));
}

bool may_overlap(std::uint64_t start_ns, std::uint64_t end_ns, TimeRange range) {
  return event_time(start_ns) < range.end_ns && event_time(end_ns) >= range.start_ns;
}

// The newest on top; ties by id, smallest first.
bool below(const TraceFragment& a, const TraceFragment& b) {
  if (a.start_ns != b.start_ns) return a.start_ns < b.start_ns;
  return b.id < a.id;
}

std::uint64_t filter_hash(const TraceId& id) {
  return hash64({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}

// The place of a resource or scope in a list that it is added to when first met.
template <class T>
std::uint32_t local(std::unordered_map<std::uint32_t, std::uint32_t>& numbers, std::vector<T>& list,
                    std::uint32_t number, const T& item) {
  auto [at, added] = numbers.emplace(number, static_cast<std::uint32_t>(list.size()));
  if (added) list.push_back(item);
  return at->second;
}

Result<std::uint32_t> take_dropped(ByteReader& reader) {
  std::uint64_t value = TRY(reader.varint());
  if (value > std::numeric_limits<std::uint32_t>::max())
    return corrupted(std::to_string(value) + " dropped attributes");
  return static_cast<std::uint32_t>(value);
}

}  // namespace

SegmentCache::Segment SegmentCache::find(std::size_t group, std::size_t segment) {
  std::uint64_t key = static_cast<std::uint64_t>(group) << 32 | segment;
  std::lock_guard lock(mutex_);
  auto at = std::ranges::find(entries_, key, &Entry::key);
  if (at == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at);
  return at->segment;
}

void SegmentCache::keep(std::size_t group, std::size_t segment, Segment what) {
  std::uint64_t key = static_cast<std::uint64_t>(group) << 32 | segment;
  std::lock_guard lock(mutex_);
  entries_.push_front({key, std::move(what)});
  if (entries_.size() > segments_max_) entries_.pop_back();
}

Result<std::shared_ptr<const SpanBlockReader>> SpanBlockReader::open(
    std::shared_ptr<const BlockSource> source) {
  // Not inside the new-expression: TRY returns from there, and what was allocated would be lost.
  BlockFile file = TRY(BlockFile::open(std::move(source), BlockKind::spans));
  std::shared_ptr<SpanBlockReader> reader(new SpanBlockReader(std::move(file)));
  if (auto done = reader->load(); !done) return done.error().in_context(reader->name());
  return std::shared_ptr<const SpanBlockReader>(std::move(reader));
}

Result<void> SpanBlockReader::load() {
  const Section* pages = file_.find(kSpanPages);
  const Section* traces = file_.find(kTraceTable);
  if (pages == nullptr || traces == nullptr) return corrupted("no pages of spans or no trace table");
  resources_bytes_ = TRY(file_.whole(kResources));
  if (auto done = load_resources(); !done) return done.error().in_context("resources");
  directory_ =
      TRY(SpanDirectory::decode(TRY(file_.whole(kSpanDirectory)), keys_.size(), pages->bytes, traces->bytes));
  ids_ = TRY(IdIndex::open(TRY(file_.whole(kTraceIdIndex))));
  file_.drop_end();
  return {};
}

Result<void> SpanBlockReader::load_resources() {
  ByteReader reader(resources_bytes_);
  std::size_t keys = TRY(take_count(reader, 1));
  for (std::size_t i = 0; i < keys; ++i) {
    keys_.push_back(TRY(take_text(reader)));
    key_numbers_.emplace(keys_.back(), static_cast<std::uint32_t>(i));
  }
  resources_.resize(TRY(take_count(reader, 3)));
  for (Resource& resource : resources_) {
    resource.schema_url = TRY(take_text(reader));
    resource.dropped_attributes = TRY(take_dropped(reader));
    resource.attributes = TRY(take_attributes(reader, keys_, arena_));
  }
  scopes_.resize(TRY(take_count(reader, 5)));
  for (Scope& scope : scopes_) {
    scope.name = TRY(take_text(reader));
    scope.version = TRY(take_text(reader));
    scope.schema_url = TRY(take_text(reader));
    scope.dropped_attributes = TRY(take_dropped(reader));
    scope.attributes = TRY(take_attributes(reader, keys_, arena_));
  }
  if (resources_.empty() || scopes_.empty()) return corrupted("none, or no scopes");
  return reader.expect_end();
}

Result<bool> SpanBlockReader::may_have(const TraceId& id) const {
  std::shared_ptr<const std::string> bytes;
  {
    std::lock_guard lock(filter_mutex_);
    bytes = filter_;
  }
  if (bytes == nullptr) {
    bytes = std::make_shared<const std::string>(TRY(file_.all_parts(kTraceIdFilter)));
    auto checked = BloomFilter::open(*bytes);
    if (!checked) return checked.error().in_context(name() + ": filter of trace ids");
    std::lock_guard lock(filter_mutex_);
    filter_ = bytes;
  }
  // Checked when it was read.
  std::string_view buckets = std::string_view(*bytes).substr(kBloomHeaderBytes);
  std::uint64_t hash = filter_hash(id);
  std::size_t bucket = bloom_bucket(hash, buckets.size() / kBloomBucketBytes);
  return bloom_bucket_may_contain(buckets.data() + bucket * kBloomBucketBytes, hash);
}

Result<std::optional<TraceFragment>> SpanBlockReader::fragment_of(
    const BlockTenant& tenant, const TraceId& id, std::span<const std::uint32_t> traces) const {
  for (std::uint32_t trace : traces) {
    if (trace < tenant.first_trace || trace - tenant.first_trace >= tenant.traces) continue;
    auto after = std::ranges::upper_bound(directory_.trace_pages, trace, {}, &TracePage::first_trace);
    const TracePage& page = *std::prev(after);  // the first page begins at 0
    auto fragments = TRY(read_trace_page(file_, page, directory_.rows));
    const TraceFragment& found = fragments[trace - page.first_trace];
    if (found.id != id) return corrupted(name() + ": trace ids: another trace at " + std::to_string(trace));
    return std::optional(found);
  }
  return std::optional<TraceFragment>();
}

Result<std::optional<TraceFragment>> SpanBlockReader::find(const TenantId& tenant, const TraceId& id) const {
  const BlockTenant* of = directory_.tenant(tenant);
  if (of == nullptr || !TRY(may_have(id))) return std::optional<TraceFragment>();
  auto number = ids_.page_of(id);
  if (!number) return std::optional<TraceFragment>();
  const IdIndex::Page& where = ids_.page(*number);
  ByteRange range{where.offset, where.bytes};
  std::vector<std::string> bytes = TRY(file_.parts(kTraceIds, {&range, 1}));
  std::vector<std::uint32_t> traces;
  auto look = [&]() -> Result<void> {
    IdPage page = TRY(IdPage::open(bytes[0]));
    if (page.size() != where.ids) return corrupted("ids are not as many as the index says");
    if (auto at = page.find(id)) TRY(page.postings(*at, traces));
    return {};
  };
  if (auto done = look(); !done) return done.error().in_context(name() + ": trace ids");
  return fragment_of(*of, id, traces);
}

Result<SegmentCache::Segment> SpanBlockReader::segment(std::size_t group, std::size_t segment,
                                                       const SpanDetail& detail, SegmentCache& cache) const {
  if (auto found = cache.find(group, segment)) return found;
  auto read = TRY(
      SpanSegment::read(file_, directory_, group, segment, keys_, resources_.size(), scopes_.size(), detail));
  cache.keep(group, segment, read);
  return read;
}

// Rows of the fragment with what depends on the rows before them, by (start, span id).
Result<std::vector<SpanBlockReader::Placed>> SpanBlockReader::place(const TraceFragment& fragment,
                                                                    const SpanDetail& detail,
                                                                    SegmentCache& cache) const {
  struct Ancestor {
    std::uint64_t end;
    std::uint64_t start_ns;
    SpanId id;
  };
  auto after = std::ranges::upper_bound(directory_.groups, fragment.first_row, {}, &RowGroup::first_row);
  auto group = static_cast<std::size_t>(after - directory_.groups.begin()) - 1;
  std::uint32_t row = fragment.first_row - directory_.groups[group].first_row;
  std::size_t number = 0;
  while (row >= directory_.groups[group].segment_rows[number])
    row -= directory_.groups[group].segment_rows[number++];
  std::vector<Placed> out;
  std::vector<Ancestor> path;
  while (out.size() < fragment.spans) {
    if (number == directory_.groups[group].segments())
      return corrupted(name() + ": row group " + std::to_string(group) + ": ends within a trace");
    auto rows = TRY(segment(group, number++, detail, cache));
    for (; row < rows->rows() && out.size() < fragment.spans; ++row) {
      std::uint64_t at = out.size();
      while (!path.empty() && path.back().end <= at) path.pop_back();
      std::uint64_t end = at + 1 + rows->descendants(row);
      if (end > (path.empty() ? fragment.spans : path.back().end))
        return corrupted(name() + ": row group " + std::to_string(group) +
                         ": column descendants: " + std::to_string(end) + " is outside of the parent");
      Placed& placed = out.emplace_back();
      placed.segment = rows;
      placed.row = row;
      placed.number = static_cast<std::uint32_t>(at);
      placed.start_ns = rows->start(row) + (path.empty() ? fragment.start_ns : path.back().start_ns);
      placed.id = rows->id(row);
      placed.parent_id = path.empty() ? rows->outer_parent(row) : path.back().id;
      path.push_back({end, placed.start_ns, placed.id});
    }
    row = 0;
  }
  auto key = [](const Placed& p) { return std::tie(p.start_ns, p.id, p.number); };
  if (!std::ranges::is_sorted(out, {}, key)) std::ranges::sort(out, {}, key);
  return out;
}

Result<Span> SpanBlockReader::span_of(const TraceFragment& fragment, const Placed& placed,
                                      const SpanDetail& detail, Arena& arena) const {
  Span span;
  span.trace_id = fragment.id;
  span.span_id = placed.id;
  span.parent_id = placed.parent_id;
  span.start_ns = placed.start_ns;
  TRY(placed.segment->fill(placed.row, detail, arena, span));
  return span;
}

Result<bool> SpanBlockReader::trace(const TenantId& tenant, const TraceId& id, SpanBatch& out) const {
  out.clear();
  auto fragment = TRY(find(tenant, id));
  if (!fragment) return false;
  SpanDetail detail{.attributes = true, .events = true, .links = true, .keys = {}};
  SegmentCache cache(1);
  auto placed = TRY(place(*fragment, detail, cache));
  Numbers numbers;
  out.spans.reserve(placed.size());
  for (const Placed& at : placed) {
    Span span = TRY(span_of(*fragment, at, detail, out.arena));
    span.resource = local(numbers.resources, out.resources, span.resource, resources_[span.resource]);
    span.scope = local(numbers.scopes, out.scopes, span.scope, scopes_[span.scope]);
    out.spans.push_back(span);
  }
  return true;
}

std::vector<AttributeKey> SpanBlockReader::attribute_keys(const TenantId& tenant) const {
  std::vector<AttributeKey> out;
  const BlockTenant* of = directory_.tenant(tenant);
  if (of == nullptr) return out;
  for (const BlockTenant::Key& key : of->keys) out.push_back({key.scope, std::string(keys_[key.key])});
  std::ranges::sort(out);
  return out;
}

SpanBlockReader::Projection SpanBlockReader::project(const TraceScan& scan) const {
  Projection out;
  out.detail = {.attributes = scan.all_attributes, .events = scan.events, .links = scan.links, .keys = {}};
  for (const AttributeKey& wanted : scan.columns) {
    Projection::Column& column = out.columns.emplace_back();
    column.scope = wanted.scope;
    auto value_in = [&](Attributes attributes) {
      const Value* value = find_attribute(attributes, wanted.key);
      return value == nullptr ? Value() : *value;
    };
    if (wanted.scope == AttributeScope::resource) {
      for (const Resource& resource : resources_) column.values.push_back(value_in(resource.attributes));
    } else if (wanted.scope == AttributeScope::instrumentation) {
      for (const Scope& scope : scopes_) column.values.push_back(value_in(scope.attributes));
    } else if (auto at = key_numbers_.find(wanted.key); at != key_numbers_.end()) {
      column.key = at->second;
      out.detail.keys.push_back(at->second);
    }
  }
  return out;
}

Result<void> SpanBlockReader::append(const TraceFragment& fragment, const Projection& projection,
                                     SegmentCache& cache, Numbers& numbers, TraceRows& rows) const {
  auto placed = TRY(place(fragment, projection.detail, cache));
  rows.columns.resize(projection.columns.size());
  for (const Placed& at : placed) {
    Span span = TRY(span_of(fragment, at, projection.detail, rows.arena));
    for (std::size_t c = 0; c < projection.columns.size(); ++c) {
      const Projection::Column& column = projection.columns[c];
      Value value;
      if (column.scope == AttributeScope::resource) {
        value = column.values[span.resource];
      } else if (column.scope == AttributeScope::instrumentation) {
        value = column.values[span.scope];
      } else if (column.key) {
        value = TRY(at.segment->attribute(at.row, *column.key, rows.arena));
      }
      rows.columns[c].push_back(value);
    }
    span.resource = local(numbers.resources, rows.resources, span.resource, resources_[span.resource]);
    span.scope = local(numbers.scopes, rows.scopes, span.scope, scopes_[span.scope]);
    rows.spans.push_back(span);
  }
  return {};
}

std::unique_ptr<SpanFragments> SpanBlockReader::fragments(const TenantId& tenant, TimeRange range) const {
  return std::unique_ptr<SpanFragments>(new SpanFragments(*this, directory_.tenant(tenant), range));
}

SpanFragments::SpanFragments(const SpanBlockReader& reader, const BlockTenant* tenant, TimeRange range)
    : reader_(reader), tenant_(tenant), range_(range) {
  if (tenant == nullptr || range.empty()) return;
  std::uint64_t end = std::uint64_t{tenant->first_trace} + tenant->traces;
  for (const TracePage& page : reader.directory_.trace_pages) {
    if (page.first_trace >= end || std::uint64_t{page.first_trace} + page.traces <= tenant->first_trace)
      continue;
    if (may_overlap(page.start_min, page.end_max, range)) pages_.push_back(&page);
  }
  std::ranges::sort(pages_, {}, [](const TracePage* page) { return page->start_max; });
}

Result<std::optional<TraceFragment>> SpanFragments::next() {
  while (!pages_.empty() && (heap_.empty() || pages_.back()->start_max >= heap_.front().start_ns)) {
    const TracePage& page = *pages_.back();
    auto fragments = TRY(read_trace_page(reader_.file_, page, reader_.directory_.rows));
    pages_.pop_back();
    for (std::size_t i = 0; i < fragments.size(); ++i) {
      std::uint64_t trace = page.first_trace + i;
      if (trace < tenant_->first_trace || trace - tenant_->first_trace >= tenant_->traces) continue;
      if (!may_overlap(fragments[i].start_ns, fragments[i].end_ns, range_)) continue;
      heap_.push_back(fragments[i]);
      std::ranges::push_heap(heap_, below);
    }
  }
  if (heap_.empty()) return std::optional<TraceFragment>();
  std::ranges::pop_heap(heap_, below);
  TraceFragment top = heap_.back();
  heap_.pop_back();
  return std::optional(top);
}

namespace {

class BlockTraceSource final : public TraceSource {
 public:
  BlockTraceSource(const SpanBlockReader& reader, TraceScan scan, const exec::Context& context)
      : reader_(reader),
        scan_(std::move(scan)),
        context_(context),
        projection_(reader.project(scan_)),
        cache_(kScanSegments),
        fragments_(reader.fragments(scan_.tenant, scan_.range)) {}

  Result<bool> next(TraceRows& rows) override {
    rows.traces.clear();
    rows.spans.clear();
    rows.resources.clear();
    rows.scopes.clear();
    rows.arena.clear();
    rows.columns.resize(scan_.columns.size());
    for (auto& column : rows.columns) column.clear();
    SpanBlockReader::Numbers numbers;
    std::vector<TraceFragment> taken;
    while (rows.spans.size() < kBatchSpans) {
      TRY(context_.check());
      TRY(take(taken));
      if (taken.empty()) break;
      for (const TraceFragment& fragment : taken) {
        std::size_t first = rows.spans.size();
        TRY(reader_.append(fragment, projection_, cache_, numbers, rows));
        bool hit = std::any_of(rows.spans.begin() + static_cast<std::ptrdiff_t>(first), rows.spans.end(),
                               [&](const Span& span) { return overlaps(span, scan_.range); });
        if (!hit) {
          rows.spans.resize(first);
          for (auto& column : rows.columns) column.resize(first);
          continue;
        }
        rows.traces.push_back({fragment.id, static_cast<std::uint32_t>(first), fragment.spans});
      }
    }
    return !rows.traces.empty();
  }

 private:
  // The next few traces, of about half a batch; none: no more.
  Result<void> take(std::vector<TraceFragment>& out) {
    out.clear();
    std::size_t spans = 0;
    std::lock_guard lock(mutex_);
    while (out.size() < kTakeTraces && spans < kBatchSpans / 2) {
      auto fragment = TRY(fragments_->next());
      if (!fragment) break;
      spans += fragment->spans;
      out.push_back(*fragment);
    }
    return {};
  }

  const SpanBlockReader& reader_;
  const TraceScan scan_;
  const exec::Context& context_;
  const SpanBlockReader::Projection projection_;
  SegmentCache cache_;
  std::mutex mutex_;  // guards fragments_
  const std::unique_ptr<SpanFragments> fragments_;
};

}  // namespace

std::unique_ptr<TraceSource> SpanBlockReader::traces(TraceScan scan, const exec::Context& context) const {
  return std::make_unique<BlockTraceSource>(*this, std::move(scan), context);
}

}  // namespace weft::storage::block
