#include "storage/block/log_group_encoder.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "storage/block/bitmap.h"
#include "storage/block/encoding_fixed.h"
#include "storage/block/encoding_integer.h"
#include "storage/block/log_metadata.h"

namespace weft::storage::block {

std::uint32_t LogKeyTable::number(std::string_view key) {
  if (auto at = numbers_.find(key); at != numbers_.end()) return at->second;
  auto number = static_cast<std::uint32_t>(keys_.size());
  keys_.emplace_back(key);
  numbers_.emplace(key, number);
  return number;
}

LogColumn& LogGroupEncoder::begin_column(LogColumnKind kind) {
  column_begin_ = data_->size();
  LogColumn& column = group_->columns.emplace_back();
  column.kind = kind;
  column.offset = offset_ + column_begin_;
  return column;
}

void LogGroupEncoder::begin_page(std::size_t row) {
  group_->columns.back().pages.push_back(
      {static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(data_->size() - column_begin_)});
}

void LogGroupEncoder::end_column() {
  group_->columns.back().bytes = static_cast<std::uint32_t>(data_->size() - column_begin_);
}

std::size_t LogGroupEncoder::page_end(std::span<const std::string_view> texts, std::size_t begin) const {
  constexpr std::size_t kBytesPerLength = 4;
  std::size_t limit = std::min(texts.size(), begin + options_.page_rows);
  std::size_t bytes = 0;
  for (std::size_t i = begin; i < limit; ++i) {
    bytes += texts[i].size() + kBytesPerLength;
    if (bytes > options_.page_bytes && i > begin) return i;
  }
  return limit;
}

template <class Value, class Get>
void LogGroupEncoder::encode_integer_column(LogColumnKind kind, Get get) {
  begin_column(kind);
  std::vector<Value> values;
  for (std::size_t row = 0; row < rows_.size(); row += values.size()) {
    std::size_t end = std::min(rows_.size(), row + options_.page_rows);
    values.clear();
    for (std::size_t i = row; i < end; ++i) values.push_back(get(rows_[i]));
    begin_page(row);
    encode_integers(std::span<const Value>(values), *data_);
  }
  end_column();
}

Result<void> LogGroupEncoder::encode_text_column(LogColumnKind kind,
                                                 std::span<const std::string_view> texts) {
  begin_column(kind);
  for (std::size_t row = 0; row < texts.size();) {
    std::size_t end = page_end(texts, row);
    begin_page(row);
    TRY(strings_.encode(texts.subspan(row, end - row), *data_));
    row = end;
  }
  end_column();
  return {};
}

void LogGroupEncoder::encode_spans() {
  begin_column(LogColumnKind::span);
  std::vector<SpanId> spans;
  for (std::size_t row = 0; row < rows_.size();) {
    std::size_t end = std::min(rows_.size(), row + options_.page_rows);
    Bitmap present;
    spans.clear();
    begin_page(row);
    for (; row < end; ++row) {
      bool has = !rows_[row].span_id.is_zero();
      present.push_back(has);
      if (has) spans.push_back(rows_[row].span_id);
    }
    encode_bitmap(present, *data_);
    encode_fixed(std::span<const SpanId>(spans), *data_);
  }
  end_column();
}

void LogGroupEncoder::encode_more_ids() {
  begin_column(LogColumnKind::more_ids);
  for (std::size_t row = 0; row < rows_.size();) {
    std::size_t end = std::min(rows_.size(), row + options_.page_rows);
    Bitmap bits;
    begin_page(row);
    for (; row < end; ++row) bits.push_back(rows_[row].more_ids);
    encode_bitmap(bits, *data_);
  }
  end_column();
}

Result<void> LogGroupEncoder::encode(std::span<const LogRowContent> rows, std::uint64_t offset,
                                     LogKeyTable& keys, LogGroup& group, std::string& data) {
  rows_ = rows;
  group_ = &group;
  data_ = &data;
  offset_ = offset;
  arena_.clear();
  bool traces = false;
  bool others = false;
  bool spans = false;
  bool more = false;
  bool metadata = false;
  ids_.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LogRowContent& row = rows[i];
    traces |= row.trace != 0;
    others |= row.other != 0;
    spans |= !row.span_id.is_zero();
    more |= row.more_ids;
    metadata |= !row.metadata.empty();
    group.raw_bytes += row.line.size() + row.metadata.size();
    ids_[i].set(row.trace_id, row.other_id, row.span_id);
  }
  encode_integer_column<std::int64_t>(LogColumnKind::time,
                                      [](const LogRowContent& row) { return row.time_ns; });
  if (traces)
    encode_integer_column<std::uint64_t>(LogColumnKind::trace,
                                         [](const LogRowContent& row) { return std::uint64_t{row.trace}; });
  if (others)
    encode_integer_column<std::uint64_t>(LogColumnKind::other_id,
                                         [](const LogRowContent& row) { return std::uint64_t{row.other}; });
  if (spans) encode_spans();
  if (more) encode_more_ids();
  texts_.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) texts_[i] = line_cutter_.cut(rows[i].line, ids_[i], arena_);
  TRY(encode_text_column(LogColumnKind::line, texts_));
  if (metadata) TRY(encode_metadata(keys));
  return {};
}

// --- metadata ---

// Fills labels_, label_keys_, row_labels_, keys_.
Result<void> LogGroupEncoder::read_labels() {
  keys_.clear();
  key_numbers_.clear();
  labels_.clear();
  label_keys_.clear();
  row_labels_.clear();
  for (const LogRowContent& row : rows_) {
    auto begin = static_cast<std::uint32_t>(labels_.size());
    if (!read_metadata(row.metadata, labels_))
      return Error(Code::invalid_argument, "metadata of a row are not in their form");
    auto count = static_cast<std::uint32_t>(labels_.size() - begin);
    // Rows mostly have the keys of the row before, in the same places.
    RowLabels before = row_labels_.empty() ? RowLabels() : row_labels_.back();
    for (std::uint32_t i = 0; i < count; ++i) {
      std::string_view name = labels_[begin + i].name;
      std::uint32_t number;
      if (i < before.count && keys_[label_keys_[before.begin + i]].name == name) {
        number = label_keys_[before.begin + i];
      } else {
        auto [at, added] = key_numbers_.try_emplace(name, static_cast<std::uint32_t>(keys_.size()));
        if (added) keys_.push_back({.name = name});
        number = at->second;
      }
      label_keys_.push_back(number);
      ++keys_[number].rows;
      keys_[number].positions += i;
    }
    row_labels_.push_back({begin, count, false});
  }
  return {};
}

// The keys that get a column, in the order in which most rows have them.
void LogGroupEncoder::choose_columns(std::vector<std::uint32_t>& columns) {
  std::size_t sorted = 0;
  std::size_t unsorted = 0;
  for (const RowLabels& row : row_labels_) {
    std::span<const Label> labels = std::span(labels_).subspan(row.begin, row.count);
    ++(std::ranges::is_sorted(labels, {}, &Label::name) ? sorted : unsorted);
  }
  for (std::uint32_t k = 0; k < keys_.size(); ++k)
    if (keys_[k].rows * options_.rows_per_column_value >= rows_.size()) columns.push_back(k);
  if (columns.size() > kMetadataColumnsMax) {
    std::ranges::sort(columns, [&](std::uint32_t a, std::uint32_t b) {
      return keys_[a].rows != keys_[b].rows ? keys_[a].rows > keys_[b].rows : a < b;
    });
    columns.resize(kMetadataColumnsMax);
  }
  std::ranges::sort(columns, [&](std::uint32_t a, std::uint32_t b) {
    const Key& x = keys_[a];
    const Key& y = keys_[b];
    // Mean positions, without dividing.
    if (sorted < unsorted && x.positions * y.rows != y.positions * x.rows)
      return x.positions * y.rows < y.positions * x.rows;
    return x.name < y.name;
  });
  for (std::uint32_t c = 0; c < columns.size(); ++c) keys_[columns[c]].column = c + 1;
}

Result<void> LogGroupEncoder::encode_metadata(LogKeyTable& keys) {
  TRY(read_labels());
  std::vector<std::uint32_t> columns;
  choose_columns(columns);
  // Order is kept: whoever reads puts the labels of the columns into the places that the rest leaves
  // free, in the order of the columns. A row for which that gives another order is all rest.
  bool any_rest = false;
  for (RowLabels& row : row_labels_) {
    std::uint32_t before = 0;
    for (std::uint32_t i = 0; i < row.count; ++i) {
      std::uint32_t column = keys_[label_keys_[row.begin + i]].column;
      if (column == 0) {
        any_rest = true;
        continue;
      }
      row.in_rest |= column <= before;
      before = column;
    }
    any_rest |= row.in_rest;
  }
  for (std::uint32_t k : columns) TRY(encode_metadata_column(k, keys.number(keys_[k].name)));
  if (any_rest) TRY(encode_rest(keys));
  return {};
}

Result<void> LogGroupEncoder::encode_metadata_column(std::uint32_t key, std::uint32_t number) {
  begin_column(LogColumnKind::metadata).key = number;
  TextCutter cutter;
  std::vector<std::string_view> values;
  std::vector<std::uint32_t> with_value;  // rows
  for (std::uint32_t row = 0; row < rows_.size(); ++row) {
    if (row_labels_[row].in_rest) continue;
    for (std::uint32_t i = 0; i < row_labels_[row].count; ++i) {
      std::uint32_t label = row_labels_[row].begin + i;
      if (label_keys_[label] != key) continue;
      values.push_back(cutter.cut(labels_[label].value, ids_[row], arena_));
      with_value.push_back(row);
      break;
    }
  }
  std::size_t value = 0;
  for (std::size_t row = 0; row < rows_.size();) {
    std::size_t values_end = page_end(values, value);
    std::size_t end = std::min(rows_.size(), row + options_.page_rows);
    if (values_end < values.size()) end = std::min<std::size_t>(end, with_value[values_end]);
    Bitmap present(end - row);
    std::size_t first = value;
    for (; value < values.size() && with_value[value] < end; ++value) present.set(with_value[value] - row);
    begin_page(row);
    encode_bitmap(present, *data_);
    TRY(strings_.encode(std::span<const std::string_view>(values).subspan(first, value - first), *data_));
    row = end;
  }
  end_column();
  return {};
}

// Per row: "" for none, else varint count, then per label varint place among the row's labels, varint
// number of the key + 1 (0: varint size, name), varint size, value.
Result<void> LogGroupEncoder::encode_rest(LogKeyTable& keys) {
  std::string encoded;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    const RowLabels& labels = row_labels_[row];
    encoded.clear();
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < labels.count; ++i) {
      Key& key = keys_[label_keys_[labels.begin + i]];
      if (key.column != 0 && !labels.in_rest) continue;
      if (key.rest == 0 && group_->rest_keys.size() < kRestKeysMax) {
        group_->rest_keys.push_back(keys.number(key.name));
        key.rest = static_cast<std::uint32_t>(group_->rest_keys.size());
      }
      ++count;
      put_varint(encoded, i);
      put_varint(encoded, key.rest);
      if (key.rest == 0) {
        put_varint(encoded, key.name.size());
        encoded += key.name;
      }
      std::string_view value = labels_[labels.begin + i].value;
      put_varint(encoded, value.size());
      encoded += value;
    }
    texts_[row] = {};
    if (count == 0) continue;
    std::string whole;
    put_varint(whole, count);
    texts_[row] = arena_.copy(whole + encoded);
  }
  return encode_text_column(LogColumnKind::rest, texts_);
}

}  // namespace weft::storage::block
