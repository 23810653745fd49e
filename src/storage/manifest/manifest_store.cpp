#include "storage/manifest/manifest_store.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "storage/manifest/encoding.h"

namespace weft::storage {
namespace {

// Waits grow from 2 ms (a local rename) to 1 s, each a random part of that: who lost to each other
// once do not meet again.
constexpr std::int64_t kPauseNs = 2'000'000;
constexpr std::int64_t kPauseNsMax = 1'000'000'000;

std::string describe(Partition partition) {
  return fmt::format("manifest of {} {}", to_string(partition.signal), partition.name());
}

}  // namespace

ManifestView::Entries::const_iterator ManifestView::lower_bound(const Entries& entries, Partition partition) {
  return std::ranges::lower_bound(entries, partition, {},
                                  [](const auto& entry) { return entry->manifest.partition; });
}

const Manifest* ManifestView::find(Partition partition) const {
  auto at = lower_bound(entries_, partition);
  return at != entries_.end() && (*at)->manifest.partition == partition ? &(*at)->manifest : nullptr;
}

std::vector<const Manifest*> ManifestView::all() const {
  std::vector<const Manifest*> manifests;
  manifests.reserve(entries_.size());
  for (const auto& entry : entries_) manifests.push_back(&entry->manifest);
  return manifests;
}

Lsn ManifestView::watermark(Partition partition, std::string_view node) const {
  const Manifest* manifest = find(partition);
  return manifest == nullptr ? 0 : manifest->watermark(node);
}

std::vector<ListedBlock> ManifestView::blocks(Signal signal, TimeRange range) const {
  std::vector<ListedBlock> found;
  for (const auto& entry : entries_) {
    const Manifest& manifest = entry->manifest;
    if (manifest.partition.signal != signal || entry->first_ns > entry->last_ns) continue;
    if (entry->first_ns >= range.end_ns || entry->last_ns < range.start_ns) continue;
    for (const Block& block : manifest.blocks)
      if (overlaps(block, range)) found.push_back({manifest.partition, &block});
  }
  return found;
}

ManifestStore::Metrics::Metrics(Registry& registry)
    : changes(registry.counter("weft_manifest_changes_total", "Manifests written by this process.")),
      races_lost(
          registry.counter("weft_manifest_races_lost_total",
                           "Writes of manifests that somebody else had changed meanwhile; tried again.")),
      unreadable(registry.counter("weft_manifest_unreadable_total", "Manifests that could not be decoded.")),
      blocks_deleted(
          registry.counter("weft_blocks_deleted_total", "Objects of retired blocks that were deleted.")) {}

ManifestStore::ManifestStore(ObjectStore& objects, ManifestOptions options, Registry& metrics)
    : objects_(objects),
      options_(std::move(options)),
      metrics_(metrics),
      view_(std::make_shared<const ManifestView>()),
      random_(options_.seed != 0 ? options_.seed
                                 : std::uint64_t{std::random_device()()} << 32 | std::random_device()()) {
  CHECK(options_.node.size() <= kNodeBytesMax);
  CHECK(options_.commit_age_max_ns < options_.orphan_grace_ns);
}

ManifestStore::~ManifestStore() {
  close();
}

void ManifestStore::close() {
  {
    std::lock_guard lock(closing_mutex_);
    closing_ = true;
  }
  closing_changed_.notify_all();
}

Result<ManifestStore::Stored> ManifestStore::read(Partition partition) {
  Stored stored;
  stored.manifest.partition = partition;
  auto object = objects_.get(manifest_key(partition), kManifestBytesMax);
  if (!object && object.error().code() == Code::not_found) return stored;
  if (!object) return object.error().in_context(describe(partition));
  auto manifest = decode_manifest(object->bytes, partition);
  if (!manifest) return manifest.error().in_context(describe(partition));
  stored.manifest = std::move(*manifest);
  stored.etag = std::move(object->etag);
  return stored;
}

Result<void> ManifestStore::load() {
  std::vector<Partition> partitions;
  for (const ObjectInfo& object : TRY(objects_.list(kManifestPrefix)))
    if (auto partition = parse_manifest_key(object.key)) partitions.push_back(*partition);
  for (Partition partition : partitions) {
    auto refreshed = refresh(partition);
    if (refreshed) continue;
    Code code = refreshed.error().code();
    if (code != Code::corrupted && code != Code::unimplemented) return refreshed;
  }
  return {};
}

Result<void> ManifestStore::refresh(Partition partition) {
  auto stored = read(partition);
  if (!stored) {
    Code code = stored.error().code();
    if (code == Code::corrupted || code == Code::unimplemented) publish_unreadable(partition, stored.error());
    return stored.error();
  }
  if (stored->etag.empty())
    publish_removed(partition);
  else
    publish(std::move(stored->manifest));
  return {};
}

Result<void> ManifestStore::change(Partition partition, const Changer& changer) {
  Error last(Code::unavailable, "others changed it each time");
  for (std::uint32_t attempt = 0; attempt < options_.attempts_max; ++attempt) {
    if (attempt > 0) TRY(wait_before(attempt));
    auto stored = read(partition);
    if (!stored && stored.error().code() != Code::unavailable) return stored.error();
    if (!stored) {
      last = stored.error();
      continue;
    }
    Manifest manifest = std::move(stored->manifest);
    if (TRY(changer(manifest)) == Change::none) {
      if (!stored->etag.empty()) publish(std::move(manifest));
      return {};
    }
    ++manifest.version;
    manifest.nonce = random();
    auto outcome =
        objects_.compare_and_swap(manifest_key(partition), stored->etag, TRY(encode_manifest(manifest)));
    if (!outcome && outcome.error().code() != Code::unavailable)
      return outcome.error().in_context(describe(partition));
    if (!outcome) {  // it may have happened or not: the next round sees
      last = outcome.error();
      continue;
    }
    if (*outcome == PutOutcome::written) {
      metrics_.changes.add();
      publish(std::move(manifest));
      return {};
    }
    metrics_.races_lost.add();
  }
  return Error(Code::unavailable, fmt::format("{} could not be changed in {} attempts: {}",
                                              describe(partition), options_.attempts_max, last.message()));
}

Result<void> ManifestStore::check_age(std::int64_t begun_ns) const {
  std::int64_t age_ns = objects_.now_ns() - begun_ns;
  if (age_ns <= options_.commit_age_max_ns) return {};
  return Error(Code::deadline_exceeded,
               fmt::format("blocks were written {} s ago, limit is {} s; they have to be written again",
                           age_ns / kNsPerSecond, options_.commit_age_max_ns / kNsPerSecond));
}

Result<FlushResult> ManifestStore::commit_flush(Partition partition, Flush flush, std::int64_t begun_ns) {
  flush.node = options_.node;
  FlushResult result;
  TRY(change(partition, [&](Manifest& manifest) -> Result<Change> {
    result = TRY(storage::commit_flush(manifest, flush));
    if (result.outcome != FlushOutcome::committed) return Change::none;
    if (!flush.blocks.empty()) TRY(check_age(begun_ns));
    return Change::made;
  }));
  return result;
}

Result<MergeOutcome> ManifestStore::commit_merge(Partition partition, const Merge& merge,
                                                 std::int64_t begun_ns) {
  MergeOutcome result = MergeOutcome::lost;
  TRY(change(partition, [&](Manifest& manifest) -> Result<Change> {
    result = TRY(storage::commit_merge(manifest, merge, objects_.now_ns()));
    if (result != MergeOutcome::committed) return Change::none;
    if (!merge.add.empty()) TRY(check_age(begun_ns));
    return Change::made;
  }));
  return result;
}

Result<std::size_t> ManifestStore::retire(Partition partition, std::vector<BlockId> ids) {
  std::size_t count = 0;
  TRY(change(partition, [&](Manifest& manifest) -> Result<Change> {
    count = storage::retire(manifest, ids, objects_.now_ns());
    return count == 0 ? Change::none : Change::made;
  }));
  return count;
}

Result<std::size_t> ManifestStore::expire(Signal signal, std::int64_t retention_ns) {
  std::size_t count = 0;
  auto current = view();
  for (const Manifest* manifest : current->all()) {
    if (manifest->partition.signal != signal || manifest->state == Manifest::State::expired ||
        !is_past_retention(manifest->partition, objects_.now_ns(), retention_ns))
      continue;
    bool expired = false;
    TRY(change(manifest->partition, [&](Manifest& found) -> Result<Change> {
      expired = found.version > 0 && storage::expire(found, objects_.now_ns());
      return expired ? Change::made : Change::none;
    }));
    count += expired ? 1 : 0;
  }
  return count;
}

Result<ManifestStore::Collected> ManifestStore::collect_garbage() {
  Collected total;
  auto current = view();
  for (const Manifest* manifest : current->all()) {
    if (manifest->retired.empty() && manifest->state == Manifest::State::open) continue;
    Collected collected = TRY(collect_garbage(manifest->partition));
    total.blocks += collected.blocks;
    total.manifests += collected.manifests;
  }
  return total;
}

Result<ManifestStore::Collected> ManifestStore::collect_garbage(Partition partition) {
  // First into the view, so that nobody who begins to read from now on sees what we delete.
  auto stored = TRY(read(partition));
  if (stored.etag.empty()) {
    publish_removed(partition);
    return Collected();
  }
  const std::int64_t now_ns = objects_.now_ns();
  std::vector<BlockId> ids = garbage(stored.manifest, now_ns, options_.retired_grace_ns);
  const bool removable = is_removable(stored.manifest, now_ns, options_.expired_grace_ns);
  publish(std::move(stored.manifest));
  std::erase_if(ids, [&](BlockId id) { return is_read(partition, id); });
  // An id never returns to the list, so deleting is right however old our knowledge is. First the
  // object, then its entry: the other way round a crash would leave it to the collector of orphans.
  for (BlockId id : ids) TRY(objects_.remove(block_key(partition, id)));
  Collected collected;
  if (!ids.empty()) {
    TRY(change(partition, [&](Manifest& manifest) -> Result<Change> {
      collected.blocks = forget(manifest, ids);
      return collected.blocks == 0 ? Change::none : Change::made;
    }));
    metrics_.blocks_deleted.add(collected.blocks);
  }
  if (removable) {
    TRY(objects_.remove(manifest_key(partition)));
    publish_removed(partition);
    collected.manifests = 1;
  }
  return collected;
}

Result<std::vector<ObjectInfo>> ManifestStore::orphans() {
  const std::int64_t now_ns = objects_.now_ns();
  std::map<Partition, std::vector<std::pair<BlockId, ObjectInfo>>> old;
  for (ObjectInfo& object : TRY(objects_.list(kBlockPrefix))) {
    auto name = parse_block_key(object.key);  // what is not named like a block is not ours
    if (!name || object.modified_ns > now_ns - options_.orphan_grace_ns) continue;
    old[name->partition].emplace_back(name->id, std::move(object));
  }
  std::vector<ObjectInfo> found;
  for (auto& [partition, objects] : old) {
    // Read after the listing, from the store: an object so old that is not known now never will be.
    auto stored = read(partition);
    if (!stored) {
      Code code = stored.error().code();
      if (code != Code::corrupted && code != Code::unimplemented) return stored.error();
      publish_unreadable(partition, stored.error());
      continue;
    }
    std::unordered_set<std::string> known;
    for (const Block& block : stored->manifest.blocks) known.insert(to_hex(block.id));
    for (const Retired& retired : stored->manifest.retired) known.insert(to_hex(retired.id));
    for (auto& [id, object] : objects)
      if (!known.contains(to_hex(id))) found.push_back(std::move(object));
  }
  return found;
}

Result<void> ManifestStore::wait_before(std::uint32_t attempt) {
  std::int64_t limit_ns = std::min(kPauseNs << std::min(attempt, 16U), kPauseNsMax);
  auto ns = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit_ns));
  if (options_.pause) options_.pause(ns);
  std::unique_lock lock(closing_mutex_);
  if (!options_.pause)
    closing_changed_.wait_for(lock, std::chrono::nanoseconds(ns), [&] { return closing_; });
  if (closing_) return Error(Code::unavailable, "closing");
  return {};
}

std::uint64_t ManifestStore::random() {
  return (*random_.lock())();
}

// --- the view ---

void ManifestStore::store_view(std::shared_ptr<const ManifestView> next) {
  std::erase_if(earlier_, [](const auto& view) { return view.expired(); });
  earlier_.push_back(view_.load());
  view_.store(std::move(next));
}

void ManifestStore::publish(Manifest manifest) {
  auto entry = std::make_shared<ManifestView::Entry>();
  entry->manifest = std::move(manifest);
  const Manifest& found = entry->manifest;
  if (!found.blocks.empty()) {
    entry->first_ns = std::ranges::min(found.blocks, {}, &Block::first_ns).first_ns;
    entry->last_ns = std::ranges::max(found.blocks, {}, &Block::last_ns).last_ns;
  }
  const Partition partition = found.partition;

  std::lock_guard lock(publishing_);
  auto next = std::make_shared<ManifestView>(*view_.load());
  bool was_unreadable = std::erase_if(next->unreadable_, [&](const UnreadableManifest& unreadable) {
                          return unreadable.partition == partition;
                        }) > 0;
  auto at = next->entries_.begin() +
            (ManifestView::lower_bound(next->entries_, partition) - next->entries_.cbegin());
  bool is_listed = at != next->entries_.end() && (*at)->manifest.partition == partition;
  // Whoever read earlier may publish later: the view never goes back.
  if (is_listed && (*at)->manifest.version >= found.version && !was_unreadable) return;
  if (is_listed)
    *at = std::move(entry);
  else
    next->entries_.insert(at, std::move(entry));
  store_view(std::move(next));
}

void ManifestStore::publish_unreadable(Partition partition, const Error& error) {
  metrics_.unreadable.add();
  LOG(error, "manifest is unreadable", {"signal", to_string(partition.signal)}, {"day", partition.name()},
      {"error", error.message()});
  std::lock_guard lock(publishing_);
  auto next = std::make_shared<ManifestView>(*view_.load());
  auto at = std::ranges::find(next->unreadable_, partition, &UnreadableManifest::partition);
  if (at != next->unreadable_.end()) return;
  next->unreadable_.push_back({partition, error});
  store_view(std::move(next));
}

void ManifestStore::publish_removed(Partition partition) {
  std::lock_guard lock(publishing_);
  auto next = std::make_shared<ManifestView>(*view_.load());
  std::size_t gone = std::erase_if(next->entries_,
                                   [&](const auto& entry) { return entry->manifest.partition == partition; });
  gone += std::erase_if(next->unreadable_, [&](const UnreadableManifest& unreadable) {
    return unreadable.partition == partition;
  });
  if (gone > 0) store_view(std::move(next));
}

bool ManifestStore::is_read(Partition partition, BlockId id) {
  std::lock_guard lock(publishing_);
  return std::ranges::any_of(earlier_, [&](const auto& weak) {
    auto held = weak.lock();
    const Manifest* manifest = held == nullptr ? nullptr : held->find(partition);
    return manifest != nullptr && manifest->find(id) != nullptr;
  });
}

}  // namespace weft::storage
