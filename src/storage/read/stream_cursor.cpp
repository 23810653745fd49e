#include "storage/read/stream_cursor.h"

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"

namespace weft::storage {
namespace {

// The first position in [begin, end) of an in-order list whose time is not before `time`.
std::uint32_t lower_bound(const LogHead& head, const RowList& list, std::uint32_t begin, std::uint32_t end,
                          std::int64_t time) {
  while (begin < end) {
    std::uint32_t middle = begin + (end - begin) / 2;
    if (head.row(list[middle]).time_ns < time) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

bool same_row(const LogHead::Row& a, const LogHead::Row& b) {
  if (a.text() != b.text()) return false;
  return a.metadata == b.metadata || encoded_metadata(a.metadata) == encoded_metadata(b.metadata);
}

// Up to here comparing each with each is cheaper than hashing.
constexpr std::size_t kCompareAll = 8;

}  // namespace

void add_sources(const LogPart& part, std::uint32_t number, const StreamEntry& stream, TimeRange range,
                 std::vector<RowSource>& out) {
  const LogHead& head = *part.head;
  if (range.empty() || head.newest() < range.start_ns || head.oldest() >= range.end_ns) return;
  const LogHead::StreamRows* rows = head.find_stream(stream);
  if (rows == nullptr) return;
  std::uint32_t end = rows->in_order.size_below(part.limit);
  std::uint32_t begin = 0;
  if (end > 0 && head.row(rows->in_order[end - 1]).time_ns >= range.end_ns)
    end = lower_bound(head, rows->in_order, 0, end, range.end_ns);
  if (end > 0 && head.row(rows->in_order[0]).time_ns < range.start_ns)
    begin = lower_bound(head, rows->in_order, 0, end, range.start_ns);
  if (begin < end) {
    RowSource& source = out.emplace_back();
    source.head = &head;
    source.part = number;
    source.list = &rows->in_order;
    source.begin = begin;
    source.end = end;
  }
  const RowList* late = rows->late.load(std::memory_order_acquire);
  if (late == nullptr) return;
  std::vector<std::uint32_t> chosen;
  std::uint32_t count = late->size_below(part.limit);
  for (std::uint32_t i = 0; i < count; ++i)
    if (range.contains(head.row((*late)[i]).time_ns)) chosen.push_back((*late)[i]);
  if (!chosen.empty()) out.push_back(source_of_rows(part, number, std::move(chosen)));
}

RowSource source_of_rows(const LogPart& part, std::uint32_t number, std::vector<std::uint32_t> rows) {
  RowSource source;
  source.head = part.head.get();
  source.part = number;
  std::ranges::sort(rows, [&](std::uint32_t a, std::uint32_t b) {
    std::int64_t x = source.head->row(a).time_ns;
    std::int64_t y = source.head->row(b).time_ns;
    return x != y ? x < y : a < b;
  });
  source.rows = std::move(rows);
  source.end = static_cast<std::uint32_t>(source.rows.size());
  return source;
}

StreamCursor::StreamCursor(std::vector<RowSource> sources, bool backward)
    : sources_(std::move(sources)), backward_(backward) {
  std::erase_if(sources_, [](const RowSource& s) { return s.begin == s.end; });
  find_time();
}

std::int64_t StreamCursor::next_time(const RowSource& source) const {
  return source.row(backward_ ? source.end - 1 : source.begin).time_ns;
}

void StreamCursor::find_time() {
  if (sources_.empty()) return;
  time_ = next_time(sources_[0]);
  for (std::size_t i = 1; i < sources_.size(); ++i) {
    std::int64_t time = next_time(sources_[i]);
    time_ = backward_ ? std::max(time_, time) : std::min(time_, time);
  }
}

void StreamCursor::take_run(std::vector<RowRef>& out) {
  hits_.clear();
  out.clear();
  bool exhausted = false;
  for (RowSource& source : sources_) {
    while (source.begin < source.end) {
      std::uint32_t number = source.number(backward_ ? source.end - 1 : source.begin);
      const LogHead::Row& row = source.head->row(number);
      if (row.time_ns != time_) break;
      hits_.push_back({{source.head, &row}, source.part, number});
      if (backward_) {
        --source.end;
      } else {
        ++source.begin;
      }
    }
    exhausted |= source.begin == source.end;
  }
  if (exhausted) std::erase_if(sources_, [](const RowSource& s) { return s.begin == s.end; });
  find_time();
  if (hits_.size() == 1) {
    out.push_back(hits_[0].ref);
    return;
  }
  std::ranges::sort(hits_, [](const Hit& a, const Hit& b) {
    return a.part != b.part ? a.part < b.part : a.number < b.number;
  });
  for (const Hit& hit : hits_) out.push_back(hit.ref);
  drop_duplicates(out);
  if (backward_) std::ranges::reverse(out);
}

void drop_duplicates(std::vector<RowRef>& rows) {
  std::size_t kept = 0;
  if (rows.size() <= kCompareAll) {
    for (const RowRef& row : rows) {
      auto equal = [&](const RowRef& other) { return same_row(*row.row, *other.row); };
      if (std::none_of(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(kept), equal))
        rows[kept++] = row;
    }
  } else {
    std::unordered_multimap<std::uint64_t, const LogHead::Row*> seen;
    seen.reserve(rows.size());
    for (const RowRef& row : rows) {
      std::uint64_t hash = hash64(row.row->text());
      if (row.row->metadata != nullptr) hash = hash64(encoded_metadata(row.row->metadata), hash);
      auto [begin, end] = seen.equal_range(hash);
      if (std::any_of(begin, end, [&](const auto& item) { return same_row(*item.second, *row.row); }))
        continue;
      seen.emplace(hash, row.row);
      rows[kept++] = row;
    }
  }
  rows.resize(kept);
}

}  // namespace weft::storage
