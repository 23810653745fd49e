#include <algorithm>
#include <charconv>

#include "text/units.h"
#include "wire/decode/lists.h"
#include "wire/json/document.h"
#include "wire/loki_push.h"

namespace weft::wire {
namespace {

// What Loki answers to a timestamp, line or metadata value that is no string, and to metadata that
// is no object: the words of the scanner that it uses.
Error not_a_string() {
  return Error(Code::invalid_argument, "Value is string, but can't find closing '\"' symbol");
}
Error not_an_object() {
  return Error(Code::invalid_argument, "Value looks like object, but can't find closing '}' symbol");
}

// As Go's ParseInt reads and refuses it.
Result<std::int64_t> parse_nanoseconds(std::string_view text) {
  std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  std::int64_t ns = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ns);
  bool whole = end == digits.data() + digits.size() && !(text.starts_with('+') && digits.starts_with('-'));
  if (whole && error == std::errc()) return ns;
  bool range = whole && error == std::errc::result_out_of_range;
  std::string message = "strconv.ParseInt: parsing ";
  append_quoted(message, text);
  return Error(Code::invalid_argument, message + (range ? ": value out of range" : ": invalid syntax"));
}

// Of pairs [begin, end of `pairs`) with one name the last one stays, in the first one's place. Pairs
// are few, so each looks for its like in a short list; a long one is sorted for it.
void keep_last_of_each_name(std::vector<Label>& pairs, std::size_t begin) {
  constexpr std::size_t kShort = 32;
  std::size_t count = pairs.size() - begin;
  if (count <= kShort) {
    std::size_t kept = begin;
    for (std::size_t i = begin; i < pairs.size(); ++i) {
      auto same = std::find_if(pairs.begin() + begin, pairs.begin() + kept,
                               [&](const Label& l) { return l.name == pairs[i].name; });
      *same = pairs[i];
      if (same == pairs.begin() + kept) ++kept;
    }
    pairs.resize(kept);
    return;
  }
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = begin + i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(pairs[i].name, i); });
  std::vector<bool> dropped(count);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (pairs[order[i]].name != pairs[order[i + 1]].name) continue;
    // The first keeps its place and takes the value that comes next, until the last has been seen.
    pairs[order[i]].value = pairs[order[i + 1]].value;
    dropped[order[i + 1] - begin] = true;
    order[i + 1] = order[i];
  }
  std::size_t kept = begin;
  for (std::size_t i = 0; i < count; ++i)
    if (!dropped[i]) pairs[kept++] = pairs[begin + i];
  pairs.resize(kept);
}

class PushJsonReader {
 public:
  explicit PushJsonReader(LogBatch& batch) : batch_(batch), document_(batch.arena) {}

  Result<void> request(std::string_view body) {
    on_demand::object root = TRY(document_.open(body));
    TRY(each_member(document_, root, [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key != "streams") return {};
      batch_.streams.clear();
      return each_item(member, key, [&](on_demand::value item) { return stream(item); });
    }));
    return document_.close();
  }

 private:
  // Both shapes at once: they share no member. Of a member that comes twice the last one counts.
  Result<void> stream(on_demand::value json) {
    TRY(count_item());
    std::size_t labels_begin = batch_.labels.size();
    std::size_t entries_begin = batch_.entries.size();
    TRY(each_member(
        document_, json, "stream", [&](std::string_view key, on_demand::value member) -> Result<void> {
          if (key == "stream") {
            batch_.labels.resize(labels_begin);
            TRY(labels(member, labels_begin));
          } else if (key == "labels") {
            batch_.labels.resize(labels_begin);
            TRY(parse(TRY(string(member))));
          } else if (key == "values" || key == "entries") {
            batch_.entries.resize(entries_begin);
            bool legacy = key == "entries";
            TRY(each_item(member, key,
                          [&](on_demand::value item) { return legacy ? legacy_entry(item) : entry(item); }));
          }
          return {};
        }));
    batch_.streams.push_back({static_cast<std::uint32_t>(labels_begin),
                              static_cast<std::uint32_t>(batch_.labels.size() - labels_begin),
                              static_cast<std::uint32_t>(entries_begin),
                              static_cast<std::uint32_t>(batch_.entries.size() - entries_begin)});
    return {};
  }

  Result<void> labels(on_demand::value json, std::size_t begin) {
    TRY(each_member(
        document_, json, "stream labels", [&](std::string_view name, on_demand::value value) -> Result<void> {
          TRY(count_item());
          std::string_view text = TRY(is_string(value) ? document_.string(value) : raw_text(value));
          batch_.labels.push_back({name, text});
          return {};
        }));
    keep_last_of_each_name(batch_.labels, begin);
    auto read = std::span(batch_.labels).subspan(begin);
    if (std::ranges::all_of(read, is_label_name, &Label::name)) return {};
    // Loki writes the labels in name order and parses that text; so the error tells its position there.
    std::ranges::sort(read);
    std::string_view text = batch_.arena.copy(label_text(read));
    batch_.labels.resize(begin);
    return parse(text);
  }

  Result<void> parse(std::string_view text) {
    if (auto parsed = parse_labels(text, batch_.labels, batch_.arena); !parsed)
      return parsed.error().in_context("couldn't parse labels");
    return {};
  }

  // [timestamp, line, metadata?, ignored...]
  Result<void> entry(on_demand::value json) {
    TRY(count_item());
    LogEntry& entry = batch_.entries.emplace_back();
    entry.metadata_begin = static_cast<std::uint32_t>(batch_.metadata.size());
    int position = 0;
    TRY(each_item(json, "value", [&](on_demand::value member) -> Result<void> {
      switch (position++) {
        case 0: entry.time_ns = TRY(parse_nanoseconds(TRY(string(member)))); break;
        case 1: entry.line = TRY(string(member)); break;
        case 2: TRY(metadata(member, entry)); break;
        default: break;
      }
      return {};
    }));
    return {};
  }

  Result<void> metadata(on_demand::value json, LogEntry& entry) {
    if (!is_object(json)) return not_an_object();
    TRY(each_member(document_, json, "metadata",
                    [&](std::string_view name, on_demand::value value) -> Result<void> {
                      TRY(count_item());
                      batch_.metadata.push_back({ name, TRY(string(value)) });
                      return {};
                    }));
    keep_last_of_each_name(batch_.metadata, entry.metadata_begin);
    entry.metadata_count = static_cast<std::uint32_t>(batch_.metadata.size()) - entry.metadata_begin;
    return {};
  }

  // {"ts": RFC 3339, "line": text}
  Result<void> legacy_entry(on_demand::value json) {
    TRY(count_item());
    LogEntry& entry = batch_.entries.emplace_back();
    entry.metadata_begin = static_cast<std::uint32_t>(batch_.metadata.size());
    return each_member(document_, json, "entry",
                       [&](std::string_view key, on_demand::value value) -> Result<void> {
                         if (key == "ts") {
                           entry.time_ns = TRY(text::parse_rfc3339(TRY(string(value))));
                         } else if (key == "line") {
                           entry.line = TRY(string(value));
                         }
                         return {};
                       });
  }

  Result<std::string_view> string(on_demand::value json) {
    if (!is_string(json)) return not_a_string();
    return document_.string(json);
  }

  Result<void> count_item() {
    if (!budget_.take()) return too_many_items();
    return {};
  }

  LogBatch& batch_;
  JsonDocument document_;
  ItemBudget budget_;
};

}  // namespace

Result<void> decode_loki_push_json(std::string_view body, LogBatch& batch) {
  batch.clear();
  return PushJsonReader(batch).request(body);
}

}  // namespace weft::wire
