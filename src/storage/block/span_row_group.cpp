#include "storage/block/span_row_group.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "storage/block/encoding_fixed.h"
#include "storage/block/encoding_integer.h"

namespace weft::storage::block {
namespace {

// Of a span without its text, on the wire.
constexpr std::size_t kSpanBytes = 64;
constexpr std::size_t kItemBytes = 12;
constexpr std::size_t kTypes = 8;
// A column of its own for what is in at least one row of a hundred.
constexpr std::size_t kRowsPerValueMax = 100;
// No value may be longer: room for what stands around it in a page.
constexpr std::size_t kTextBytesMax = kSingleValueBytesMax - 64;

std::size_t bytes_of(const Value& value);

std::size_t bytes_of(Attributes attributes) {
  std::size_t bytes = 0;
  for (const Attribute& attribute : attributes) bytes += attribute.key.size() + bytes_of(attribute.value);
  return bytes;
}

// Looks one level deep: an estimate.
std::size_t bytes_of(const Value& value) {
  switch (value.type) {
    case Value::Type::string:
    case Value::Type::bytes: return kItemBytes + value.size;
    case Value::Type::array:
    case Value::Type::map: {
      std::string encoded;
      put_value(value, encoded);
      return kItemBytes + encoded.size();
    }
    default: return kItemBytes;
  }
}

std::size_t bytes_of(const Span& span) {
  std::size_t bytes = kSpanBytes + span.name.size() + span.trace_state.size() + span.status_message.size() +
                      bytes_of(span.attributes);
  for (const SpanEvent& event : span.events)
    bytes += 2 * kItemBytes + event.name.size() + bytes_of(event.attributes);
  for (const SpanLink& link : span.links)
    bytes += 3 * kItemBytes + link.trace_state.size() + bytes_of(link.attributes);
  return bytes;
}

std::string_view cut(std::string_view text) {
  return text.substr(0, kTextBytesMax);
}

}  // namespace

std::vector<BlockTenant::Key> KeyUse::take() {
  std::vector<BlockTenant::Key> keys;
  for (unsigned scope = 0; scope <= static_cast<unsigned>(AttributeScope::link); ++scope)
    for (std::uint32_t key = 0; key < seen_.size(); ++key)
      if ((seen_[key] >> scope & 1) != 0) keys.push_back({static_cast<AttributeScope>(scope), key});
  seen_.clear();
  return keys;
}

std::size_t RowGroupWriter::raw_bytes_of(std::span<const SpanRow> rows) {
  std::size_t bytes = 0;
  for (const SpanRow& row : rows) bytes += bytes_of(*row.span);
  return bytes;
}

void RowGroupWriter::end_segment() {
  if (open_rows_ > 0) segments_.push_back(static_cast<std::uint32_t>(open_rows_));
  open_rows_ = 0;
  open_bytes_ = 0;
}

void RowGroupWriter::add_trace(std::span<const SpanRow> rows, std::span<const std::uint32_t> descendants,
                               std::uint64_t start_ns) {
  // A trace is in one segment if it fits one.
  if (open_rows_ + rows.size() > segment_rows_) end_segment();
  path_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Span& span = *rows[i].span;
    std::size_t bytes = bytes_of(span);
    if (open_rows_ == segment_rows_ || open_bytes_ + bytes > segment_bytes_) end_segment();
    ++open_rows_;
    open_bytes_ += bytes;
    raw_bytes_ += bytes;
    while (!path_.empty() && path_.back().first <= i) path_.pop_back();
    starts_.push_back(span.start_ns - (path_.empty() ? start_ns : path_.back().second));
    tops_.push_back(path_.empty());
    path_.emplace_back(i + descendants[i] + 1, span.start_ns);
  }
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  descendants_.insert(descendants_.end(), descendants.begin(), descendants.begin() + rows.size());
}

// Numbers of the keys of all attributes.
void RowGroupWriter::find_keys() {
  attribute_keys_.clear();
  for (const SpanRow& row : rows_)
    for (const Attribute& attribute : row.span->attributes)
      attribute_keys_.push_back(keys_.number(attribute.key));
  next_attribute_ = 0;
  in_rest_.assign(keys_.keys().size(), 0);
  stamps_.resize(keys_.keys().size());
}

void RowGroupWriter::choose_columns() {
  columns_.clear();
  columns_.resize(static_cast<std::size_t>(SpanColumn::attribute));
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto column = static_cast<SpanColumn>(i);
    columns_[i].id.column = column;
    columns_[i].optional = column == SpanColumn::parent_id || column >= SpanColumn::events;
  }
  std::size_t slots = keys_.keys().size() * kTypes;
  std::vector<std::uint32_t> counts(slots);
  std::vector<std::uint32_t> seen;  // in the order in which they appear
  std::size_t next = 0;
  for (const SpanRow& row : rows_) {
    ++stamp_;
    for (const Attribute& attribute : row.span->attributes) {
      std::uint32_t key = attribute_keys_[next++];
      auto slot = static_cast<std::uint32_t>(key * kTypes + static_cast<std::size_t>(attribute.value.type));
      if (!first_of_key(key) || attribute.value.type == Value::Type::nil) continue;
      if (counts[slot]++ == 0) seen.push_back(slot);
    }
  }
  std::erase_if(seen, [&](std::uint32_t slot) { return counts[slot] * kRowsPerValueMax < rows_.size(); });
  if (seen.size() > kAttributeColumnsMax) {
    std::ranges::sort(seen, std::ranges::greater(),
                      [&](std::uint32_t slot) { return std::pair(counts[slot], slot); });
    seen.resize(kAttributeColumnsMax);
  }
  column_of_.assign(slots, 0);
  for (std::uint32_t slot : seen) {
    column_of_[slot] = static_cast<std::uint32_t>(columns_.size());
    Column& column = columns_.emplace_back();
    column.id = {SpanColumn::attribute, static_cast<std::uint32_t>(slot / kTypes),
                 static_cast<Value::Type>(slot % kTypes)};
    column.optional = true;
  }
}

void RowGroupWriter::add_value(Column& column, const Value& value, std::string_view encoded) {
  switch (value.type) {
    case Value::Type::string:
    case Value::Type::bytes: column.texts.push_back(value.as_text()); return;
    case Value::Type::integer: column.integers.push_back(static_cast<std::uint64_t>(value.integer)); return;
    case Value::Type::number: column.numbers.push_back(value.number); return;
    case Value::Type::boolean: column.booleans.push_back(value.boolean); return;
    default: column.texts.push_back(arena_.copy(encoded)); return;
  }
}

// Distributes attributes to their columns and to the rest, which has: how many, then for each its
// place in the list, its key and its value.
void RowGroupWriter::add_attributes(std::size_t row, std::uint32_t& dropped) {
  ++stamp_;
  own_.clear();
  rest_.clear();
  std::uint32_t in_rest = 0;
  std::uint32_t place = 0;
  for (const Attribute& attribute : rows_[row].span->attributes) {
    std::uint32_t key = attribute_keys_[next_attribute_++];
    auto type = attribute.value.type;
    std::uint32_t column = first_of_key(key) ? column_of_[key * kTypes + static_cast<std::size_t>(type)] : 0;
    bool is_encoded = column == 0 || type == Value::Type::array || type == Value::Type::map;
    value_.clear();
    bool fits = is_encoded ? put_value(attribute.value, value_) && value_.size() <= kTextBytesMax
                           : (type != Value::Type::string && type != Value::Type::bytes) ||
                                 attribute.value.size <= kTextBytesMax;
    if (fits && column == 0) fits = rest_.size() + value_.size() + 2 * sizeof(std::uint64_t) <= kTextBytesMax;
    if (!fits) {
      ++dropped;
      continue;
    }
    use_->add(AttributeScope::span, key);
    if (column != 0) {
      own_.push_back(column);
      columns_[column].presence.set(at_);
      add_value(columns_[column], attribute.value, value_);
    } else {
      put_varint(rest_, place);
      put_varint(rest_, key);
      rest_ += value_;
      in_rest_[key] = 1;
      ++in_rest;
    }
    ++place;
  }
  auto add = [&](SpanColumn to, std::uint32_t count, std::string_view items) {
    std::string list;
    put_varint(list, count);
    list += items;
    fixed(to).presence.set(at_);
    fixed(to).texts.push_back(arena_.copy(list));
  };
  if (in_rest > 0) add(SpanColumn::rest, in_rest, rest_);
  if (std::ranges::is_sorted(own_)) return;
  // The rank of each among those that are there.
  sorted_ = own_;
  std::ranges::sort(sorted_);
  rest_.clear();
  for (std::uint32_t column : own_)
    put_varint(rest_,
               static_cast<std::uint64_t>(std::ranges::lower_bound(sorted_, column) - sorted_.begin()));
  add(SpanColumn::order, static_cast<std::uint32_t>(own_.size()), rest_);
}

void RowGroupWriter::add_lists(const Span& span, std::uint32_t& dropped_events,
                               std::uint32_t& dropped_links) {
  auto add = [&](SpanColumn to) {
    if (rest_.size() == 1 && rest_[0] == 0) return;  // all were dropped
    fixed(to).presence.set(at_);
    fixed(to).texts.push_back(arena_.copy(rest_));
  };
  if (!span.events.empty()) {
    rest_.clear();
    dropped_events += put_events(
        span, kTextBytesMax, keys_, [&](std::uint32_t key) { use_->add(AttributeScope::event, key); }, rest_);
    add(SpanColumn::events);
  }
  if (!span.links.empty()) {
    rest_.clear();
    dropped_links += put_links(
        span, kTextBytesMax, keys_, [&](std::uint32_t key) { use_->add(AttributeScope::link, key); }, rest_);
    add(SpanColumn::links);
  }
}

void RowGroupWriter::add_row(std::size_t row) {
  const Span& span = *rows_[row].span;
  std::uint32_t dropped_attributes = span.dropped_attributes;
  std::uint32_t dropped_events = span.dropped_events;
  std::uint32_t dropped_links = span.dropped_links;
  add_attributes(row, dropped_attributes);
  add_lists(span, dropped_events, dropped_links);
  fixed(SpanColumn::span_id).ids.push_back(span.span_id);
  if (tops_[row] && !span.parent_id.is_zero()) {
    fixed(SpanColumn::parent_id).presence.set(at_);
    fixed(SpanColumn::parent_id).ids.push_back(span.parent_id);
  }
  auto integer = [&](SpanColumn column, std::uint64_t value) { fixed(column).integers.push_back(value); };
  integer(SpanColumn::descendants, descendants_[row]);
  integer(SpanColumn::start, starts_[row]);
  integer(SpanColumn::duration, span.end_ns - span.start_ns);
  integer(SpanColumn::kind, static_cast<std::uint64_t>(span.kind));
  integer(SpanColumn::status, static_cast<std::uint64_t>(span.status));
  integer(SpanColumn::flags, span.flags);
  integer(SpanColumn::dropped_attributes, dropped_attributes);
  integer(SpanColumn::dropped_events, dropped_events);
  integer(SpanColumn::dropped_links, dropped_links);
  integer(SpanColumn::resource, rows_[row].resource);
  integer(SpanColumn::scope, rows_[row].scope);
  fixed(SpanColumn::name).texts.push_back(cut(span.name));
  fixed(SpanColumn::trace_state).texts.push_back(cut(span.trace_state));
  fixed(SpanColumn::status_message).texts.push_back(cut(span.status_message));
}

Result<void> RowGroupWriter::encode_strings(std::span<const std::string_view> values, std::string& out) {
  while (!values.empty()) {
    std::size_t count = strings_in_page(values);
    TRY(strings_.encode(values.first(count), out));
    values = values.subspan(count);
  }
  return {};
}

// Ends the column's chunk of this segment.
Result<void> RowGroupWriter::encode_chunk(Column& column) {
  std::size_t before = column.pages.size();
  bool any = !column.optional;
  if (column.optional && column.presence.count() > 0) {
    any = true;
    encode_bitmap(column.presence, column.pages);
  }
  if (any) {
    column.used = true;
    switch (column.id.column) {
      case SpanColumn::span_id:
      case SpanColumn::parent_id: encode_fixed(std::span<const SpanId>(column.ids), column.pages); break;
      case SpanColumn::start:
      case SpanColumn::duration: {  // either may be negative
        const auto* values = reinterpret_cast<const std::int64_t*>(column.integers.data());
        encode_integers(std::span(values, column.integers.size()), column.pages);
        break;
      }
      case SpanColumn::attribute:
        switch (column.id.type) {
          case Value::Type::integer: {
            const auto* values = reinterpret_cast<const std::int64_t*>(column.integers.data());
            encode_integers(std::span(values, column.integers.size()), column.pages);
            break;
          }
          case Value::Type::number: encode_doubles(column.numbers, column.pages); break;
          case Value::Type::boolean: encode_bitmap(column.booleans, column.pages); break;
          default: TRY(encode_strings(column.texts, column.pages));
        }
        break;
      default:
        if (!column.integers.empty()) {
          encode_integers(std::span<const std::uint64_t>(column.integers), column.pages);
        } else {
          TRY(encode_strings(column.texts, column.pages));
        }
    }
  }
  column.chunk_bytes.push_back(static_cast<std::uint32_t>(column.pages.size() - before));
  column.presence = {};
  column.booleans = {};
  column.texts.clear();
  column.integers.clear();
  column.numbers.clear();
  column.ids.clear();
  return {};
}

Result<void> RowGroupWriter::encode_segment(std::size_t first_row, std::size_t rows) {
  for (Column& column : columns_)
    if (column.optional) column.presence = Bitmap(rows);
  for (at_ = 0; at_ < rows; ++at_) add_row(first_row + at_);
  for (Column& column : columns_) TRY(encode_chunk(column));
  arena_.clear();
  return {};
}

Result<RowGroup> RowGroupWriter::encode(KeyUse& use, std::string& out) {
  CHECK(!rows_.empty());
  end_segment();
  use_ = &use;
  find_keys();
  choose_columns();
  RowGroup group;
  group.rows = static_cast<std::uint32_t>(rows_.size());
  std::size_t row = 0;
  for (std::uint32_t rows : segments_) {
    TRY(encode_segment(row, rows));
    row += rows;
  }
  group.segment_rows.swap(segments_);
  for (const Column& column : columns_) {
    if (!column.used) continue;
    group.columns.push_back(column.id);
    for (std::uint32_t bytes : column.chunk_bytes) {
      group.chunk_offsets.push_back(group.bytes);
      group.chunk_bytes.push_back(bytes);
      group.bytes += bytes;
    }
    out += column.pages;
  }
  for (std::uint32_t key = 0; key < in_rest_.size(); ++key)
    if (in_rest_[key] != 0) group.rest_keys.push_back(key);
  auto [low, high] = std::ranges::minmax(rows_, {}, [](const SpanRow& r) { return r.span->start_ns; });
  group.start_min = low.span->start_ns;
  group.start_max = high.span->start_ns;
  rows_.clear();
  descendants_.clear();
  starts_.clear();
  tops_.clear();
  segments_.clear();
  raw_bytes_ = 0;
  return group;
}

}  // namespace weft::storage::block
