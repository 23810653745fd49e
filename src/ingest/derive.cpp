#include "ingest/derive.h"

#include <algorithm>
#include <charconv>

#include "ingest/ids.h"
#include "ingest/level.h"
#include "ingest/names.h"

namespace weft::ingest {
namespace {

constexpr std::string_view kDetectedLevel = "detected_level";

// A level as users spell it; words that are none stay as they are.
std::string_view level_of_word(std::string_view word) {
  std::string_view level = normal_level(word);
  return level.empty() ? word : level;
}

// What a stream's labels say about the level of its entries; "" for nothing.
std::string_view level_of_labels(std::span<const Label> labels) {
  for (const Label& l : labels)
    if (is_level_field(l.name)) return level_of_word(l.value);
  return {};
}

class Deriver {
 public:
  Deriver(LogBatch& batch, const DeriveOptions& options) : batch_(batch), options_(options) {}

  void stream(const LogStream& stream, const Refusals& refusals) {
    auto labels = batch_.labels_of(stream);
    stream_level_ = level_of_labels(labels);
    discover_ =
        options_.discover_levels && std::ranges::find(labels, kDetectedLevel, &Label::name) == labels.end();
    for (std::uint32_t i = stream.entries_begin; i < stream.entries_begin + stream.entries_count; ++i)
      if (!refusals.refused(i)) entry(batch_.entries[i]);
  }

 private:
  void entry(LogEntry& e) {
    RowIds ids;
    ids.trace_id = e.trace_id;
    ids.span_id = e.span_id;
    if (!e.trace_id.is_zero()) ids.add(e.trace_id);
    if (e.metadata_count == 0) {
      if (discover_) set_level_only(e, stream_level_.empty() ? level_of_line(e.line) : stream_level_);
    } else {
      rewrite_metadata(e);
      find_ids_in_metadata(batch_.metadata_of(e), ids);
    }
    find_ids_in_line(e.line, ids);
    e.trace_id = ids.trace_id;
    e.span_id = ids.span_id;
    e.ids_begin = static_cast<std::uint32_t>(batch_.candidate_ids.size());
    e.ids_count = static_cast<std::uint16_t>(ids.count);
    e.ids_overflow = ids.overflow;
    batch_.candidate_ids.insert(batch_.candidate_ids.end(), ids.candidates.begin(),
                                ids.candidates.begin() + static_cast<std::ptrdiff_t>(ids.count));
  }

  // Most entries have no metadata of their own: those of one level share one pair.
  void set_level_only(LogEntry& e, std::string_view level) {
    if (level != last_level_ || last_level_.data() == nullptr) {
      last_level_ = level;
      last_level_at_ = static_cast<std::uint32_t>(batch_.metadata.size());
      batch_.metadata.push_back({kDetectedLevel, level});
    }
    e.metadata_begin = last_level_at_;
    e.metadata_count = 1;
  }

  // The level that metadata tells, by the names as sent; "" for none. Sets `given` when it is
  // detected_level itself.
  std::string_view level_of_metadata(std::span<const Label> metadata, bool& given) const {
    std::string_view level;
    std::string_view severity;
    for (const Label& l : metadata) {
      if (l.name == kDetectedLevel) {
        given = true;
        return level_of_word(l.value);
      }
      if (level.empty() && is_level_field(l.name)) level = level_of_word(l.value);
      if (l.name == "severity_number") {
        int number = 0;
        std::from_chars(l.value.data(), l.value.data() + l.value.size(), number);
        severity = level_of_severity(number);
      }
    }
    if (!stream_level_.empty()) return stream_level_;
    return level.empty() ? severity : level;
  }

  void rewrite_metadata(LogEntry& e) {
    bool given = false;
    std::string_view level;
    if (options_.discover_levels) level = level_of_metadata(batch_.metadata_of(e), given);
    if (level.empty() && discover_) level = level_of_line(e.line);
    if (!discover_ && !given) level = {};

    auto begin = static_cast<std::uint32_t>(batch_.metadata.size());
    std::uint64_t seen = 0;
    for (std::uint32_t i = 0; i < e.metadata_count; ++i) {
      Label l = batch_.metadata[e.metadata_begin + i];
      if (!options_.names_are_normal) l.name = normal_name(l.name, batch_.arena);
      if (l.name.empty() || (!level.empty() && l.name == kDetectedLevel)) continue;
      std::uint64_t bit = std::uint64_t{1}
                          << ((l.name.size() * 7 + static_cast<unsigned char>(l.name[0]) * 3 +
                               static_cast<unsigned char>(l.name.back())) %
                              64);
      if ((seen & bit) != 0 && has_name(begin, l.name)) continue;
      seen |= bit;
      l.value = valid_text(l.value, batch_.arena);
      batch_.metadata.push_back(l);
    }
    if (!level.empty()) batch_.metadata.push_back({kDetectedLevel, level});
    e.metadata_begin = begin;
    e.metadata_count = static_cast<std::uint32_t>(batch_.metadata.size()) - begin;
  }

  bool has_name(std::uint32_t begin, std::string_view name) const {
    auto names = std::span(batch_.metadata).subspan(begin);
    return std::ranges::find(names, name, &Label::name) != names.end();
  }

  LogBatch& batch_;
  const DeriveOptions& options_;
  std::string_view stream_level_;
  bool discover_ = false;
  std::string_view last_level_;
  std::uint32_t last_level_at_ = 0;
};

}  // namespace

void derive_logs(LogBatch& batch, const DeriveOptions& options, const Refusals& refusals) {
  Deriver deriver(batch, options);
  for (const LogStream& stream : batch.streams) deriver.stream(stream, refusals);
}

}  // namespace weft::ingest
