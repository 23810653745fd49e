#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "model/ids.h"
#include "model/labels.h"
#include "model/tenant.h"
#include "model/time.h"
#include "storage/block/bloom.h"
#include "storage/block/format.h"
#include "storage/block/id_dictionary.h"
#include "storage/block/log_directory.h"
#include "storage/block/log_pages.h"

// Reading blocks of logs in two steps, so that only pages that are needed are read and decoded: a
// LogRowCursor finds the rows of a stream by their times, LogBlockReader::fetch() brings what is wanted
// of them.

namespace weft::storage::block {

// A row by its number in the block.
struct LogRowRef {
  std::int64_t time_ns = 0;
  std::uint32_t row = 0;
  std::uint32_t stream = 0;  // in LogDirectory::streams
};

struct LogBlockRows {
  struct Row {
    LogRowRef ref;
    std::string_view line;
    std::span<const Label> metadata;
    TraceId trace_id;
    SpanId span_id;
  };
  std::vector<Row> rows;
  // What keeps the text alive that the rows show.
  Arena arena;
  std::vector<LogPagePtr> pages;

  void clear() {
    rows.clear();
    arena.clear();
    pages.clear();
  }
};

// What fetch() is to bring; the rest stays empty.
struct LogWanted {
  bool line = true;
  bool metadata = true;
  bool link = true;  // trace_id, span_id
};

// Where rows may be that hold one of some ids: a superset.
struct LogIdHits {
  std::vector<std::uint32_t> groups;    // ascending
  std::vector<std::uint32_t> ordinals;  // of those ids that are in the block, ascending
};

// An open block. What open() keeps in memory is the directory: about 100 bytes a stream, 32 a run, 8 a page.
// const methods are thread-safe.
class LogBlockReader {
 public:
  // Errors: corrupted, naming the block and the section; unimplemented for a block of a later
  // program; what the source says.
  static Result<std::shared_ptr<const LogBlockReader>> open(std::shared_ptr<const BlockSource> source);

  const std::string& name() const { return file_.name(); }
  const LogDirectory& directory() const { return directory_; }
  // Streams of a tenant with a row whose run overlaps the range, as numbers, ascending.
  std::vector<std::uint32_t> streams(const TenantId& tenant, TimeRange range) const;
  // Runs of a stream by time, as numbers in directory().runs.
  std::span<const std::uint32_t> runs_of(std::uint32_t stream) const {
    return std::span(runs_by_stream_)
        .subspan(run_begins_[stream], run_begins_[stream + 1] - run_begins_[stream]);
  }

  // Where rows with one of the ids may be. Reads the filter, and of each id that may be there one
  // page of the dictionary. Errors: corrupted; what the source says.
  Result<LogIdHits> find_ids(std::span<const TraceId> ids, LogPageCache& cache) const;

  // Fills `out` with what is wanted of the rows, in their order; two reads at most, one for columns and one
  // for ids. Errors: corrupted, naming block, row group and column; what the source says.
  Result<void> fetch(std::span<const LogRowRef> rows, LogWanted wanted, LogPageCache& cache,
                     LogBlockRows& out) const;

  // One page. `column` is its place among those of the row group. Errors: as of fetch().
  Result<LogPagePtr> page(std::uint32_t group, std::uint32_t column, std::uint32_t page,
                          LogPageCache& cache) const;

 private:
  friend class LogFetch;
  // What is needed for ids, read when first asked for.
  struct Ids {
    IdIndex index;
    std::string filter_bytes;
    std::optional<BloomFilter> filter;
  };

  explicit LogBlockReader(BlockFile file) : file_(std::move(file)) {}
  void index_runs();
  Result<std::shared_ptr<const Ids>> ids() const;
  // Pages by key, all of this block, in the order asked for; in one read.
  Result<void> load(std::span<const LogPageKey> keys, LogPageCache& cache,
                    std::vector<LogPagePtr>& out) const;
  Result<LogPagePtr> decode(const LogPageKey& key, std::string bytes, const Ids* ids, Zstd& zstd) const;
  // In the section that holds it.
  ByteRange place_of(const LogPageKey& key, const Ids* ids) const;
  std::uint32_t rows_of(const LogPageKey& key) const;
  Error describe(const Error& error, const LogPageKey& key) const;

  BlockFile file_;
  LogDirectory directory_;
  std::vector<std::uint32_t> run_begins_;      // by stream, one more than there are
  std::vector<std::uint32_t> runs_by_stream_;  // numbers of runs

  mutable std::mutex ids_mutex_;  // guards ids_
  mutable std::shared_ptr<const Ids> ids_;
};

// Goes through the rows of one stream in a range of time, forwards or backwards by (time, arrival).
// Reader, cache and hits must outlive it. One thread.
class LogRowCursor {
 public:
  struct Options {
    std::uint32_t stream = 0;
    TimeRange range;
    bool backward = false;
    const LogIdHits* ids = nullptr;  // only rows that may hold one of them
  };
  LogRowCursor(const LogBlockReader& reader, LogPageCache& cache, const Options& options);

  // Replaces `out` by up to `max` rows; none: there are no more. Reads pages of times (and of ids,
  // if those matter). Errors: as of fetch().
  Result<void> next(std::size_t max, std::vector<LogRowRef>& out);

 private:
  // The page of a column on which the last row was found.
  struct Column {
    std::uint32_t number = 0;  // among those of the row group
    const LogColumn* column = nullptr;
    LogPagePtr page;
    std::uint32_t first = 0;  // rows [first, end) of the row group
    std::uint32_t end = 0;
  };
  void set_column(Column& column, LogColumnKind kind) const;
  Result<void> seek(Column& column, std::uint32_t row) const;
  Result<std::int64_t> time_of(std::uint32_t row);
  Result<bool> may_hold_id(std::uint32_t row);
  Result<void> enter_run(const LogRun& run);
  Result<std::uint32_t> first_at_or_after(const LogRun& run, std::int64_t time_ns);

  const LogBlockReader& reader_;
  LogPageCache& cache_;
  const Options options_;
  std::vector<std::uint32_t> runs_;  // still to come, the next one last
  std::uint32_t group_ = 0;
  std::uint32_t begin_ = 0;  // rows [begin_, end_) of the run at hand are left, numbered in the row group
  std::uint32_t end_ = 0;
  Column times_;
  Column traces_;
  Column other_ids_;
  Column more_ids_;
};

}  // namespace weft::storage::block
