#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft {

class Arena;

// A name and a value, both somebody else's memory.
struct Label {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const Label&) const = default;
};

// An immutable set of labels, sorted by name, names unique, no empty values: what makes a log
// stream. Owns its text in one allocation. Copying copies.
class LabelSet {
 public:
  LabelSet() = default;
  // Requires unique names; drops empty values, sorts.
  static LabelSet from(std::span<const Label> labels);
  LabelSet(const LabelSet& other);
  LabelSet& operator=(const LabelSet& other);
  LabelSet(LabelSet&& other) noexcept = default;
  LabelSet& operator=(LabelSet&& other) noexcept = default;

  std::span<const Label> labels() const { return labels_; }
  // "" when there is none of that name: Loki makes no difference between the two.
  std::string_view get(std::string_view name) const;
  bool empty() const { return labels_.empty(); }

  // {a="b", c="d"} with Go's escapes: Loki's text form, and the order in which streams are sorted.
  std::string to_string() const;
  std::uint64_t hash() const;

  bool operator==(const LabelSet& other) const;

 private:
  std::vector<char> text_;  // moving a vector keeps its bytes where they are, unlike a string's
  std::vector<Label> labels_;
};

// The text form of any labels, in the order given.
std::string label_text(std::span<const Label> labels);

// [A-Za-z_][A-Za-z0-9_]* and not empty: what Loki accepts as a stream's label name.
bool is_label_name(std::string_view name);

// Loki's text form `{a="b", c="d"}` as in its protobuf push requests, appended to `out`; values
// with escapes are unescaped into `unescaped` (whose text must outlive `out`), others are views
// into `text`. Errors: invalid_argument with Prometheus' words ("1:9: parse error: …").
// Duplicate names are kept; the caller decides.
Result<void> parse_labels(std::string_view text, std::vector<Label>& out, Arena& unescaped);

// As std::to_string of Go's strconv.Quote: double quotes, \n \t \" \\ \xHH \u….
void append_quoted(std::string& out, std::string_view text);

}  // namespace weft
