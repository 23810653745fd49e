#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "storage/read/cut.h"
#include "storage/read/stream_cursor.h"

namespace weft::storage {
namespace {

constexpr std::size_t kBatchRows = 2048;
// A stream with more than twice as many rows is shared out among callers in pieces of about this.
constexpr std::uint32_t kPieceRows = 16 * 1024;

// A stream with the sources of its rows.
struct Chosen {
  StreamPtr stream;
  std::vector<RowSource> sources;
};

std::vector<RowSource> sources_of(const Cut& cut, const StreamEntry& stream, TimeRange range) {
  std::vector<RowSource> sources;
  for (std::uint32_t p = 0; p < cut.logs.size(); ++p) add_sources(cut.logs[p], p, stream, range, sources);
  return sources;
}

// Rows that may hold one of the ids, per stream.
std::vector<Chosen> sources_of_ids(const Cut& cut, const std::vector<StreamPtr>& streams,
                                   const LogScan& scan) {
  std::vector<Chosen> chosen;
  std::unordered_map<const StreamEntry*, std::size_t> position;
  position.reserve(streams.size());
  for (const StreamPtr& stream : streams) {
    position.emplace(stream.get(), chosen.size());
    chosen.push_back({stream, {}});
  }
  std::vector<std::uint32_t> rows;
  std::unordered_map<std::size_t, std::vector<std::uint32_t>> by_stream;
  for (std::uint32_t p = 0; p < cut.logs.size(); ++p) {
    const LogPart& part = cut.logs[p];
    rows.clear();
    for (const TraceId& id : scan.ids) part.head->rows_of_id(id, part.limit, rows);
    part.head->rows_with_id_overflow(part.limit, rows);
    std::ranges::sort(rows);
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    by_stream.clear();
    for (std::uint32_t number : rows) {
      const LogHead::Row& row = part.head->row(number);
      if (!scan.range.contains(row.time_ns)) continue;
      auto at = position.find(part.head->stream_of(row).stream.get());
      if (at != position.end()) by_stream[at->second].push_back(number);
    }
    for (auto& [stream, numbers] : by_stream)
      chosen[stream].sources.push_back(source_of_rows(part, p, std::move(numbers)));
  }
  std::erase_if(chosen, [](const Chosen& c) { return c.sources.empty(); });
  return chosen;
}

// Turns rows into what callers see.
class Shower {
 public:
  explicit Shower(LogRows& out) : out_(out) {
    out_.rows.clear();
    out_.arena.clear();
  }
  void show(const RowRef& ref, const Stream* stream) {
    LogRow& row = out_.rows.emplace_back();
    row.time_ns = ref.row->time_ns;
    row.stream = stream;
    row.line = ref.row->text();
    bytes_ += row.line.size();
    if (ref.row->metadata != nullptr) {
      // Neighbours often share their list.
      if (ref.row->metadata != encoded_) {
        encoded_ = ref.row->metadata;
        decoded_ = decode_metadata(encoded_, out_.arena);
      }
      row.metadata = decoded_;
    }
    if (ref.row->link != 0) {
      const LogHead::Link& link = ref.head->link(*ref.row);
      row.trace_id = link.trace_id;
      row.span_id = link.span_id;
    }
  }
  bool full() const { return out_.rows.size() >= kBatchRows; }
  bool empty() const { return out_.rows.empty(); }
  void count(const exec::Context& context) const {
    context.stats().rows_scanned.fetch_add(out_.rows.size(), std::memory_order_relaxed);
    context.stats().bytes_scanned.fetch_add(bytes_, std::memory_order_relaxed);
  }

 private:
  LogRows& out_;
  std::uint64_t bytes_ = 0;
  const char* encoded_ = nullptr;
  std::span<const Label> decoded_;
};

// Order::any. A piece of work is a stream, or a stretch of time of a long one: no time is ever
// split, so duplicates meet. Work in progress waits among `idle_` between two calls.
class UnorderedSource final : public LogSource {
 public:
  UnorderedSource(const Cut& cut, const LogScan& scan, std::vector<StreamPtr> streams,
                  const exec::Context& context)
      : cut_(cut), context_(context), range_(scan.range) {
    if (scan.ids.empty()) {
      streams_ = std::move(streams);
    } else {
      for (Chosen& chosen : sources_of_ids(cut, streams, scan)) {
        idle_.push_back(
            std::make_unique<Work>(chosen.stream.get(), StreamCursor(std::move(chosen.sources), false)));
        streams_.push_back(std::move(chosen.stream));  // keeps it alive
      }
      next_stream_ = streams_.size();
    }
  }

  Result<bool> next(LogRows& rows) override {
    TRY(context_.check());
    Shower shower(rows);
    while (std::unique_ptr<Work> work = take()) {
      while (!shower.full() && work->advance()) shower.show(work->run[work->at++], work->stream);
      if (shower.full()) {
        std::lock_guard lock(mutex_);
        idle_.push_back(std::move(work));
      }
      if (!shower.empty()) {
        shower.count(context_);
        return true;
      }
    }
    return false;
  }

 private:
  struct Work {
    Work(const StreamEntry* s, StreamCursor c) : stream(s), cursor(std::move(c)) {}
    // False: no row left.
    bool advance() {
      if (at < run.size()) return true;
      if (cursor.done()) return false;
      cursor.take_run(run);
      at = 0;
      return true;
    }
    const StreamEntry* stream;
    StreamCursor cursor;
    std::vector<RowRef> run;
    std::size_t at = 0;
  };
  struct Piece {
    const StreamEntry* stream;
    TimeRange range;
  };

  std::unique_ptr<Work> take() {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto work = std::move(idle_.back());
      idle_.pop_back();
      return work;
    }
    while (true) {
      if (!pieces_.empty()) {
        Piece piece = pieces_.back();
        pieces_.pop_back();
        auto sources = sources_of(cut_, *piece.stream, piece.range);
        if (sources.empty()) continue;
        return std::make_unique<Work>(piece.stream, StreamCursor(std::move(sources), false));
      }
      if (next_stream_ == streams_.size()) return nullptr;
      const StreamEntry* stream = streams_[next_stream_++].get();
      auto sources = sources_of(cut_, *stream, range_);
      if (sources.empty()) continue;
      if (split(stream, sources)) continue;
      return std::make_unique<Work>(stream, StreamCursor(std::move(sources), false));
    }
  }

  // Cuts a long stream's time at every kPieceRows-th row of its longest source.
  bool split(const StreamEntry* stream, const std::vector<RowSource>& sources) {
    const RowSource& longest = *std::ranges::max_element(sources, {}, &RowSource::size);
    if (longest.size() <= 2 * kPieceRows) return false;
    std::int64_t start = range_.start_ns;
    for (std::uint32_t at = longest.begin + kPieceRows; at < longest.end; at += kPieceRows) {
      std::int64_t cut = longest.row(at).time_ns;
      if (cut <= start) continue;
      pieces_.push_back({stream, {start, cut}});
      start = cut;
    }
    pieces_.push_back({stream, {start, range_.end_ns}});
    return true;
  }

  const Cut& cut_;
  const exec::Context& context_;
  const TimeRange range_;

  std::mutex mutex_;  // guards everything below
  std::vector<StreamPtr> streams_;
  std::size_t next_stream_ = 0;
  std::vector<Piece> pieces_;
  std::vector<std::unique_ptr<Work>> idle_;
};

// Order::forward and backward: a heap of streams by the time of their next run.
class OrderedSource final : public LogSource {
 public:
  OrderedSource(const Cut& cut, const LogScan& scan, std::vector<StreamPtr> streams,
                const exec::Context& context)
      : context_(context), backward_(scan.order == Order::backward) {
    std::vector<Chosen> chosen;
    if (scan.ids.empty()) {
      chosen.reserve(streams.size());
      for (StreamPtr& stream : streams) {
        auto sources = sources_of(cut, *stream, scan.range);
        if (!sources.empty()) chosen.push_back({std::move(stream), std::move(sources)});
      }
    } else {
      chosen = sources_of_ids(cut, streams, scan);
    }
    std::ranges::sort(chosen, {}, [](const Chosen& c) -> const std::string& { return c.stream->text; });
    for (Chosen& c : chosen) {
      auto rank = static_cast<std::uint32_t>(cursors_.size());
      cursors_.emplace_back(std::move(c.sources), backward_);
      streams_.push_back(std::move(c.stream));
      heap_.push_back({cursors_.back().time(), rank});
    }
    std::ranges::make_heap(heap_, later());
  }

  Result<bool> next(LogRows& rows) override {
    TRY(context_.check());
    Shower shower(rows);
    while (!shower.full()) {
      if (at_ == run_.size() && !next_run()) break;
      shower.show(run_[at_++], streams_[current_].get());
    }
    shower.count(context_);
    return !shower.empty();
  }

 private:
  struct Next {
    std::int64_t time;
    std::uint32_t rank;  // of the stream by text
  };
  // std::heap keeps the largest on top: the one that no other comes before.
  struct Later {
    bool backward;
    bool operator()(const Next& a, const Next& b) const {
      bool a_is_later = a.time != b.time ? a.time > b.time : a.rank > b.rank;
      return backward ? !a_is_later && (a.time != b.time || a.rank != b.rank) : a_is_later;
    }
  };
  Later later() const { return {backward_}; }

  bool next_run() {
    if (heap_.empty()) return false;
    std::ranges::pop_heap(heap_, later());
    current_ = heap_.back().rank;
    StreamCursor& cursor = cursors_[current_];
    cursor.take_run(run_);
    at_ = 0;
    if (cursor.done()) {
      heap_.pop_back();
    } else {
      heap_.back().time = cursor.time();
      std::ranges::push_heap(heap_, later());
    }
    return true;
  }

  const exec::Context& context_;
  const bool backward_;
  std::vector<StreamPtr> streams_;  // by text
  std::vector<StreamCursor> cursors_;
  std::vector<Next> heap_;
  std::vector<RowRef> run_;
  std::size_t at_ = 0;
  std::uint32_t current_ = 0;
};

}  // namespace

std::unique_ptr<LogSource> scan_logs(const Cut& cut, LogScan scan, const exec::Context& context) {
  scan.range.start_ns = std::max(scan.range.start_ns, cut.oldest_log_ns);
  std::vector<StreamPtr> streams;
  if (auto tenant = cut.streams->find_tenant(scan.tenant); tenant && !scan.range.empty())
    streams = cut.streams->select(*tenant, scan.matchers);
  if (scan.order == Order::any)
    return std::make_unique<UnorderedSource>(cut, scan, std::move(streams), context);
  return std::make_unique<OrderedSource>(cut, scan, std::move(streams), context);
}

}  // namespace weft::storage
