#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::ingest {

// Why an entry or a span was refused; `reason` of the counters of discarded data.
enum class Reason : std::uint8_t {
  invalid_labels,
  missing_labels,
  line_too_long,
  greater_than_max_sample_age,
  too_far_in_future,
  max_label_names_per_series,
  label_name_too_long,
  label_value_too_long,
  duplicate_label_names,
  structured_metadata_too_large,
  structured_metadata_too_many,
  invalid_attribute_name,
  stream_limit,
  rate_limited,
  invalid_trace_id,
  invalid_span_id,
  trace_too_large,
  count_,
};
std::string_view reason_name(Reason reason);

// What was refused of one request: a mark for every position, and words for the sender, grouped as
// Loki groups them. Reusable; one thread.
class Refusals {
 public:
  // For a request with so many entries (spans), none refused.
  void begin(std::size_t positions);

  bool refused(std::size_t position) const { return marks_[position] != 0; }
  // Refuses entries [first, first + count) of one group: those with the same reason and `group` (a
  // stream's number) share one message, that of the first. `words` is called for the first only.
  template <class Words>
  void add(std::size_t first, std::size_t count, Reason reason, std::size_t group, Words words) {
    if (Group* g = find(reason, group)) {
      g->count += count;
    } else if (full()) {
      unlisted_ += count;
    } else {
      open(reason, group, count, words());
    }
    mark(first, count, reason);
  }
  // The same for what the decoder left out: it has no position.
  void add_undecoded(std::size_t count, Reason reason, std::string words);

  std::size_t count() const { return total_; }    // all
  std::size_t marked() const { return marked_; }  // those with a position
  std::uint64_t count_of(Reason reason) const { return by_reason_[static_cast<std::size_t>(reason)]; }

  // "message" for one refusal, else "3 errors like: message; 1 errors like: message".
  std::string text() const;

  // The marks as storage keeps them with the request: pairs of varints (distance from the end of
  // the run before, length of the run), nothing when no position is marked.
  std::string note() const;
  // Marks what a note says. Errors: corrupted when it does not fit the request.
  Result<void> read_note(std::string_view note);

 private:
  struct Group {
    Reason reason;
    std::size_t group;
    std::size_t count;
    std::string words;
  };
  Group* find(Reason reason, std::size_t group);
  bool full() const;  // no more messages are kept
  void open(Reason reason, std::size_t group, std::size_t count, std::string words);
  void mark(std::size_t first, std::size_t count, Reason reason);

  std::vector<std::uint8_t> marks_;
  std::vector<Group> groups_;
  std::size_t unlisted_ = 0;  // refusals whose group was one too many
  std::size_t total_ = 0;
  std::size_t marked_ = 0;
  std::uint64_t by_reason_[static_cast<std::size_t>(Reason::count_)] = {};
};

}  // namespace weft::ingest
