#include "logql/evaluate/series_key.h"

#include <algorithm>

#include "logql/stages/stage.h"

namespace weft::logql {
namespace {

Hash128 hash_label(std::string_view name, std::string_view value) {
  return hash128(value, hash64(name));
}

// Addition, so that the order of labels does not matter.
void add(Hash128& to, Hash128 more) {
  to.high += more.high;
  to.low += more.low;
}

}  // namespace

SeriesKey::SeriesKey(const Grouping* grouping, std::string removed) {
  by_ = grouping && !grouping->without;
  if (grouping) names_ = grouping->names;
  if (!by_ && !removed.empty()) names_.push_back(std::move(removed));
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  for (const std::string& name : names_) compiled_.emplace_back(name);
  by_error_ = by_ && std::find(names_.begin(), names_.end(), kErrorLabel) != names_.end();
}

bool SeriesKey::left_out(const Name& name) const {
  return std::find(compiled_.begin(), compiled_.end(), name) != compiled_.end();
}

Hash128 SeriesKey::of(const Row& row) {
  Hash128 key;
  if (by_) {
    for (const Name& name : compiled_)
      if (row.has(name)) add(key, hash_label(name.text, row.get(name)));
    return key;
  }
  const auto& labels = row.labels();
  std::size_t from = 0;
  if (row.stream_intact()) {
    if (stream_ != row.stream()) {
      stream_ = row.stream();
      stream_hash_ = {};
      for (std::size_t i = 0; i < row.stream_label_count(); ++i)
        if (!left_out(labels[i].name)) add(stream_hash_, hash_label(labels[i].name.text, labels[i].value));
    }
    key = stream_hash_;
    from = row.stream_label_count();
  }
  for (std::size_t i = from; i < labels.size(); ++i)
    if (labels[i].live && !left_out(labels[i].name))
      add(key, hash_label(labels[i].name.text, labels[i].value));
  if (row.has_error()) {
    add(key, hash_label(kErrorLabel, row.error()));
    add(key, hash_label(kErrorDetailsLabel, row.error_details()));
  }
  return key;
}

OwnedLabels SeriesKey::labels(const Row& row) const {
  OwnedLabels out;
  if (by_) {
    for (const Name& name : compiled_)
      if (row.has(name)) out.emplace_back(name.text, row.get(name));
    return out;
  }
  for (const RowLabel& label : row.labels())
    if (label.live && !left_out(label.name)) out.emplace_back(label.name.text, label.value);
  if (row.has_error()) {
    if (!left_out(Name(kErrorLabel))) out.emplace_back(kErrorLabel, row.error());
    if (!row.error_details().empty() && !left_out(Name(kErrorDetailsLabel)))
      out.emplace_back(kErrorDetailsLabel, row.error_details());
  }
  std::sort(out.begin(), out.end());
  return out;
}

void SeriesKey::want(WantedLabels& wanted) const {
  if (!by_) {
    wanted.all();
    return;
  }
  for (const std::string& name : names_) wanted.add(name);
}

}  // namespace weft::logql
