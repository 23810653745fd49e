#include "storage/block/span_segment.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "storage/block/encoding_fixed.h"
#include "storage/block/encoding_integer.h"
#include "storage/block/span_values.h"

namespace weft::storage::block {
namespace {

Error corrupted(std::string what) {
  return Error(Code::corrupted, std::move(what));
}

bool is_wanted(const ColumnId& id, const RowGroup& group, const SpanDetail& detail) {
  switch (id.column) {
    case SpanColumn::attribute:
      return detail.attributes || std::ranges::find(detail.keys, id.key) != detail.keys.end();
    case SpanColumn::rest:
      return detail.attributes || std::ranges::any_of(detail.keys, [&](std::uint32_t key) {
               return std::ranges::binary_search(group.rest_keys, key);
             });
    case SpanColumn::order: return detail.attributes;
    case SpanColumn::events: return detail.events;
    case SpanColumn::links: return detail.links;
    default: return true;
  }
}

// The largest value that an integer column may have.
std::uint64_t limit_of(SpanColumn column, std::size_t resources, std::size_t scopes) {
  switch (column) {
    case SpanColumn::start:
    case SpanColumn::duration: return std::numeric_limits<std::uint64_t>::max();
    case SpanColumn::kind:
    case SpanColumn::status: return std::numeric_limits<std::uint8_t>::max();
    case SpanColumn::resource: return resources - 1;
    case SpanColumn::scope: return scopes - 1;
    default: return std::numeric_limits<std::uint32_t>::max();
  }
}

}  // namespace

// Decodes chunks; each must be used up.
class SpanSegment::Decoder {
 public:
  Decoder(SpanSegment& segment, std::size_t rows, std::size_t resources, std::size_t scopes)
      : segment_(segment), rows_(rows), resources_(resources), scopes_(scopes) {}

  Result<void> decode(const ColumnId& id, std::string_view bytes) {
    rest_ = bytes;
    switch (id.column) {
      case SpanColumn::span_id: TRY(take_ids(segment_.ids_, rows_)); break;
      case SpanColumn::parent_id:
        segment_.parent_presence_ = TRY(take_presence());
        TRY(take_ids(segment_.parents_, segment_.parent_presence_.values()));
        break;
      case SpanColumn::name: TRY(take_strings(segment_.names_, rows_)); break;
      case SpanColumn::trace_state: TRY(take_strings(segment_.trace_states_, rows_)); break;
      case SpanColumn::status_message: TRY(take_strings(segment_.status_messages_, rows_)); break;
      case SpanColumn::events: TRY(take_optional(segment_.events_)); break;
      case SpanColumn::links: TRY(take_optional(segment_.links_)); break;
      case SpanColumn::rest: TRY(take_optional(segment_.rest_)); break;
      case SpanColumn::order: TRY(take_optional(segment_.order_)); break;
      case SpanColumn::attribute: TRY(take_attribute(segment_.attributes_.emplace_back(), id)); break;
      default: {
        auto& values = segment_.integers(id.column);
        TRY(take_integers(values, rows_));
        std::uint64_t limit = limit_of(id.column, resources_, scopes_);
        std::uint64_t most = std::ranges::max(values);
        if (most > limit)
          return corrupted("value " + std::to_string(most) + ", limit is " + std::to_string(limit));
      }
    }
    if (!rest_.empty()) return corrupted(std::to_string(rest_.size()) + " bytes after the last page");
    return {};
  }

 private:
  Result<void> expect_values(std::size_t found, std::size_t count) {
    if (found == count) return {};
    return corrupted(std::to_string(found) + " values, " + std::to_string(count) + " expected");
  }
  Result<void> take_ids(std::vector<SpanId>& out, std::size_t count) {
    PageView page = TRY(take_page(rest_, zstd_, buffer_));
    TRY(expect_values(page.values, count));
    return decode_fixed(page, out);
  }
  Result<void> take_integers(std::vector<std::uint64_t>& out, std::size_t count) {
    PageView page = TRY(take_page(rest_, zstd_, buffer_));
    TRY(expect_values(page.values, count));
    return decode_integers(page, out);
  }
  Result<Presence> take_presence() {
    PageView page = TRY(take_page(rest_, zstd_, buffer_));
    TRY(expect_values(page.values, rows_));
    return Presence(TRY(decode_bitmap(page)));
  }
  Result<void> take_strings(Strings& out, std::size_t count) {
    out.values.reserve(count);
    std::size_t bytes = 0;
    while (out.values.size() < count) {
      std::size_t before = out.values.size();
      StringPage& page = out.pages.emplace_back();
      TRY(page.decode(rest_, zstd_));
      if (page.size() == 0 || page.size() > count - before) return expect_values(before + page.size(), count);
      page.append_to(out.values);
      for (std::size_t i = before; i < out.values.size(); ++i) bytes += out.values[i].size();
      if (bytes > kColumnBytesMax)
        return corrupted(std::to_string(bytes) + " bytes, limit is " + std::to_string(kColumnBytesMax));
    }
    return {};
  }
  Result<void> take_optional(OptionalStrings& out) {
    out.presence = TRY(take_presence());
    return take_strings(out.strings, out.presence.values());
  }
  Result<void> take_attribute(AttributeColumn& out, const ColumnId& id) {
    out.id = id;
    out.presence = TRY(take_presence());
    std::size_t count = out.presence.values();
    switch (id.type) {
      case Value::Type::integer: return take_integers(out.integers, count);
      case Value::Type::number: {
        PageView page = TRY(take_page(rest_, zstd_, buffer_));
        TRY(expect_values(page.values, count));
        return decode_doubles(page, out.numbers);
      }
      case Value::Type::boolean: {
        PageView page = TRY(take_page(rest_, zstd_, buffer_));
        TRY(expect_values(page.values, count));
        out.booleans = TRY(decode_bitmap(page));
        return {};
      }
      default: return take_strings(out.strings, count);
    }
  }

  SpanSegment& segment_;
  const std::size_t rows_;
  const std::size_t resources_;
  const std::size_t scopes_;
  std::string_view rest_;
  Zstd zstd_;
  PageBuffer buffer_;
};

Result<std::shared_ptr<const SpanSegment>> SpanSegment::read(const BlockFile& file,
                                                             const SpanDirectory& directory,
                                                             std::size_t group, std::size_t segment,
                                                             std::span<const std::string_view> keys,
                                                             std::size_t resources, std::size_t scopes,
                                                             const SpanDetail& detail) {
  const RowGroup& from = directory.groups[group];
  auto out = std::make_shared<SpanSegment>();
  out->keys_ = keys;
  out->name_ = file.name() + ": row group " + std::to_string(group);
  std::vector<std::size_t> columns;
  std::vector<ByteRange> ranges;
  for (std::size_t c = 0; c < from.columns.size(); ++c) {
    std::size_t chunk = c * from.segments() + segment;
    bool is_optional =
        from.columns[c].column == SpanColumn::parent_id || from.columns[c].column >= SpanColumn::events;
    if (!is_wanted(from.columns[c], from, detail) || (is_optional && from.chunk_bytes[chunk] == 0)) continue;
    std::uint64_t offset = from.offset + from.chunk_offsets[chunk];
    columns.push_back(c);
    ranges.push_back({offset, from.chunk_bytes[chunk]});
  }
  std::vector<std::string> chunks = TRY(file.parts(kSpanPages, ranges));
  Decoder decoder(*out, from.segment_rows[segment], resources, scopes);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ColumnId& id = from.columns[columns[i]];
    if (auto done = decoder.decode(id, chunks[i]); !done)
      return done.error().in_context(out->name_ + ": column " + column_name(id, keys));
  }
  return std::shared_ptr<const SpanSegment>(std::move(out));
}

SpanId SpanSegment::outer_parent(std::size_t row) const {
  if (parent_presence_.size() == 0 || !parent_presence_.has(row)) return {};
  return parents_[parent_presence_.rank(row)];
}

Error SpanSegment::in_context(const Error& error, const char* what) const {
  return error.in_context(name_ + ": column " + what);
}

Result<Value> SpanSegment::value_of(const AttributeColumn& column, std::size_t row, Arena& arena) const {
  std::size_t i = column.presence.rank(row);
  switch (column.id.type) {
    case Value::Type::string: return Value::of(arena.copy(column.strings.values[i]));
    case Value::Type::bytes: return Value::of_bytes(arena.copy(column.strings.values[i]));
    case Value::Type::integer: return Value::of(static_cast<std::int64_t>(column.integers[i]));
    case Value::Type::number: return Value::of(column.numbers[i]);
    case Value::Type::boolean: return Value::of(column.booleans.test(i));
    default: {
      ByteReader reader(column.strings.values[i]);
      Value value = TRY(take_value(reader, arena));
      TRY(reader.expect_end());
      return value;
    }
  }
}

Result<Value> SpanSegment::attribute(std::size_t row, std::uint32_t key, Arena& arena) const {
  for (const AttributeColumn& column : attributes_) {
    if (column.id.key != key || !column.presence.has(row)) continue;
    auto value = value_of(column, row, arena);
    if (!value) return in_context(value.error(), column_name(column.id, keys_).c_str());
    return value;
  }
  std::string_view rest = rest_.value(row);
  if (rest.empty()) return Value();
  ByteReader reader(rest);
  auto find = [&]() -> Result<Value> {
    std::uint64_t count = TRY(reader.varint());
    for (std::uint64_t i = 0; i < count; ++i) {
      TRY(reader.varint());
      std::uint64_t number = TRY(reader.varint());
      Value value = TRY(take_value(reader, arena));
      if (number == key) return value;
    }
    return Value();
  };
  auto value = find();
  if (!value) return in_context(value.error(), "rest");
  return value;
}

Result<Attributes> SpanSegment::attributes(std::size_t row, Arena& arena) const {
  std::size_t own = 0;
  for (const AttributeColumn& column : attributes_) own += column.presence.has(row) ? 1 : 0;
  std::string_view rest = rest_.value(row);
  ByteReader reader(rest);
  std::uint64_t others = rest.empty() ? 0 : TRY(reader.varint());
  if (others > rest.size()) return corrupted("rest: " + std::to_string(others) + " attributes");
  std::size_t count = own + static_cast<std::size_t>(others);
  auto list = arena.allocate_array<Attribute>(count);
  // Those of the rest say where they stand; those with columns fill what is left.
  std::vector<bool> taken(others > 0 ? count : 0);
  std::uint64_t after = 0;
  for (std::uint64_t i = 0; i < others; ++i) {
    std::uint64_t place = TRY(reader.varint());
    std::uint64_t key = TRY(reader.varint());
    if (place < after || place >= count || key >= keys_.size())
      return corrupted("rest: key " + std::to_string(key) + " at place " + std::to_string(place));
    list[place] = { keys_[key], TRY(take_value(reader, arena)) };
    taken[place] = true;
    after = place + 1;
  }
  TRY(reader.expect_end());

  std::vector<std::uint64_t> places;  // by rank of the column
  std::string_view order = order_.value(row);
  std::size_t free = 0;
  auto next_free = [&] {
    while (free < taken.size() && taken[free]) ++free;
    return free++;
  };
  if (!order.empty()) {
    constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
    ByteReader ranks(order);
    std::uint64_t ranked = TRY(ranks.varint());
    if (ranked != own) return corrupted("order: " + std::to_string(ranked) + " of " + std::to_string(own));
    places.assign(own, kNone);
    for (std::size_t i = 0; i < own; ++i) {
      std::uint64_t rank = TRY(ranks.varint());
      if (rank >= own || places[rank] != kNone) return corrupted("order: rank " + std::to_string(rank));
      places[rank] = next_free();
    }
    TRY(ranks.expect_end());
  }
  std::size_t rank = 0;
  for (const AttributeColumn& column : attributes_) {
    if (!column.presence.has(row)) continue;
    std::uint64_t place = places.empty() ? next_free() : places[rank++];
    auto value = value_of(column, row, arena);
    if (!value) return value.error().in_context(column_name(column.id, keys_));
    list[place] = {keys_[column.id.key], *value};
  }
  return Attributes(list);
}

Result<void> SpanSegment::fill(std::size_t row, const SpanDetail& detail, Arena& arena, Span& span) const {
  auto small = [&](SpanColumn column) { return static_cast<std::uint32_t>(integers(column)[row]); };
  span.name = arena.copy(names_.values[row]);
  span.trace_state = arena.copy(trace_states_.values[row]);
  span.status_message = arena.copy(status_messages_.values[row]);
  span.end_ns = span.start_ns + duration(row);
  span.kind = static_cast<SpanKind>(integers(SpanColumn::kind)[row]);
  span.status = static_cast<SpanStatus>(integers(SpanColumn::status)[row]);
  span.flags = small(SpanColumn::flags);
  span.dropped_attributes = small(SpanColumn::dropped_attributes);
  span.dropped_events = small(SpanColumn::dropped_events);
  span.dropped_links = small(SpanColumn::dropped_links);
  span.resource = small(SpanColumn::resource);
  span.scope = small(SpanColumn::scope);
  if (detail.attributes) {
    auto list = attributes(row, arena);
    if (!list) return in_context(list.error(), "attributes");
    span.attributes = *list;
  }
  std::string_view events = detail.events ? events_.value(row) : std::string_view();
  if (!events.empty()) {
    auto list = take_events(events, span.start_ns, keys_, arena);
    if (!list) return in_context(list.error(), "events");
    span.events = *list;
  }
  std::string_view links = detail.links ? links_.value(row) : std::string_view();
  if (!links.empty()) {
    auto list = take_links(links, keys_, arena);
    if (!list) return in_context(list.error(), "links");
    span.links = *list;
  }
  return {};
}

}  // namespace weft::storage::block
