#include "logql/stages/row.h"

#include <algorithm>

#include "base/hash.h"

namespace weft::logql {
namespace {

constexpr std::size_t kLinearMax = 48;
constexpr std::string_view kSuffix = "_extracted";

}  // namespace

void Row::begin(const storage::LogRow& row) {
  time_ns = row.time_ns;
  line = row.line;
  error_ = details_ = {};
  indexed_ = 0;
  if (stream_ != row.stream || stream_touched_) {
    stream_ = row.stream;
    stream_touched_ = false;
    labels_.clear();
    for (const Label& label : row.stream->labels.labels())
      labels_.push_back({Name(label.name), label.value, Category::stream});
    stream_count_ = labels_.size();
  } else {
    labels_.resize(stream_count_);
  }
  for (const Label& label : row.metadata) {
    if (label.name == kErrorLabel) {
      error_ = label.value;
      continue;
    }
    if (label.name == kErrorDetailsLabel) {
      details_ = label.value;
      continue;
    }
    Name name(label.name);
    bool collides = false;
    for (std::size_t i = 0; i < stream_count_; ++i) collides = collides || labels_[i].name == name;
    if (collides) {
      // The stream's label keeps the name; the slot `x_extracted` is the weaker one's.
      name = Name(extracted_name(label.name));
      for (RowLabel& other : labels_)
        if (other.live && other.name == name) kill(other);
    }
    push(name, label.value, Category::metadata);
    labels_.back().renamed = collides;
  }
  own_count_ = labels_.size();
}

void Row::push(const Name& name, std::string_view value, Category category) {
  labels_.push_back({name, value, category});
}

std::string_view Row::extracted_name(std::string_view name) {
  char* text = static_cast<char*>(arena_.allocate(name.size() + kSuffix.size(), 1));
  std::copy(name.begin(), name.end(), text);
  std::copy(kSuffix.begin(), kSuffix.end(), text + name.size());
  return {text, name.size() + kSuffix.size()};
}

const RowLabel* Row::find(const Name& name) const {
  if (labels_.size() > kLinearMax) return find_indexed(name);
  for (const RowLabel& label : labels_)
    if (label.name == name && label.live) return &label;
  return nullptr;
}

const RowLabel* Row::find_indexed(const Name& name) const {
  auto slot_of = [&](const Name& n) { return hash64(n.text) & (index_.size() - 1); };
  if (indexed_ == 0 || labels_.size() * 2 > index_.size()) {
    std::size_t size = std::max<std::size_t>(index_.size(), 256);
    while (size < labels_.size() * 4) size *= 2;
    index_.assign(size, 0);
    indexed_ = 0;
  }
  for (; indexed_ < labels_.size(); ++indexed_) {
    std::size_t slot = slot_of(labels_[indexed_].name);
    while (index_[slot] != 0) slot = (slot + 1) & (index_.size() - 1);
    index_[slot] = static_cast<std::uint32_t>(indexed_ + 1);
  }
  for (std::size_t slot = slot_of(name); index_[slot] != 0; slot = (slot + 1) & (index_.size() - 1)) {
    const RowLabel& label = labels_[index_[slot] - 1];
    if (label.live && label.name == name) return &label;
  }
  return nullptr;
}

std::string_view Row::get(const Name& name) const {
  if (const RowLabel* label = find(name)) return label->value;
  if (name.text == kErrorLabel) return error_;
  if (name.text == kErrorDetailsLabel) return details_;
  return {};
}

bool Row::has(const Name& name) const {
  if (find(name)) return true;
  if (name.text == kErrorLabel) return !error_.empty();
  return name.text == kErrorDetailsLabel && !details_.empty();
}

// By its stream or its metadata, dropped or not.
bool Row::entry_has(const Name& name) const {
  for (std::size_t i = 0; i < stream_count_; ++i)
    if (labels_[i].name == name) return true;
  for (std::size_t i = stream_count_; i < own_count_; ++i)
    if (labels_[i].name == name && !labels_[i].renamed) return true;
  return false;
}

bool Row::is_wanted(const Name& name) const {
  return !wanted || std::find(wanted->begin(), wanted->end(), name) != wanted->end();
}

bool Row::add_parsed(std::string_view name_text, std::string_view value) {
  Name name(name_text);
  if (labels_.size() <= kLinearMax) [[likely]] {
    // Nearly always the name is new, and one look at every label says so.
    bool known = false;
    for (const RowLabel& label : labels_) known = known || label.name == name;
    if (!known) {
      if (!is_wanted(name)) return false;
      push(name, value, Category::parsed);
      return true;
    }
  }
  if (entry_has(name)) name = Name(extracted_name(name_text));
  if (!is_wanted(name)) return false;
  if (const RowLabel* label = find(name)) {
    if (label->category == Category::parsed) return false;
    kill(labels_[static_cast<std::size_t>(label - labels_.data())]);
  }
  push(name, value, Category::parsed);
  return true;
}

void Row::set_parsed(std::string_view name_text, std::string_view value) {
  Name name(name_text);
  if (entry_has(name)) name = Name(extracted_name(name_text));
  set_formatted(name.text, value);
}

void Row::set_formatted(std::string_view name_text, std::string_view value) {
  Name name(name_text);
  if (const RowLabel* found = find(name)) {
    RowLabel& label = labels_[static_cast<std::size_t>(found - labels_.data())];
    if (label.category == Category::parsed) {
      label.value = value;
      return;
    }
    kill(label);
  }
  push(name, value, Category::parsed);
}

void Row::remove(const Name& name) {
  if (const RowLabel* found = find(name)) kill(labels_[static_cast<std::size_t>(found - labels_.data())]);
  // The two parts of the error are dropped one by one; without the kind there is no error.
  if (name.text == kErrorLabel) {
    error_ = {};
  } else if (name.text == kErrorDetailsLabel) {
    details_ = {};
  }
}

}  // namespace weft::logql
