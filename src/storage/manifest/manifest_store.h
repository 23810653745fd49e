#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/metrics.h"
#include "base/object_store.h"
#include "base/result.h"
#include "storage/manifest/manifest.h"

namespace weft::storage {

struct ListedBlock {
  Partition partition;
  const Block* block = nullptr;  // lives as long as the view
};

struct UnreadableManifest {
  Partition partition;
  Error error;
};

// All manifests at one moment. Immutable; while somebody holds it, no object of a block that it lists
// is deleted by this process.
class ManifestView {
 public:
  // Every partition that has a manifest, in order; null when there is none.
  const Manifest* find(Partition partition) const;
  std::vector<const Manifest*> all() const;
  Lsn watermark(Partition partition, std::string_view node) const;
  // The blocks with a row in the range, oldest partition first. Costs a glance at every partition and
  // at every block of those that overlap.
  std::vector<ListedBlock> blocks(Signal signal, TimeRange range) const;
  // Partitions whose blocks are unknown: answers that touch them have to say so.
  const std::vector<UnreadableManifest>& unreadable() const { return unreadable_; }

 private:
  friend class ManifestStore;
  struct Entry {
    Manifest manifest;
    std::int64_t first_ns = 0;  // hull of its blocks; first > last: it has none
    std::int64_t last_ns = -1;
  };
  using Entries = std::vector<std::shared_ptr<const Entry>>;
  static Entries::const_iterator lower_bound(const Entries& entries, Partition partition);

  Entries entries_;  // by partition
  std::vector<UnreadableManifest> unreadable_;
};

struct ManifestOptions {
  std::string node;  // whose watermarks this process moves
  // Retired objects stay at least that long, for readers in other processes: twice the longest query.
  std::int64_t retired_grace_ns = 15 * 60 * std::int64_t{1'000'000'000};
  // Objects in no manifest are garbage after that. Must be longer than the next by more than one
  // request can take.
  std::int64_t orphan_grace_ns = 24 * 3600 * std::int64_t{1'000'000'000};
  // Blocks written longer ago than that are not committed any more: a collector may have them in hand.
  std::int64_t commit_age_max_ns = 12 * 3600 * std::int64_t{1'000'000'000};
  // An expired partition's manifest stays that long, to turn away who is late.
  std::int64_t expired_grace_ns = 7 * 24 * 3600 * std::int64_t{1'000'000'000};
  std::uint32_t attempts_max = 40;  // of one change, before it gives up as unavailable
  std::uint64_t seed = 0;           // of nonces and jitter; 0: random
  // Waits between attempts; empty: sleeps. For tests.
  std::function<void(std::int64_t ns)> pause;
};

// The manifests of an object store: changes them by get and compare-and-swap, over and over until
// nobody interferes, and keeps a view of all. Thread-safe; any number of processes may have one each.
class ManifestStore {
 public:
  // `objects` and `metrics` outlive it.
  ManifestStore(ObjectStore& objects, ManifestOptions options, Registry& metrics);
  ~ManifestStore();  // close()

  // Reads every manifest that the store lists into the view. What cannot be decoded is reported by
  // unreadable() and logged; commits to it fail. Errors: what the object store says.
  Result<void> load();
  // Reads one manifest into the view, for what another process may have changed.
  Result<void> refresh(Partition partition);
  std::shared_ptr<const ManifestView> view() const { return view_.load(); }

  // Adds flushed blocks and moves the watermark of options.node. `begun_ns`: objects.now_ns() before
  // the first of the blocks' objects was begun. `flush.node` is filled in.
  // Errors: deadline_exceeded for blocks that are too old to be committed (write them again under
  // another epoch); unavailable after attempts_max; corrupted; what the object store says. After an
  // error the commit may have happened: the same call again answers already_done then.
  Result<FlushResult> commit_flush(Partition partition, Flush flush, std::int64_t begun_ns);
  // Replaces blocks by others. Same errors.
  Result<MergeOutcome> commit_merge(Partition partition, const Merge& merge, std::int64_t begun_ns);
  // Takes blocks off the list: how many were on it.
  Result<std::size_t> retire(Partition partition, std::vector<BlockId> ids);
  // Takes every partition of a signal that is past retention: how many it took.
  Result<std::size_t> expire(Signal signal, std::int64_t retention_ns);

  struct Collected {
    std::size_t blocks = 0;
    std::size_t manifests = 0;
  };
  // Deletes the objects of blocks that are retired for long enough and that no view lists, and the
  // manifests of partitions that are long expired. What fails is tried by the next call.
  Result<Collected> collect_garbage();

  // Block objects that no manifest knows and that are older than the grace time, by a listing of the
  // whole store: for once a day. They may be removed at any time. Those of unreadable manifests are
  // never among them.
  Result<std::vector<ObjectInfo>> orphans();

  // Wakes and fails whoever waits for another attempt. Idempotent.
  void close();

 private:
  struct Metrics {
    explicit Metrics(Registry& registry);
    Counter& changes;
    Counter& races_lost;
    Counter& unreadable;
    Counter& blocks_deleted;
  };
  enum class Change : unsigned char { made, none };
  using Changer = std::function<Result<Change>(Manifest&)>;

  struct Stored {
    Manifest manifest;
    std::string etag;  // empty: there is none
  };
  Result<Stored> read(Partition partition);
  Result<void> change(Partition partition, const Changer& changer);
  Result<void> check_age(std::int64_t begun_ns) const;
  Result<Collected> collect_garbage(Partition partition);
  Result<void> wait_before(std::uint32_t attempt);
  std::uint64_t random();

  void publish(Manifest manifest);
  void publish_unreadable(Partition partition, const Error& error);
  void publish_removed(Partition partition);
  void store_view(std::shared_ptr<const ManifestView> next);  // requires publishing_
  bool is_read(Partition partition, BlockId id);

  ObjectStore& objects_;
  const ManifestOptions options_;
  Metrics metrics_;

  std::mutex publishing_;  // from loading a view to storing its successor; memory work only
  Published<ManifestView> view_;
  std::vector<std::weak_ptr<const ManifestView>> earlier_;  // views that may be held; guarded by publishing_

  Guarded<std::mt19937_64> random_;

  std::mutex closing_mutex_;
  std::condition_variable closing_changed_;
  bool closing_ = false;
};

}  // namespace weft::storage
