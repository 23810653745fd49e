#include "ingest/tail.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"

namespace weft::ingest {
namespace {

using std::chrono::milliseconds;

// How often followers are asked without rows: they notice closed sockets and what was held back.
constexpr milliseconds kTick{200};
constexpr milliseconds kCancelledAsked{100};
constexpr std::int64_t kPushesMaxNs = 10'000'000'000;
// Streams named when rows are lost, of one push and of all that wait.
constexpr std::size_t kLostPerPushMax = 100;
constexpr std::size_t kLostMax = 1000;

std::size_t bytes_of(const LogBatch& batch) {
  std::size_t bytes = sizeof(TailedRows) + batch.entries.size() * sizeof(LogEntry) +
                      batch.streams.size() * sizeof(LogStream) +
                      (batch.labels.size() + batch.metadata.size()) * sizeof(Label);
  for (const LogEntry& e : batch.entries) bytes += e.line.size();
  for (const Label& l : batch.labels) bytes += l.name.size() + l.value.size();
  for (const Label& l : batch.metadata) bytes += l.name.size() + l.value.size();
  return bytes;
}

void copy_batch(const LogBatch& from, LogBatch& to) {
  to.streams = from.streams;
  to.entries = from.entries;
  for (LogEntry& e : to.entries) {
    e.line = to.arena.copy(e.line);
    e.ids_begin = e.ids_count = 0;
  }
  auto copy_labels = [&](const std::vector<Label>& labels, std::vector<Label>& out) {
    out.reserve(labels.size());
    for (const Label& l : labels) out.push_back({to.arena.copy(l.name), to.arena.copy(l.value)});
  };
  copy_labels(from.labels, to.labels);
  copy_labels(from.metadata, to.metadata);
}

std::vector<LostRows> lost_rows(const TenantId& tenant, const LogBatch& batch) {
  std::vector<LostRows> lost;
  for (const LogStream& s : batch.streams) {
    if (s.entries_count == 0) continue;
    if (lost.size() == kLostPerPushMax) break;
    auto entries = std::span(batch.entries).subspan(s.entries_begin, s.entries_count);
    lost.push_back({tenant, LabelSet::from(batch.labels_of(s)),
                    std::ranges::max(entries, {}, &LogEntry::time_ns).time_ns});
  }
  return lost;
}

}  // namespace

TailedRows::~TailedRows() {
  if (held) held->fetch_sub(bytes, std::memory_order_relaxed);
}

// Who follows whom, at one moment. Pushes under way keep the one that they began with, so that the
// end of all older ones is the end of all pushes that did not know the newest follower.
struct Tail::Followers {
  std::map<TenantId, std::vector<std::shared_ptr<Follower>>, std::less<>> of_tenant;
};

struct Tail::Shared {
  Published<Followers> followers{std::make_shared<const Followers>()};
  Guarded<std::vector<std::weak_ptr<const Followers>>> older;  // and the right to publish a new one
  std::atomic<std::uint64_t> sequence{0};
  std::shared_ptr<std::atomic<std::size_t>> held = std::make_shared<std::atomic<std::size_t>>(0);
  std::atomic<int> waiting{0};  // follow() calls that want to hear of the end of pushes

  // The queue; not a Guarded, because it is waited for with a time and a stop token.
  std::mutex mutex;
  std::condition_variable_any changed;
  std::vector<TailedRowsPointer> rows;
  std::vector<LostRows> lost;

  // Publishes what `change` makes of the followers, unless it refuses. Returns the older ones.
  template <class Change>
  Result<std::vector<std::weak_ptr<const Followers>>> replace(Change change) {
    auto lists = older.lock();
    auto current = followers.load();
    auto next = std::make_shared<Followers>(*current);
    TRY(change(*next));
    std::erase_if(*lists, [](const auto& list) { return list.expired(); });
    lists->push_back(current);
    followers.store(std::move(next));
    return *lists;
  }
};

void Tail::Ticket::publish() {
  if (rows_ || lost_) {
    std::lock_guard lock(shared_->mutex);
    if (rows_) shared_->rows.push_back(std::move(rows_));
    if (lost_)
      for (const LostRows& l : *lost_)
        if (shared_->lost.size() < kLostMax) shared_->lost.push_back(l);
    shared_->changed.notify_all();
  }
  release();
}

void Tail::Ticket::release() {
  if (!shared_) return;
  seen_.reset();
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (shared_->waiting.load() > 0) {
    std::lock_guard lock(shared_->mutex);
    shared_->changed.notify_all();
  }
  shared_.reset();
}

Tail::Tail(std::size_t bytes_max, Registry& metrics)
    : bytes_max_(bytes_max),
      dropped_rows_(metrics.counter("weft_tail_dropped_rows_total",
                                    "Log lines that live tails did not get because too much waited.")),
      follower_count_(metrics.gauge("weft_tail_followers", "Live tails under way.")),
      shared_(std::make_shared<Shared>()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Tail::~Tail() {
  thread_.request_stop();
  thread_.join();
}

Tail::Ticket Tail::begin(const TenantId& tenant, const LogBatch& batch) {
  Ticket ticket;
  ticket.shared_ = shared_;
  ticket.seen_ = shared_->followers.load();
  if (!ticket.seen_->of_tenant.contains(tenant)) return ticket;
  std::size_t bytes = bytes_of(batch);
  if (shared_->held->fetch_add(bytes, std::memory_order_relaxed) + bytes > bytes_max_) {
    shared_->held->fetch_sub(bytes, std::memory_order_relaxed);
    dropped_rows_.add(batch.entries.size());
    ticket.lost_ = std::make_shared<const std::vector<LostRows>>(lost_rows(tenant, batch));
    return ticket;
  }
  auto rows = std::make_shared<TailedRows>();
  rows->held = shared_->held;
  rows->bytes = bytes;
  rows->tenant = tenant;
  rows->sequence = shared_->sequence.fetch_add(1) + 1;
  copy_batch(batch, rows->batch);
  ticket.rows_ = std::move(rows);
  return ticket;
}

Result<void> Tail::follow(const TenantId& tenant, std::shared_ptr<Follower> follower,
                          std::size_t followers_max, const std::function<bool()>& cancelled) {
  auto older = TRY(shared_->replace([&](Followers& next) -> Result<void> {
    auto& of_tenant = next.of_tenant[tenant];
    std::erase_if(of_tenant, [](const auto& f) { return f->gone(); });
    of_tenant.push_back(follower);
    if (followers_max == 0 || of_tenant.size() <= followers_max) return {};
    return Error(Code::resource_exhausted,
                 fmt::format("max concurrent tail requests limit exceeded, count > limit ({} > {})",
                             of_tenant.size(), followers_max));
  }));
  auto all_ended = [&] {
    return std::ranges::all_of(older, [](const auto& list) { return list.expired(); });
  };
  std::int64_t deadline_ns = steady_ns() + kPushesMaxNs;
  shared_->waiting.fetch_add(1);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Result<void> result;
  std::unique_lock lock(shared_->mutex);
  shared_->changed.notify_all();  // the thread, that there is somebody
  while (result && !shared_->changed.wait_for(lock, kCancelledAsked, all_ended)) {
    if (cancelled()) result = Error(Code::cancelled, "the client went away");
    if (steady_ns() > deadline_ns)
      result = Error(Code::unavailable, "writes that began before do not end; is the disk stuck?");
  }
  lock.unlock();
  shared_->waiting.fetch_sub(1);
  if (!result) forget({follower.get()});
  return result;
}

std::uint64_t Tail::sequence() const {
  return shared_->sequence.load();
}

void Tail::run(const std::stop_token& stop) {
  std::vector<TailedRowsPointer> rows;
  std::vector<LostRows> lost;
  while (!stop.stop_requested()) {
    {
      auto something = [&] { return !shared_->rows.empty() || !shared_->lost.empty(); };
      std::unique_lock lock(shared_->mutex);
      if (shared_->followers.load()->of_tenant.empty()) {
        shared_->changed.wait(lock, stop, [&] {
          return something() || !shared_->followers.load()->of_tenant.empty();
        });
      } else {
        shared_->changed.wait_for(lock, stop, kTick, something);
      }
      rows.swap(shared_->rows);
      lost.swap(shared_->lost);
    }
    deliver(rows, lost);
    rows.clear();
    lost.clear();
  }
}

void Tail::deliver(const std::vector<TailedRowsPointer>& rows, const std::vector<LostRows>& lost) {
  std::vector<const Follower*> done;
  std::size_t count = 0;
  std::vector<TailedRowsPointer> rows_of;
  std::vector<LostRows> lost_of;
  {
    auto followers = shared_->followers.load();
    for (const auto& [tenant, of_tenant] : followers->of_tenant) {
      rows_of.clear();
      lost_of.clear();
      for (const auto& r : rows)
        if (r->tenant == tenant) rows_of.push_back(r);
      for (const auto& l : lost)
        if (l.tenant == tenant) lost_of.push_back(l);
      for (const auto& follower : of_tenant) {
        ++count;
        try {
          if (!follower->receive(rows_of, lost_of)) done.push_back(follower.get());
        } catch (const std::exception& e) {  // of one follower; the others go on
          LOG(error, "a live tail failed", {"error", e.what()});
          done.push_back(follower.get());
        }
      }
    }
  }
  follower_count_.set(static_cast<double>(count - done.size()));
  if (!done.empty()) forget(done);
}

void Tail::forget(const std::vector<const Follower*>& done) {
  auto replaced = shared_->replace([&](Followers& next) -> Result<void> {
    for (auto& [tenant, of_tenant] : next.of_tenant)
      std::erase_if(of_tenant, [&](const auto& f) { return std::ranges::find(done, f.get()) != done.end(); });
    std::erase_if(next.of_tenant, [](const auto& item) { return item.second.empty(); });
    return {};
  });
  static_cast<void>(replaced);
}

}  // namespace weft::ingest
