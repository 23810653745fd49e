#include "ingest/refusals.h"

#include <algorithm>
#include <array>

namespace weft::ingest {
namespace {

constexpr std::size_t kGroupsMax = 10;        // as many as Loki lists
constexpr std::size_t kWordsBytesMax = 8192;  // labels in them can be long

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

bool take_varint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(in[0]);
    in.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

std::string_view reason_name(Reason reason) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Reason::count_)> kNames = {
      "invalid_labels",
      "missing_labels",
      "line_too_long",
      "greater_than_max_sample_age",
      "too_far_in_future",
      "max_label_names_per_series",
      "label_name_too_long",
      "label_value_too_long",
      "duplicate_label_names",
      "structured_metadata_too_large",
      "structured_metadata_too_many",
      "invalid_attribute_name",
      "stream_limit",
      "rate_limited",
      "invalid_trace_id",
      "invalid_span_id",
      "trace_too_large",
  };
  return kNames[static_cast<std::size_t>(reason)];
}

void Refusals::begin(std::size_t positions) {
  marks_.assign(positions, 0);
  groups_.clear();
  unlisted_ = total_ = marked_ = 0;
  std::ranges::fill(by_reason_, 0);
}

void Refusals::add_undecoded(std::size_t count, Reason reason, std::string words) {
  auto same = std::ranges::find(groups_, words, &Group::words);
  if (same != groups_.end()) {
    same->count += count;
  } else if (full()) {
    unlisted_ += count;
  } else {
    open(reason, SIZE_MAX, count, std::move(words));
  }
  total_ += count;
  by_reason_[static_cast<std::size_t>(reason)] += count;
}

Refusals::Group* Refusals::find(Reason reason, std::size_t group) {
  for (Group& g : groups_)
    if (g.reason == reason && g.group == group) return &g;
  return nullptr;
}

bool Refusals::full() const {
  return groups_.size() >= kGroupsMax;
}

void Refusals::open(Reason reason, std::size_t group, std::size_t count, std::string words) {
  if (words.size() > kWordsBytesMax) words.replace(kWordsBytesMax, std::string::npos, "...");
  groups_.push_back({reason, group, count, std::move(words)});
}

void Refusals::mark(std::size_t first, std::size_t count, Reason reason) {
  std::fill_n(marks_.begin() + static_cast<std::ptrdiff_t>(first), count, std::uint8_t{1});
  total_ += count;
  marked_ += count;
  by_reason_[static_cast<std::size_t>(reason)] += count;
}

std::string Refusals::text() const {
  if (total_ == 1 && groups_.size() == 1) return groups_[0].words;
  std::string out;
  for (const Group& g : groups_) {
    if (!out.empty()) out += "; ";
    out += std::to_string(g.count) + " errors like: " + g.words;
  }
  if (unlisted_ > 0) out += "; and " + std::to_string(unlisted_) + " more errors";
  return out;
}

std::string Refusals::note() const {
  std::string out;
  std::size_t end = 0;  // of the run before
  for (std::size_t at = 0; marked_ > 0 && at < marks_.size();) {
    if (marks_[at] == 0) {
      ++at;
      continue;
    }
    std::size_t begin = at;
    while (at < marks_.size() && marks_[at] != 0) ++at;
    append_varint(out, begin - end);
    append_varint(out, at - begin);
    end = at;
  }
  return out;
}

Result<void> Refusals::read_note(std::string_view note) {
  std::uint64_t at = 0;
  while (!note.empty()) {
    std::uint64_t distance = 0;
    std::uint64_t length = 0;
    if (!take_varint(note, distance) || !take_varint(note, length) || distance > marks_.size() - at ||
        length > marks_.size() - at - distance)
      return Error(Code::corrupted, "note of refused entries does not fit a request of " +
                                        std::to_string(marks_.size()) + " entries");
    at += distance;
    std::fill_n(marks_.begin() + static_cast<std::ptrdiff_t>(at), length, std::uint8_t{1});
    at += length;
    marked_ += length;
  }
  total_ = marked_;
  return {};
}

}  // namespace weft::ingest
