#include "storage/block/span_directory.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/bytes.h"
#include "storage/block/page.h"
#include "storage/block/span_values.h"

namespace weft::storage::block {
namespace {

constexpr std::array<std::string_view, 21> kNames{
    "span id",        "parent id",     "descendants", "start",          "duration",
    "name",           "kind",          "status",      "flags",          "dropped attributes",
    "dropped events", "dropped links", "trace state", "status message", "resource",
    "scope",          "events",        "links",       "rest",           "order",
    "attribute"};

Error corrupted(std::string what) {
  return Error(Code::corrupted, "directory: " + what);
}

Result<std::uint32_t> take_u32(ByteReader& reader) {
  std::uint64_t value = TRY(reader.varint());
  if (value > std::numeric_limits<std::uint32_t>::max())
    return corrupted("number " + std::to_string(value) + " above 32 bits");
  return static_cast<std::uint32_t>(value);
}

// A count of items that take at least `item_bytes` each: no more memory than a multiple of the bytes.
Result<std::size_t> take_count(ByteReader& reader, std::size_t item_bytes) {
  std::uint64_t count = TRY(reader.varint());
  if (count > reader.rest().size() / item_bytes)
    return corrupted(std::to_string(count) + " items in " + std::to_string(reader.rest().size()) + " bytes");
  return static_cast<std::size_t>(count);
}

void put_group(const RowGroup& group, std::string& out) {
  put_varint(out, group.rows);
  put_varint(out, group.start_min);
  put_varint(out, group.start_max);
  put_varint(out, group.segments());
  for (std::uint32_t rows : group.segment_rows) put_varint(out, rows);
  put_varint(out, group.columns.size());
  for (const ColumnId& id : group.columns) {
    out += static_cast<char>(id.column);
    if (id.column != SpanColumn::attribute) continue;
    put_varint(out, id.key);
    out += static_cast<char>(id.type);
  }
  for (std::uint32_t bytes : group.chunk_bytes) put_varint(out, bytes);
  put_varint(out, group.rest_keys.size());
  for (std::uint32_t key : group.rest_keys) put_varint(out, key);
}

Result<ColumnId> take_column(ByteReader& reader, std::size_t keys) {
  ColumnId id;
  auto number = TRY(reader.fixed<std::uint8_t>());
  if (number > static_cast<std::uint8_t>(SpanColumn::attribute))
    return corrupted("column " + std::to_string(number));
  id.column = static_cast<SpanColumn>(number);
  if (id.column != SpanColumn::attribute) return id;
  id.key = TRY(take_u32(reader));
  auto type = TRY(reader.fixed<std::uint8_t>());
  if (id.key >= keys) return corrupted("key " + std::to_string(id.key) + " of " + std::to_string(keys));
  if (type == 0 || type > static_cast<std::uint8_t>(Value::Type::map))
    return corrupted("attribute of type " + std::to_string(type));
  id.type = static_cast<Value::Type>(type);
  return id;
}

bool has_every_column(const RowGroup& group) {
  auto has = [&](SpanColumn column) {
    return std::ranges::count(group.columns, column, &ColumnId::column) == 1;
  };
  for (unsigned column = 0; column <= static_cast<unsigned>(SpanColumn::scope); ++column)
    if (column != static_cast<unsigned>(SpanColumn::parent_id) && !has(static_cast<SpanColumn>(column)))
      return false;
  std::vector<ColumnId> sorted = group.columns;
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) == sorted.end();
}

Result<RowGroup> take_group(ByteReader& reader, std::size_t keys) {
  RowGroup group;
  group.rows = TRY(take_u32(reader));
  group.start_min = TRY(reader.varint());
  group.start_max = TRY(reader.varint());
  group.segment_rows.resize(TRY(take_count(reader, 1)));
  std::uint64_t rows = 0;
  for (std::uint32_t& segment : group.segment_rows) {
    segment = TRY(take_u32(reader));
    if (segment == 0 || segment > kPageValuesMax)
      return corrupted("segment of " + std::to_string(segment) + " rows");
    rows += segment;
  }
  if (rows != group.rows || rows == 0)
    return corrupted("segments of " + std::to_string(rows) + " rows in a row group of " +
                     std::to_string(group.rows));
  group.columns.resize(TRY(take_count(reader, 1)));
  if (group.columns.size() > kAttributeColumnsMax + static_cast<std::size_t>(SpanColumn::attribute))
    return corrupted(std::to_string(group.columns.size()) + " columns");
  for (ColumnId& id : group.columns) id = TRY(take_column(reader, keys));
  if (!has_every_column(group)) return corrupted("a column is missing or twice there");
  std::size_t chunks = group.columns.size() * group.segments();
  if (chunks > reader.rest().size()) return corrupted(std::to_string(chunks) + " chunks");
  group.chunk_bytes.resize(chunks);
  group.chunk_offsets.resize(chunks);
  for (std::size_t i = 0; i < chunks; ++i) {
    group.chunk_bytes[i] = TRY(take_u32(reader));
    group.chunk_offsets[i] = group.bytes;
    group.bytes += group.chunk_bytes[i];
  }
  group.rest_keys.resize(TRY(take_count(reader, 1)));
  for (std::uint32_t& key : group.rest_keys) key = TRY(take_u32(reader));
  if (!std::ranges::is_sorted(group.rest_keys)) return corrupted("keys of the rest are not sorted");
  return group;
}

void put_trace_page(const TracePage& page, std::string& out) {
  put_varint(out, page.traces);
  put_varint(out, page.first_row);
  put_varint(out, page.start_min);
  put_varint(out, page.start_max);
  put_varint(out, page.end_max);
  for (std::uint32_t bytes : page.chunk_bytes) put_varint(out, bytes);
}

Result<TracePage> take_trace_page(ByteReader& reader) {
  TracePage page;
  page.traces = TRY(take_u32(reader));
  page.first_row = TRY(take_u32(reader));
  page.start_min = TRY(reader.varint());
  page.start_max = TRY(reader.varint());
  page.end_max = TRY(reader.varint());
  for (std::uint32_t& bytes : page.chunk_bytes) bytes = TRY(take_u32(reader));
  if (page.traces == 0 || page.traces > kPageValuesMax)
    return corrupted("page of " + std::to_string(page.traces) + " traces");
  return page;
}

void put_tenant(const BlockTenant& tenant, std::string& out) {
  put_text(tenant.name, out);
  put_varint(out, tenant.traces);
  put_varint(out, tenant.keys.size());
  for (const BlockTenant::Key& key : tenant.keys) {
    out += static_cast<char>(key.scope);
    put_varint(out, key.key);
  }
}

Result<BlockTenant> take_tenant(ByteReader& reader, std::size_t keys) {
  BlockTenant tenant;
  tenant.name = TRY(take_text(reader));
  tenant.traces = TRY(take_u32(reader));
  tenant.keys.resize(TRY(take_count(reader, 2)));
  for (BlockTenant::Key& key : tenant.keys) {
    auto scope = TRY(reader.fixed<std::uint8_t>());
    key.key = TRY(take_u32(reader));
    if (scope > static_cast<std::uint8_t>(AttributeScope::link) || key.key >= keys)
      return corrupted("key " + std::to_string(key.key) + " of scope " + std::to_string(scope));
    key.scope = static_cast<AttributeScope>(scope);
  }
  return tenant;
}

// Adds up; a sum that leaves its type or `limit` is damage.
template <class T>
Result<void> add_up(T& sum, std::uint64_t more, std::uint64_t limit, const char* what) {
  if (more > limit || sum > limit - more)
    return corrupted(std::string(what) + " make more than " + std::to_string(limit));
  sum = static_cast<T>(sum + more);
  return {};
}

}  // namespace

std::string column_name(const ColumnId& id, std::span<const std::string_view> keys) {
  if (id.column != SpanColumn::attribute) return std::string(kNames[static_cast<std::size_t>(id.column)]);
  return "attribute " + (id.key < keys.size() ? std::string(keys[id.key]) : std::to_string(id.key));
}

std::string SpanDirectory::encode() const {
  std::string out;
  put_varint(out, groups.size());
  for (const RowGroup& group : groups) put_group(group, out);
  put_varint(out, trace_pages.size());
  for (const TracePage& page : trace_pages) put_trace_page(page, out);
  put_varint(out, tenants.size());
  for (const BlockTenant& tenant : tenants) put_tenant(tenant, out);
  return out;
}

Result<SpanDirectory> SpanDirectory::decode(std::string_view bytes, std::size_t keys,
                                            std::uint64_t span_bytes, std::uint64_t trace_bytes) {
  constexpr std::uint64_t kRowsMax = std::numeric_limits<std::uint32_t>::max();
  SpanDirectory directory;
  ByteReader reader(bytes);
  std::size_t groups = TRY(take_count(reader, 20));
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < groups; ++i) {
    RowGroup group = TRY(take_group(reader, keys));
    group.first_row = directory.rows;
    group.offset = offset;
    TRY(add_up(directory.rows, group.rows, kRowsMax, "rows"));
    TRY(add_up(offset, group.bytes, span_bytes, "bytes of row groups"));
    directory.groups.push_back(std::move(group));
  }
  std::size_t pages = TRY(take_count(reader, 5 + kTraceColumns));
  offset = 0;
  for (std::size_t i = 0; i < pages; ++i) {
    TracePage page = TRY(take_trace_page(reader));
    page.first_trace = directory.traces;
    page.offset = offset;
    if (page.first_row >= directory.rows)
      return corrupted("traces from row " + std::to_string(page.first_row) + " of " +
                       std::to_string(directory.rows));
    TRY(add_up(directory.traces, page.traces, kRowsMax, "traces"));
    for (std::uint32_t chunk : page.chunk_bytes)
      TRY(add_up(offset, chunk, trace_bytes, "bytes of the trace table"));
    directory.trace_pages.push_back(page);
  }
  std::size_t tenants = TRY(take_count(reader, 3));
  std::uint32_t traces = 0;
  for (std::size_t i = 0; i < tenants; ++i) {
    BlockTenant tenant = TRY(take_tenant(reader, keys));
    tenant.first_trace = traces;
    TRY(add_up(traces, tenant.traces, directory.traces, "traces of tenants"));
    if (i > 0 && tenant.name <= directory.tenants.back().name) return corrupted("tenants are not sorted");
    directory.tenants.push_back(std::move(tenant));
  }
  TRY(reader.expect_end());
  return directory;
}

const BlockTenant* SpanDirectory::tenant(std::string_view name) const {
  auto at = std::ranges::lower_bound(tenants, name, {},
                                     [](const BlockTenant& t) -> std::string_view { return t.name; });
  return at != tenants.end() && at->name == name ? &*at : nullptr;
}

}  // namespace weft::storage::block
