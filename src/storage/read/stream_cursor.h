#pragma once

#include <cstdint>
#include <vector>

#include "storage/read/cut.h"

namespace weft::storage {

// A row and where it lies.
struct RowRef {
  const LogHead* head = nullptr;
  const LogHead::Row* row = nullptr;
};

// Rows of one stream in one part, by (time, arrival): a range of its in-order list, or a list of
// its own.
struct RowSource {
  const LogHead* head = nullptr;
  std::uint32_t part = 0;
  const RowList* list = nullptr;  // null: `rows`
  std::vector<std::uint32_t> rows;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::uint32_t number(std::uint32_t at) const { return list != nullptr ? (*list)[at] : rows[at]; }
  const LogHead::Row& row(std::uint32_t at) const { return head->row(number(at)); }
  std::uint32_t size() const { return end - begin; }
};

// Adds the sources of a stream's rows in `range` that part `number` of the cut holds.
void add_sources(const LogPart& part, std::uint32_t number, const StreamEntry& stream, TimeRange range,
                 std::vector<RowSource>& out);
// Sorts row numbers of a part by (time, arrival) and makes them a source.
RowSource source_of_rows(const LogPart& part, std::uint32_t number, std::vector<std::uint32_t> rows);

// Merges the sources of one stream, forwards or backwards, one time at a time: all rows of a time
// form a run, and of rows in a run that are equal the first to arrive is kept.
class StreamCursor {
 public:
  StreamCursor(std::vector<RowSource> sources, bool backward);

  bool done() const { return sources_.empty(); }
  // Of the next run. Requires !done().
  std::int64_t time() const { return time_; }
  // Replaces `out` by the next run: in order of arrival, or the reverse of it.
  void take_run(std::vector<RowRef>& out);

 private:
  struct Hit {
    RowRef ref;
    std::uint32_t part;
    std::uint32_t number;
  };
  std::int64_t next_time(const RowSource& source) const;
  void find_time();

  std::vector<RowSource> sources_;  // those with rows left
  std::vector<Hit> hits_;
  std::int64_t time_ = 0;
  bool backward_;
};

// Removes rows that equal an earlier one in line and metadata. Requires one stream and one time.
void drop_duplicates(std::vector<RowRef>& rows);

}  // namespace weft::storage
