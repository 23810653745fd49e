#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/time.h"
#include "storage/wal/record.h"

// Which blocks hold the rows of one day of one signal: the manifest, and every change that may happen
// to it, as pure functions. manifest_store.h applies them to an object by compare-and-swap.
//
// Exactly once. A flush covers rows (from, to] of the log and is split over partitions; each commits
// for itself: one swap adds the blocks and moves the watermark. So at any moment the rows of a
// partition up to its watermark are in its blocks, and the others are not. After a crash rows above
// the watermark are flushed again, and those below it are dropped when the log is replayed. Asking
// "is my block listed?" instead would be wrong: it may have been committed and already merged away.
//
// Names are not used twice. A block's id comes from what it holds and from the epoch of its writer, a
// number that no other life of the node has. Without the epoch a restarted node would write the very
// object that a collector has just found to be an orphan and is about to delete.

namespace weft::storage {

using wal::Lsn;

enum class Signal : std::uint8_t { logs = 1, traces = 2 };
std::string_view to_string(Signal signal);  // as in object keys

// The rows of one signal whose time (of a span: its start) lies in one day, UTC.
struct Partition {
  Signal signal = Signal::logs;
  std::int32_t day = 0;  // since 1970-01-01

  auto operator<=>(const Partition&) const = default;
  // Cut to what 64 bits of nanoseconds can say.
  TimeRange range() const;
  std::string name() const;  // "2026-07-14"
};
Partition partition_of(Signal signal, std::int64_t time_ns);

struct BlockId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const BlockId&) const = default;
};
std::string to_hex(BlockId id);  // 32 digits
std::optional<BlockId> parse_block_id(std::string_view hex);

// man/<signal>/<day> and blk/<signal>/<day>/<id>.
inline constexpr std::string_view kManifestPrefix = "man/";
inline constexpr std::string_view kBlockPrefix = "blk/";
std::string manifest_key(Partition partition);
std::string block_key(Partition partition, BlockId id);
std::optional<Partition> parse_manifest_key(std::string_view key);
struct BlockName {
  Partition partition;
  BlockId id;
};
std::optional<BlockName> parse_block_key(std::string_view key);

// Who makes blocks: a node's name (at most kNodeBytesMax bytes) and the number of its present life.
struct Author {
  std::string node;
  std::uint64_t epoch = 0;
};
inline constexpr std::size_t kNodeBytesMax = 255;
// Ids are the same for the same arguments. `nth`: of the blocks of one commit in one partition.
BlockId flushed_block_id(const Author& author, Partition partition, Lsn from, Lsn to, std::uint32_t nth = 0);
BlockId merged_block_id(const Author& author, Partition partition, std::span<const BlockId> inputs,
                        std::uint32_t nth = 0);

// Log positions (from, to] of a node.
struct LogRange {
  std::string node;
  Lsn from = 0;
  Lsn to = 0;
  bool operator==(const LogRange&) const = default;
};

// An immutable object full of rows: all that is needed to choose it and to open it.
struct Block {
  BlockId id;
  std::uint8_t level = 0;          // 0: flushed; 1: merged
  std::uint64_t size = 0;          // of the object
  std::uint64_t index_offset = 0;  // where its index region begins
  std::uint64_t footer_offset = 0;
  std::uint32_t footer_bytes = 0;
  std::uint64_t hash = 0;  // XXH3-64 of the footer as stored, which holds every other hash
  std::uint64_t rows = 0;
  std::uint64_t raw_bytes = 0;    // of the rows, as received
  std::uint64_t traces = 0;       // distinct trace ids
  std::int64_t first_ns = 0;      // earliest and latest time in it, both included; spans may end
  std::int64_t last_ns = 0;       // outside their partition
  std::vector<LogRange> sources;  // where its rows came from
  bool operator==(const Block&) const = default;
};
bool overlaps(const Block& block, TimeRange range);

// No longer listed; its object goes when nobody reads it any more.
struct Retired {
  BlockId id;
  std::int64_t at_ns = 0;  // by the object store's clock
  bool operator==(const Retired&) const = default;
};

// Every row of the node's log up to here (included) that belongs to the partition is in its blocks.
struct Watermark {
  std::string node;
  Lsn lsn = 0;
  bool operator==(const Watermark&) const = default;
};

struct Manifest {
  enum class State : std::uint8_t {
    open = 1,
    expired = 2,  // retention took it; takes no more blocks
  };

  Partition partition;
  std::uint64_t version = 0;  // counts changes; 0: there is no such object yet
  std::uint64_t nonce = 0;    // random, so that no two contents are ever the same
  State state = State::open;
  std::int64_t expired_at_ns = 0;
  std::vector<Block> blocks;  // in the order of their commits
  std::vector<Retired> retired;
  std::vector<Watermark> watermarks;  // one for each node that ever committed

  Lsn watermark(std::string_view node) const;  // 0: nothing yet
  const Block* find(BlockId id) const;
  bool operator==(const Manifest&) const = default;
};

// --- changes: each says whether and how `manifest` became another ---

struct Flush {
  std::string node;
  Lsn from = 0;               // the watermark that was seen when the blocks were built
  Lsn to = 0;                 // they hold the partition's rows of (from, to]
  std::vector<Block> blocks;  // usually one; none when no row was left
};
enum class FlushOutcome : std::uint8_t {
  committed,
  already_done,  // by an earlier attempt, or by somebody who took over
  rebuild,       // the watermark lies elsewhere by now: build again from the rows above it
  expired,       // retention took the partition: drop the rows
};
struct FlushResult {
  FlushOutcome outcome = FlushOutcome::committed;
  Lsn watermark = 0;  // of the node, now
  bool operator==(const FlushResult&) const = default;
};
// Errors: internal for an id that is already listed: two blocks would share an object.
Result<FlushResult> commit_flush(Manifest& manifest, const Flush& flush);

struct Merge {
  std::vector<BlockId> remove;
  std::vector<Block> add;  // hold together exactly what is left of the removed
};
enum class MergeOutcome : std::uint8_t {
  committed,
  already_done,  // the blocks to add are known here
  lost,          // an input is gone: somebody else merged it, or retention took it
};
// Who lost leaves the objects it wrote to the collector of orphans: that they are not listed now does
// not say that an earlier attempt had not listed them. Errors: as above.
Result<MergeOutcome> commit_merge(Manifest& manifest, const Merge& merge, std::int64_t now_ns);

// Takes blocks off the list without replacement. How many were there.
std::size_t retire(Manifest& manifest, std::span<const BlockId> ids, std::int64_t now_ns);

// Takes the whole partition: for retention. False: it is so already.
bool expire(Manifest& manifest, std::int64_t now_ns);
// Whether every time of the partition is older than that. Retention 0: for ever.
bool is_past_retention(Partition partition, std::int64_t now_ns, std::int64_t retention_ns);

// The retired whose objects may go at `now_ns`.
std::vector<BlockId> garbage(const Manifest& manifest, std::int64_t now_ns, std::int64_t grace_ns);
// Strikes retired ids whose objects are gone. How many were there.
std::size_t forget(Manifest& manifest, std::span<const BlockId> ids);
// Whether the manifest itself may go: expired for that long, and nothing retired is left.
bool is_removable(const Manifest& manifest, std::int64_t now_ns, std::int64_t grace_ns);

}  // namespace weft::storage
