#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "storage/snapshot.h"

namespace weft::logql {

inline constexpr std::string_view kErrorLabel = "__error__";
inline constexpr std::string_view kErrorDetailsLabel = "__error_details__";
inline constexpr std::string_view kPreserveErrorLabel = "__preserve_error__";

// Where a label of an entry comes from; reference/loki.md §1.4.
enum class Category : std::uint8_t { stream, metadata, parsed };

// A name with a cheap fingerprint, so that looking through twenty labels compares twenty integers.
struct Name {
  std::string_view text;
  std::uint32_t fingerprint = 0;

  Name() = default;
  explicit Name(std::string_view name) : text(name), fingerprint(fingerprint_of(name)) {}
  bool operator==(const Name& other) const { return fingerprint == other.fingerprint && text == other.text; }

 private:
  static std::uint32_t fingerprint_of(std::string_view s) {
    if (s.empty()) return 0;
    auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(s[i])); };
    return static_cast<std::uint32_t>(s.size()) << 24 ^ byte(0) << 16 ^ byte(s.size() / 2) << 8 ^
           byte(s.size() - 1);
  }
};

struct RowLabel {
  Name name;
  std::string_view value;
  Category category = Category::stream;
  bool live = true;      // false: dropped, or overridden by a later one
  bool renamed = false;  // metadata under x_extracted, since its stream has an x
};

// One log entry on its way through a pipeline: its line, its labels of three origins and its error.
// At most one live label has a given name. Reused from row to row; allocates nothing once warm. All
// text lives in the snapshot, the scan's batch or `arena`. One thread.
class Row {
 public:
  std::int64_t time_ns = 0;
  std::string_view line;

  // Starts with the entry's own labels. Forgets the text of earlier rows only when told so: call
  // release() when their text may go.
  void begin(const storage::LogRow& row);
  void release() { arena_.clear(); }

  // The live label of that name; nullptr: none. Not for __error__.
  const RowLabel* find(const Name& name) const;
  // The value as filters and templates see it, errors included; "" when there is none.
  std::string_view get(const Name& name) const;
  bool has(const Name& name) const;

  // What a parser found: under `name`, or `name`_extracted when the entry has a label of that name
  // of its own; the first one found wins. `name` and `value` must live as long as the row. Returns
  // true when it was added. With `wanted` set, others are dropped.
  bool add_parsed(std::string_view name, std::string_view value);
  // The same, replacing what parsers found before (logfmt with expressions).
  void set_parsed(std::string_view name, std::string_view value);
  // What label_format writes: hides labels of that name of every origin.
  void set_formatted(std::string_view name, std::string_view value);
  void remove(const Name& name);
  // Removes every label for which `keep` is false.
  template <class Keep>
  void retain(Keep keep) {
    for (RowLabel& label : labels_)
      if (label.live && !keep(static_cast<const RowLabel&>(label))) kill(label);
  }

  // The first error of an entry stays.
  void set_error(std::string_view kind, std::string_view details) {
    if (!error_.empty()) return;
    error_ = kind;
    details_ = details;
  }
  bool has_error() const { return !error_.empty(); }
  std::string_view error() const { return error_; }
  std::string_view error_details() const { return details_; }

  // Live labels and dead ones; errors are not among them.
  const std::vector<RowLabel>& labels() const { return labels_; }
  const storage::Stream* stream() const { return stream_; }
  // False: some stream label has been dropped or overridden.
  bool stream_intact() const { return !stream_touched_; }
  std::size_t stream_label_count() const { return stream_count_; }

  Arena& arena() { return arena_; }
  // For building text before it goes to the arena.
  std::string& scratch() { return scratch_; }

  // What `now` in templates is. Set once per query.
  std::int64_t now_ns = 0;
  // Labels that the query can see the difference of; nullptr: all. Set once per query.
  const std::vector<Name>* wanted = nullptr;

 private:
  bool entry_has(const Name& name) const;
  void push(const Name& name, std::string_view value, Category category);
  void kill(RowLabel& label) {
    label.live = false;
    if (label.category == Category::stream) stream_touched_ = true;
  }
  std::string_view extracted_name(std::string_view name);
  bool is_wanted(const Name& name) const;

  std::vector<RowLabel> labels_;  // stream labels, then metadata, then parsed ones
  std::size_t stream_count_ = 0;
  std::size_t own_count_ = 0;  // stream labels and metadata
  bool stream_touched_ = false;
  const storage::Stream* stream_ = nullptr;
  std::string_view error_, details_;
  Arena arena_;
  std::string scratch_;

  // An index over labels_ for entries with very many of them: open addressing, one based.
  mutable std::vector<std::uint32_t> index_;
  mutable std::size_t indexed_ = 0;
  const RowLabel* find_indexed(const Name& name) const;
};

}  // namespace weft::logql
