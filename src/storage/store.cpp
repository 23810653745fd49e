#include "storage/store.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <optional>

#include "base/guarded.h"
#include "base/log.h"
#include "base/machine.h"
#include "storage/read/cut.h"
#include "storage/wal/reader.h"
#include "storage/wal/writer.h"

// One request's way through the store:
//
//   append()          record encoded, streams found                    no lock
//                     rows into the active head, record queued         append mutex
//   writer's thread   record written and synced                        no lock
//                     head publishes its rows, done() is called
//
// Rows are appended and records queued under one mutex, so both have the same order, and publishing
// is one store of a row count. When the log refuses a record, the rows that were appended for it
// can never be published: the head is sealed at what it has published and a new one begins.

namespace weft::storage {
namespace {

constexpr std::uint32_t kNoSegment = std::numeric_limits<std::uint32_t>::max();
// With eight candidate ids a row, positions of postings stay below 2^31.
constexpr std::uint32_t kHeadRowsMax = std::uint32_t{1} << 27;

template <class Head>
struct HeadSlot {
  std::shared_ptr<Head> head = std::make_shared<Head>();
  // The log's first segment with rows of this head, once one is written.
  std::atomic<std::uint32_t> first_segment{kNoSegment};
  std::size_t memory_bytes = 0;  // when sealed

  void wrote(std::uint32_t segment) {
    std::uint32_t first = first_segment.load(std::memory_order_relaxed);
    if (segment < first) first_segment.store(segment, std::memory_order_relaxed);
  }
};
template <class Head>
using HeadPtr = std::shared_ptr<HeadSlot<Head>>;

// Sealed heads and the active one, which is the last: oldest first.
template <class Head>
using HeadList = std::vector<HeadPtr<Head>>;

std::int64_t oldest_kept(std::int64_t now_ns, std::int64_t retention_ns) {
  return retention_ns == 0 ? std::numeric_limits<std::int64_t>::min() : now_ns - retention_ns;
}

std::string mebibytes(std::size_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

struct SignalMetrics {
  SignalMetrics(Registry& r, const char* signal)
      : rows(r.gauge("weft_head_rows", "Rows in memory.", {{"signal", signal}})),
        bytes(r.gauge("weft_head_bytes", "Memory of rows, text and indexes of the heads.",
                      {{"signal", signal}})) {}
  Gauge& rows;
  Gauge& bytes;
};

}  // namespace

struct Store::Impl {
  Impl(Options o, FileSystem& f, const Clock& c, Registry& metrics)
      : options(std::move(o)),
        files(f),
        clock(c),
        log_metrics(metrics, "logs"),
        span_metrics(metrics, "traces"),
        stream_count(metrics.gauge("weft_head_streams", "Log streams known.")),
        head_count(metrics.gauge("weft_storage_heads", "Heads in memory, active ones included.")),
        writer({.directory = options.path,
                .durability = options.durability,
                .sync_interval_ns = options.sync_interval_ns,
                .segment_bytes = options.wal_segment_bytes},
               files, metrics) {
    logs.push_back(std::make_shared<HeadSlot<LogHead>>());
    spans.push_back(std::make_shared<HeadSlot<SpanHead>>());
    publish_lists();
  }

  // --- appending; each requires append_mutex ---

  template <class Head>
  const HeadPtr<Head>& active(HeadList<Head>& list) {
    const Head& head = *list.back()->head;
    if (head.raw_bytes() >= options.head_seal_bytes || head.rows() >= kHeadRowsMax) seal(list);
    return list.back();
  }

  template <class Head>
  void seal(HeadList<Head>& list) {
    list.back()->memory_bytes = list.back()->head->memory_bytes();
    list.push_back(std::make_shared<HeadSlot<Head>>());
    publish_lists();
  }

  // The log has refused records: rows that are not published never will be.
  template <class Head>
  void drop_unpublished(HeadList<Head>& list) {
    const Head& head = *list.back()->head;
    std::uint32_t published = head.published();
    if (head.rows() == published) return;
    if (published != 0) return seal(list);
    list.back() = std::make_shared<HeadSlot<Head>>();
    publish_lists();
  }

  template <class Head>
  static std::size_t memory_of(const HeadList<Head>& list) {
    std::size_t bytes = list.back()->head->memory_bytes();
    for (std::size_t i = 0; i + 1 < list.size(); ++i) bytes += list[i]->memory_bytes;
    return bytes;
  }

  void publish_lists() {
    log_list.store(std::make_shared<const HeadList<LogHead>>(logs));
    span_list.store(std::make_shared<const HeadList<SpanHead>>(spans));
  }

  Result<void> check_room() {
    std::size_t used = memory_of(logs) + memory_of(spans);
    if (used < options.head_memory_max) return {};
    return Error(Code::resource_exhausted,
                 "data in memory needs " + mebibytes(used) + ", limit is " +
                     mebibytes(options.head_memory_max) +
                     " (storage.head-memory-max); raise it, or shorten the retention");
  }

  void count() {
    std::size_t log_rows = 0;
    std::size_t span_rows = 0;
    for (const auto& slot : logs) log_rows += slot->head->rows();
    for (const auto& slot : spans) span_rows += slot->head->rows();
    log_metrics.rows.set(static_cast<double>(log_rows));
    log_metrics.bytes.set(static_cast<double>(memory_of(logs)));
    span_metrics.rows.set(static_cast<double>(span_rows));
    span_metrics.bytes.set(static_cast<double>(memory_of(spans)));
    stream_count.set(static_cast<double>(streams->size()));
    head_count.set(static_cast<double>(logs.size() + spans.size()));
  }

  // Appends rows with `add(head)` and queues the record, so that both keep the same order.
  template <class Head, class Add>
  Result<void> append(HeadList<Head>& list, std::string record, const std::shared_ptr<Done>& done, Add add) {
    bool at_once = options.durability == Durability::none;
    std::lock_guard lock(append_mutex);
    TRY(check_room());
    TRY(writer.admit(record.size()));
    HeadPtr<Head> slot = active(list);
    try {
      add(*slot->head);
    } catch (...) {
      // Half a request (out of memory, a bug): nobody will ever publish it.
      seal(list);
      throw;
    }
    std::uint32_t rows = slot->head->rows();
    auto written = [this, slot, rows, at_once, done](const Result<wal::Lsn>& lsn) {
      if (lsn) slot->wrote(wal::segment_of(*lsn));
      if (at_once) return;
      if (!lsn) {
        discard();
        return (*done)(lsn.error());
      }
      slot->head->publish(rows);
      (*done)({});
    };
    if (auto queued = writer.add(std::move(record), std::move(written)); !queued) {
      drop_unpublished(list);
      return queued;
    }
    if (at_once) slot->head->publish(rows);
    count();
    return {};
  }

  void discard() {
    std::lock_guard lock(append_mutex);
    drop_unpublished(logs);
    drop_unpublished(spans);
  }

  template <class Head, class Add>
  void append_request(const Frame& frame, HeadList<Head>& list, Done done, Add add) {
    auto record = wal::encode_record(frame);
    if (!record) return done(record.error());
    auto shared = std::make_shared<Done>(std::move(done));
    auto queued = append(list, *std::move(record), shared, std::move(add));
    if (!queued || options.durability == Durability::none) (*shared)(std::move(queued));
  }

  std::vector<StreamPtr> streams_of(const TenantId& tenant, const LogBatch& batch) {
    std::uint32_t number = streams->tenant(tenant);
    std::vector<StreamPtr> out;
    out.reserve(batch.streams.size());
    for (const LogStream& s : batch.streams) out.push_back(streams->intern(number, batch.labels_of(s)));
    return out;
  }

  // --- recovery ---

  struct SegmentFile {
    std::uint32_t number = 0;
    std::string path;
  };
  Result<std::vector<SegmentFile>> list_segments() const;
  Result<void> read_log(const std::function<Result<void>(const Frame&)>& replay, RecoveryReport& report);
  Result<wal::SegmentReport> read_one(const SegmentFile& segment, wal::Lsn known_durable,
                                      const std::function<Result<void>(const Frame&)>& replay,
                                      RecoveryReport& report);

  const Options options;
  FileSystem& files;
  const Clock& clock;
  SignalMetrics log_metrics;
  SignalMetrics span_metrics;
  Gauge& stream_count;
  Gauge& head_count;
  std::shared_ptr<void> lock_file;
  const std::shared_ptr<StreamTable> streams = std::make_shared<StreamTable>();

  std::mutex append_mutex;  // guards the lists and what the appender owns in the active heads
  HeadList<LogHead> logs;
  HeadList<SpanHead> spans;
  std::uint32_t replayed_segment = 0;
  std::uint64_t replayed_rows = 0;

  Published<HeadList<LogHead>> log_list{nullptr};
  Published<HeadList<SpanHead>> span_list{nullptr};

  wal::Writer writer;  // last: its thread ends before anything else does
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() {
  (void)close();
}

Result<std::unique_ptr<Store>> Store::open(Options options, FileSystem& files, const Clock& clock,
                                           Registry& metrics) {
  if (options.head_memory_max == 0) options.head_memory_max = machine_memory_bytes() / 2;
  TRY(files.create_directories(options.path));
  auto lock = TRY(files.lock(options.path + "/lock"));
  auto impl = std::make_unique<Impl>(std::move(options), files, clock, metrics);
  impl->lock_file = std::move(lock);
  // An empty directory needs no recovery.
  if (TRY(impl->list_segments()).empty()) impl->writer.start(1, 0);
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::vector<Store::Impl::SegmentFile>> Store::Impl::list_segments() const {
  std::vector<SegmentFile> out;
  for (const std::string& name : TRY(files.list(options.path)))
    if (std::uint32_t number = wal::segment_number(name)) out.push_back({number, options.path + "/" + name});
  std::ranges::sort(out, {}, &SegmentFile::number);
  return out;
}

Result<RecoveryReport> Store::recover(const std::function<Result<void>(const Frame&)>& replay) {
  std::int64_t begin = steady_ns();
  RecoveryReport report;
  TRY(impl_->read_log(replay, report));
  std::lock_guard lock(impl_->append_mutex);
  report.rows = impl_->replayed_rows;
  report.duration_ns = steady_ns() - begin;
  impl_->count();
  return report;
}

Result<void> Store::Impl::read_log(const std::function<Result<void>(const Frame&)>& replay,
                                   RecoveryReport& report) {
  auto segments = TRY(list_segments());
  if (segments.empty()) return {};
  wal::Lsn end = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    // What the next segment's header says about the end of this one.
    wal::Lsn known_durable = 0;
    if (i + 1 < segments.size()) {
      auto file = TRY(files.open(segments[i + 1].path, FileSystem::Mode::read));
      std::string head = TRY(file->read(0, wal::kSegmentHeaderBytes));
      wal::Record record;
      if (wal::decode_record(head, wal::make_lsn(segments[i + 1].number, 0), record) ==
              wal::RecordState::valid &&
          record.segment_header) {
        known_durable = record.previous_end;
        if (wal::segment_of(known_durable) > segments[i].number) {
          ++report.corrupted_frames;
          LOG(error, "write-ahead log segment is missing", {"segment", wal::segment_of(known_durable)});
        }
      }
    }
    auto found = TRY(read_one(segments[i], known_durable, replay, report));
    if (found.end > 0) end = wal::make_lsn(segments[i].number, found.end);
    if (i + 1 == segments.size()) {
      // Later segments will promise that this one ended here; nothing may seem to follow.
      auto file = TRY(files.open(segments[i].path, FileSystem::Mode::read_write));
      TRY(file->truncate(found.end));
      TRY(file->sync());
    }
  }
  writer.start(segments.back().number + 1, end);
  return {};
}

Result<wal::SegmentReport> Store::Impl::read_one(const SegmentFile& segment, wal::Lsn known_durable,
                                                 const std::function<Result<void>(const Frame&)>& replay,
                                                 RecoveryReport& report) {
  auto file = TRY(files.open(segment.path, FileSystem::Mode::read));
  std::string bytes = TRY(file->read(0, static_cast<std::size_t>(TRY(file->size()))));
  {
    std::lock_guard lock(append_mutex);
    replayed_segment = segment.number;
  }
  auto found = wal::read_segment(bytes, segment.number, known_durable, [&](const wal::Record& record) {
    std::string body;
    auto frame = wal::original_frame(record, body);
    Result<void> replayed = frame ? replay(*frame) : Result<void>(frame.error());
    if (replayed) return;
    ++report.corrupted_frames;
    LOG(error, "write-ahead log record cannot be replayed", {"segment", segment.number},
        {"offset", wal::offset_of(record.lsn)}, {"error", replayed.error().message()});
  });
  for (std::uint64_t offset : found.corrupted)
    LOG(error, "write-ahead log is corrupted: acknowledged data is lost", {"segment", segment.number},
        {"offset", offset});
  report.frames += found.frames;
  report.bytes += found.frame_bytes;
  report.torn_bytes += found.torn_bytes;
  report.corrupted_frames += found.corrupted.size();
  return found;
}

void Store::replay_logs(const TenantId& tenant, const LogBatch& batch) {
  auto streams = impl_->streams_of(tenant, batch);
  std::lock_guard lock(impl_->append_mutex);
  auto slot = impl_->active(impl_->logs);
  std::uint32_t before = slot->head->rows();
  slot->head->append(streams, batch, oldest_kept(impl_->clock.now_ns(), impl_->options.log_retention_ns));
  slot->head->publish(slot->head->rows());
  if (slot->head->rows() > before) slot->wrote(impl_->replayed_segment);
  impl_->replayed_rows += slot->head->rows() - before;
}

void Store::replay_spans(const TenantId& tenant, const SpanBatch& batch) {
  std::uint32_t number = impl_->streams->tenant(tenant);
  std::lock_guard lock(impl_->append_mutex);
  auto slot = impl_->active(impl_->spans);
  std::uint32_t before = slot->head->rows();
  slot->head->append(number, batch, oldest_kept(impl_->clock.now_ns(), impl_->options.trace_retention_ns));
  slot->head->publish(slot->head->rows());
  if (slot->head->rows() > before) slot->wrote(impl_->replayed_segment);
  impl_->replayed_rows += slot->head->rows() - before;
}

void Store::append(const Frame& frame, const LogBatch& batch, Done done) {
  auto streams = impl_->streams_of(frame.tenant, batch);
  impl_->append_request(frame, impl_->logs, std::move(done), [&](LogHead& head) {
    head.append(streams, batch, std::numeric_limits<std::int64_t>::min());
  });
}

void Store::append(const Frame& frame, const SpanBatch& batch, Done done) {
  std::uint32_t tenant = impl_->streams->tenant(frame.tenant);
  impl_->append_request(frame, impl_->spans, std::move(done), [&](SpanHead& head) {
    head.append(tenant, batch, std::numeric_limits<std::int64_t>::min());
  });
}

std::shared_ptr<const Snapshot> Store::snapshot() const {
  Cut cut;
  cut.streams = impl_->streams;
  std::int64_t now = impl_->clock.now_ns();
  cut.oldest_log_ns = oldest_kept(now, impl_->options.log_retention_ns);
  cut.oldest_span_ns = oldest_kept(now, impl_->options.trace_retention_ns);
  // Newest first: whatever a newer head has published, older heads had published before.
  auto logs = impl_->log_list.load();
  for (auto slot = logs->rbegin(); slot != logs->rend(); ++slot)
    if (std::uint32_t rows = (*slot)->head->published()) cut.logs.push_back({(*slot)->head, rows});
  std::ranges::reverse(cut.logs);
  auto spans = impl_->span_list.load();
  for (auto slot = spans->rbegin(); slot != spans->rend(); ++slot)
    if (std::uint32_t rows = (*slot)->head->published()) cut.spans.push_back({(*slot)->head, rows});
  std::ranges::reverse(cut.spans);
  return make_snapshot(std::move(cut));
}

bool Store::writable() const {
  return impl_->writer.writable();
}

void Store::enforce_retention() {
  std::int64_t now = impl_->clock.now_ns();
  std::uint32_t needed = kNoSegment;
  {
    std::lock_guard lock(impl_->append_mutex);
    auto drop_old = [&](auto& list, std::int64_t oldest) {
      auto is_old = [&](const auto& slot) {
        return slot->head->rows() > 0 && slot->head->rows() == slot->head->published() &&
               slot->head->newest() < oldest;
      };
      if (is_old(list.back())) impl_->seal(list);
      auto active = list.back();
      std::erase_if(list, [&](const auto& slot) { return slot != active && is_old(slot); });
      for (const auto& slot : list)
        needed = std::min(needed, slot->first_segment.load(std::memory_order_relaxed));
    };
    drop_old(impl_->logs, oldest_kept(now, impl_->options.log_retention_ns));
    drop_old(impl_->spans, oldest_kept(now, impl_->options.trace_retention_ns));
    impl_->publish_lists();
    impl_->count();
  }
  impl_->streams->collect();
  if (auto released = impl_->writer.release_before(needed); !released)
    LOG(warn, "write-ahead log segments could not be released", {"error", released.error().message()});
}

Result<void> Store::close() {
  return impl_->writer.close();
}

}  // namespace weft::storage
