#include "storage/block/span_block_writer.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/check.h"
#include "base/hash.h"
#include "storage/block/bloom.h"
#include "storage/block/id_dictionary.h"
#include "storage/block/span_row_group.h"

namespace weft::storage::block {
namespace {

// What a block may hold of one resource's or scope's attributes, or of one text beside them.
constexpr std::size_t kSharedBytesMax = std::size_t{16} << 20;

// Attributes, with how many were dropped, and the numbers of their keys.
std::vector<std::uint32_t> put_shared(Attributes attributes, std::uint32_t dropped, KeyTable& keys,
                                      std::string& out) {
  std::vector<std::uint32_t> used;
  put_attributes_of(
      attributes, dropped, kSharedBytesMax, keys, [&](std::uint32_t key) { used.push_back(key); }, out);
  return used;
}

std::string_view service_of(const Resource& resource) {
  const Value* value = find_attribute(resource.attributes, "service.name");
  return value != nullptr && value->type == Value::Type::string ? value->as_text() : std::string_view();
}

}  // namespace

SpanBlockWriter::SpanBlockWriter(Options options) : options_(options) {
  CHECK(options.segment_rows > 0 && options.segment_rows <= kPageValuesMax);
  CHECK(options.segment_bytes <= kSegmentBytesMax);
  CHECK(options.traces_per_page > 0 && options.traces_per_page <= kPageValuesMax);
}

std::uint32_t SpanBlockWriter::Shared::add(std::string bytes, std::vector<std::uint32_t> used,
                                           std::string_view service) {
  auto [at, added] = numbers.emplace(std::move(bytes), static_cast<std::uint32_t>(encoded.size()));
  if (!added) return at->second;
  encoded.push_back(&at->first);
  keys.push_back(std::move(used));
  services.push_back(service);
  return at->second;
}

std::uint32_t SpanBlockWriter::resource_number(const Resource& resource) {
  std::string bytes;
  put_text(resource.schema_url.substr(0, kSharedBytesMax), bytes);
  auto used = put_shared(resource.attributes, resource.dropped_attributes, keys_, bytes);
  return resources_.add(std::move(bytes), std::move(used), service_of(resource));
}

std::uint32_t SpanBlockWriter::scope_number(const Scope& scope) {
  std::string bytes;
  put_text(scope.name.substr(0, kSharedBytesMax), bytes);
  put_text(scope.version.substr(0, kSharedBytesMax), bytes);
  put_text(scope.schema_url.substr(0, kSharedBytesMax), bytes);
  auto used = put_shared(scope.attributes, scope.dropped_attributes, keys_, bytes);
  return scopes_.add(std::move(bytes), std::move(used), {});
}

std::uint32_t SpanBlockWriter::tenant_number(const TenantId& tenant) {
  auto [at, added] = tenant_numbers_.emplace(tenant, static_cast<std::uint32_t>(tenants_.size()));
  if (added) tenants_.push_back(tenant);
  return at->second;
}

std::uint32_t SpanBlockWriter::trace_number(std::uint32_t tenant, const TraceId& id) {
  TraceKey key{tenant, id};
  if (!traces_.empty() && key == last_key_) return last_trace_;
  auto [at, added] = trace_numbers_.emplace(key, static_cast<std::uint32_t>(traces_.size()));
  if (added) {
    Trace& trace = traces_.emplace_back();
    trace.tenant = tenant;
    trace.fragment.id = id;
  }
  last_key_ = key;
  last_trace_ = at->second;
  return last_trace_;
}

void SpanBlockWriter::add(const TenantId& tenant, const SpanBatch& batch, Arrival arrival) {
  if (batch.spans.empty()) return;
  std::uint32_t number = tenant_number(tenant);
  std::vector<std::uint32_t> resources;
  for (const Resource& resource : batch.resources) resources.push_back(resource_number(resource));
  std::vector<std::uint32_t> scopes;
  for (const Scope& scope : batch.scopes) scopes.push_back(scope_number(scope));
  for (const Span& span : batch.spans) {
    CHECK(span.resource < resources.size() && span.scope < scopes.size());
    std::uint32_t trace = trace_number(number, span.trace_id);
    traces_[trace].late |= arrival == Arrival::late;
    ++traces_[trace].fragment.spans;
    pending_.push_back({{&span, resources[span.resource], scopes[span.scope]}, trace});
  }
}

// Fills rows_ by trace, in the order of arrival.
void SpanBlockWriter::group_rows() {
  std::size_t first = 0;
  for (Trace& trace : traces_) {
    trace.first = first;
    first += trace.fragment.spans;
    trace.fragment.spans = 0;
  }
  rows_.resize(first);
  for (const Pending& pending : pending_) {
    Trace& trace = traces_[pending.trace];
    rows_[trace.first + trace.fragment.spans++] = pending.row;
  }
  pending_ = {};
}

void SpanBlockWriter::order_traces(Summary& summary) {
  descendants_.resize(rows_.size());
  TraceOrder order;
  std::vector<SpanRow> rows;
  summary.start_min_ns = std::numeric_limits<std::uint64_t>::max();
  for (Trace& trace : traces_) {
    TraceFragment& fragment = trace.fragment;
    auto from = rows_.begin() + static_cast<std::ptrdiff_t>(trace.first);
    rows.assign(from, from + fragment.spans);
    auto found = order.order(rows);
    std::ranges::copy(rows, from);
    std::ranges::copy(order.descendants(), descendants_.begin() + static_cast<std::ptrdiff_t>(trace.first));
    fragment.spans = static_cast<std::uint32_t>(rows.size());
    fragment.start_ns = std::numeric_limits<std::uint64_t>::max();
    for (const SpanRow& row : rows) {
      fragment.start_ns = std::min(fragment.start_ns, row.span->start_ns);
      fragment.end_ns = std::max({fragment.end_ns, row.span->start_ns, row.span->end_ns});
      fragment.errors += row.span->status == SpanStatus::error ? 1 : 0;
    }
    if (found.has_root) fragment.flags |= TraceFragment::kHasRoot;
    if (found.all_parents_resolved) fragment.flags |= TraceFragment::kParentsResolved;
    if (trace.late) fragment.flags |= TraceFragment::kLate;
    trace.root = {resources_.services[rows[0].resource], rows[0].span->name};
    summary.duplicates += found.duplicates;
    summary.spans += rows.size();
    summary.start_min_ns = std::min(summary.start_min_ns, fragment.start_ns);
    summary.end_max_ns = std::max(summary.end_max_ns, fragment.end_ns);
  }
  summary.traces = traces_.size();
}

// Numbers slices of time: a new one begins after slice_rows spans.
void SpanBlockWriter::cut_slices(std::vector<std::uint32_t>& order) {
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const Trace& x = traces_[a];
    const Trace& y = traces_[b];
    return std::tie(tenants_[x.tenant], x.fragment.start_ns, x.fragment.id) <
           std::tie(tenants_[y.tenant], y.fragment.start_ns, y.fragment.id);
  });
  std::uint32_t slice = 0;
  std::size_t rows = 0;
  for (std::uint32_t number : order) {
    Trace& trace = traces_[number];
    if (rows >= options_.slice_rows) {
      ++slice;
      rows = 0;
    }
    rows += trace.fragment.spans;
    trace.slice = slice;
  }
}

std::vector<std::uint32_t> SpanBlockWriter::sorted_traces() {
  std::vector<std::uint32_t> order(traces_.size());
  std::iota(order.begin(), order.end(), 0U);
  cut_slices(order);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const Trace& x = traces_[a];
    const Trace& y = traces_[b];
    if (x.tenant != y.tenant) return tenants_[x.tenant] < tenants_[y.tenant];
    if (x.slice != y.slice) return x.slice < y.slice;
    if (int c = x.root.service.compare(y.root.service); c != 0) return c < 0;
    if (int c = x.root.name.compare(y.root.name); c != 0) return c < 0;
    return std::tie(x.fragment.start_ns, x.fragment.id) < std::tie(y.fragment.start_ns, y.fragment.id);
  });
  return order;
}

// Keys of the resources and scopes of a trace.
void SpanBlockWriter::note_keys(const Trace& trace, KeyUse& use) {
  std::uint32_t resource = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t scope = resource;
  for (std::size_t i = trace.first; i < trace.first + trace.fragment.spans; ++i) {
    const SpanRow& row = rows_[i];
    if (row.resource != resource)
      for (std::uint32_t key : resources_.keys[row.resource]) use.add(AttributeScope::resource, key);
    if (row.scope != scope)
      for (std::uint32_t key : scopes_.keys[row.scope]) use.add(AttributeScope::instrumentation, key);
    resource = row.resource;
    scope = row.scope;
  }
}

// Row groups end with a tenant: a tenant's keys and columns are its own.
Result<void> SpanBlockWriter::write_spans(std::span<const std::uint32_t> order, BlockWriter& block) {
  RowGroupWriter group(keys_, options_.segment_rows, options_.segment_bytes, zstd_);
  KeyUse use;
  std::string pages;
  auto end_group = [&]() -> Result<void> {
    if (group.rows() == 0) return {};
    pages.clear();
    std::uint64_t offset = block.section_bytes();
    RowGroup& encoded = directory_.groups.emplace_back(TRY(group.encode(use, pages)));
    encoded.first_row = directory_.rows;
    encoded.offset = offset;
    directory_.rows += encoded.rows;
    return block.append(pages);
  };
  auto end_tenant = [&]() -> Result<void> {
    TRY(end_group());
    if (!directory_.tenants.empty()) directory_.tenants.back().keys = use.take();
    return {};
  };
  std::uint32_t tenant = std::numeric_limits<std::uint32_t>::max();
  for (std::uint32_t number : order) {
    Trace& trace = traces_[number];
    std::span<const SpanRow> rows(rows_.data() + trace.first, trace.fragment.spans);
    if (trace.tenant != tenant) {
      TRY(end_tenant());
      tenant = trace.tenant;
      directory_.tenants.push_back({tenants_[tenant], directory_.traces, 0, {}});
    } else if (group.rows() + rows.size() > options_.row_group_rows ||
               group.raw_bytes() + RowGroupWriter::raw_bytes_of(rows) > options_.row_group_bytes) {
      TRY(end_group());
    }
    trace.fragment.first_row = directory_.rows + static_cast<std::uint32_t>(group.rows());
    group.add_trace(rows, std::span(descendants_).subspan(trace.first, rows.size()), trace.fragment.start_ns);
    note_keys(trace, use);
    ++directory_.traces;
    ++directory_.tenants.back().traces;
  }
  return end_tenant();
}

Result<void> SpanBlockWriter::write_trace_table(std::span<const std::uint32_t> order, BlockWriter& block) {
  TracePageWriter page(options_.traces_per_page, zstd_);
  std::string bytes;
  auto end_page = [&]() -> Result<void> {
    bytes.clear();
    directory_.trace_pages.push_back(TRY(page.encode(bytes)));
    return block.append(bytes);
  };
  for (std::uint32_t number : order) {
    if (page.is_full()) TRY(end_page());
    page.add(traces_[number].fragment, traces_[number].root);
  }
  if (!page.is_empty()) TRY(end_page());
  return {};
}

// The posting of an id: which traces of the table have it, one for each tenant.
Result<void> SpanBlockWriter::write_ids(std::span<const std::uint32_t> order, BlockWriter& block) {
  std::vector<std::pair<TraceId, std::uint32_t>> ids;
  ids.reserve(order.size());
  for (std::uint32_t at = 0; at < order.size(); ++at) ids.emplace_back(traces_[order[at]].fragment.id, at);
  std::ranges::sort(ids);
  BloomBuilder filter(ids.size());
  IdDictionaryWriter dictionary;
  std::string pages;
  std::vector<std::uint32_t> postings;
  block.begin(kTraceIds);
  for (std::size_t i = 0; i < ids.size();) {
    const TraceId& id = ids[i].first;
    postings.clear();
    for (; i < ids.size() && ids[i].first == id; ++i) postings.push_back(ids[i].second);
    TRY(dictionary.add(id, postings, pages));
    filter.insert(hash64({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}));
    if (pages.size() < kPageBytesMax) continue;
    TRY(block.append(pages));
    pages.clear();
  }
  TRY(dictionary.finish(pages));
  TRY(block.append(pages));
  block.end();
  TRY(block.add_whole(kTraceIdIndex, dictionary.index()));
  pages.clear();
  filter.append_to(pages);
  block.begin(kTraceIdFilter);
  TRY(block.append(pages));
  block.end();
  return {};
}

// Keys, resources, scopes: how many, then each.
std::string SpanBlockWriter::encode_resources() const {
  std::string out;
  put_varint(out, keys_.keys().size());
  for (std::string_view key : keys_.keys()) put_text(key, out);
  for (const Shared* shared : {&resources_, &scopes_}) {
    put_varint(out, shared->encoded.size());
    for (const std::string* bytes : shared->encoded) out += *bytes;
  }
  return out;
}

Result<SpanBlockWriter::Summary> SpanBlockWriter::finish(ObjectWriter& out) {
  if (pending_.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(Code::invalid_argument,
                 "a block of " + std::to_string(pending_.size()) + " spans, limit is 2^32 - 1");
  if (pending_.empty()) return Error(Code::invalid_argument, "a block needs at least one span");
  Summary summary;
  group_rows();
  order_traces(summary);
  std::vector<std::uint32_t> order = sorted_traces();
  BlockWriter block(BlockKind::spans, out);
  block.begin(kSpanPages);
  TRY(write_spans(order, block));
  block.end();
  block.begin(kTraceTable);
  TRY(write_trace_table(order, block));
  block.end();
  TRY(write_ids(order, block));
  TRY(block.add_whole(kResources, encode_resources()));
  TRY(block.add_whole(kSpanDirectory, directory_.encode()));
  summary.extent = TRY(block.finish({}));
  return summary;
}

}  // namespace weft::storage::block
