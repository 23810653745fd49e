#include "storage/manifest/manifest.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>

#include <fmt/format.h>

#include "base/check.h"
#include "base/hash.h"

namespace weft::storage {
namespace {

constexpr std::int64_t kNsPerDay = 24 * 3600 * kNsPerSecond;

// Midnight before the day; saturates, since the first and the last day of int64 are not whole.
std::int64_t start_of_day(std::int64_t day) {
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(day, kNsPerDay, &ns))
    return day < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  return ns;
}

// a + b, at most the largest.
std::int64_t later(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

std::optional<Signal> parse_signal(std::string_view text) {
  for (Signal signal : {Signal::logs, Signal::traces})
    if (text == to_string(signal)) return signal;
  return {};
}

template <class Integer>
bool parse_digits(std::string_view text, int base, Integer& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<std::int32_t> parse_day(std::string_view name) {
  namespace ch = std::chrono;
  if (name.size() != 10 || name[4] != '-' || name[7] != '-') return {};
  unsigned year = 0, month = 0, day = 0;
  if (!parse_digits(name.substr(0, 4), 10, year) || !parse_digits(name.substr(5, 2), 10, month) ||
      !parse_digits(name.substr(8, 2), 10, day))
    return {};
  ch::year_month_day date(ch::year(static_cast<int>(year)), ch::month(month), ch::day(day));
  if (!date.ok()) return {};
  return static_cast<std::int32_t>(ch::sys_days(date).time_since_epoch().count());
}

// "<signal>/<day>" and what follows the next slash.
std::optional<Partition> take_partition(std::string_view& key) {
  std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return {};
  auto signal = parse_signal(key.substr(0, slash));
  auto day = parse_day(key.substr(slash + 1, 10));
  if (!signal || !day) return {};
  key.remove_prefix(slash + 11);
  return Partition{*signal, *day};
}

void append_number(std::string& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

BlockId id_of(std::string_view kind, const Author& author, Partition partition, std::string content,
              std::uint32_t nth) {
  std::string text(kind);
  append_number(text, author.node.size());
  text += author.node;
  append_number(text, author.epoch);
  append_number(text, static_cast<std::uint64_t>(partition.signal));
  append_number(text, static_cast<std::uint64_t>(std::int64_t{partition.day}));
  append_number(text, nth);
  text += content;
  Hash128 hash = hash128(text);
  return {hash.high, hash.low};
}

// A set of ids, for questions of the kind "is this one of them?".
class Ids {
 public:
  explicit Ids(std::span<const BlockId> ids) : sorted_(ids.begin(), ids.end()) { std::ranges::sort(sorted_); }
  bool contains(BlockId id) const { return std::ranges::binary_search(sorted_, id); }
  bool are_distinct() const { return std::ranges::adjacent_find(sorted_) == sorted_.end(); }
  std::size_t size() const { return sorted_.size(); }

 private:
  std::vector<BlockId> sorted_;
};

bool is_retired(const Manifest& manifest, BlockId id) {
  return std::ranges::find(manifest.retired, id, &Retired::id) != manifest.retired.end();
}

bool is_known(const Manifest& manifest, const Block& block) {
  return manifest.find(block.id) != nullptr || is_retired(manifest, block.id);
}

Result<void> check_new(const Manifest& manifest, std::span<const Block> blocks) {
  for (const Block& block : blocks) {
    bool twice = std::ranges::count(blocks, block.id, &Block::id) != 1;
    if (twice || is_known(manifest, block))
      return Error(Code::internal,
                   fmt::format("block {} is in the manifest of {} {} already", to_hex(block.id),
                               to_string(manifest.partition.signal), manifest.partition.name()));
  }
  return {};
}

}  // namespace

std::string_view to_string(Signal signal) {
  return signal == Signal::logs ? "logs" : "traces";
}

TimeRange Partition::range() const {
  return {start_of_day(day), start_of_day(std::int64_t{day} + 1)};
}

std::string Partition::name() const {
  namespace ch = std::chrono;
  ch::year_month_day date{ch::sys_days(ch::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

Partition partition_of(Signal signal, std::int64_t time_ns) {
  std::int64_t day = time_ns / kNsPerDay - (time_ns % kNsPerDay < 0 ? 1 : 0);
  return {signal, static_cast<std::int32_t>(day)};
}

std::string to_hex(BlockId id) {
  return fmt::format("{:016x}{:016x}", id.high, id.low);
}

std::optional<BlockId> parse_block_id(std::string_view hex) {
  BlockId id;
  bool lower = std::ranges::none_of(hex, [](char c) { return c >= 'A' && c <= 'F'; });
  if (hex.size() != 32 || !lower || !parse_digits(hex.substr(0, 16), 16, id.high) ||
      !parse_digits(hex.substr(16), 16, id.low))
    return {};
  return id;
}

std::string manifest_key(Partition partition) {
  return fmt::format("{}{}/{}", kManifestPrefix, to_string(partition.signal), partition.name());
}

std::string block_key(Partition partition, BlockId id) {
  return fmt::format("{}{}/{}/{}", kBlockPrefix, to_string(partition.signal), partition.name(), to_hex(id));
}

std::optional<Partition> parse_manifest_key(std::string_view key) {
  if (!key.starts_with(kManifestPrefix)) return {};
  key.remove_prefix(kManifestPrefix.size());
  auto partition = take_partition(key);
  return key.empty() ? partition : std::nullopt;
}

std::optional<BlockName> parse_block_key(std::string_view key) {
  if (!key.starts_with(kBlockPrefix)) return {};
  key.remove_prefix(kBlockPrefix.size());
  auto partition = take_partition(key);
  if (!partition || !key.starts_with('/')) return {};
  auto id = parse_block_id(key.substr(1));
  if (!id) return {};
  return BlockName{*partition, *id};
}

BlockId flushed_block_id(const Author& author, Partition partition, Lsn from, Lsn to, std::uint32_t nth) {
  std::string content;
  append_number(content, from);
  append_number(content, to);
  return id_of("flush", author, partition, std::move(content), nth);
}

BlockId merged_block_id(const Author& author, Partition partition, std::span<const BlockId> inputs,
                        std::uint32_t nth) {
  std::vector<BlockId> sorted(inputs.begin(), inputs.end());
  std::ranges::sort(sorted);
  std::string content;
  for (BlockId id : sorted) {
    append_number(content, id.high);
    append_number(content, id.low);
  }
  return id_of("merge", author, partition, std::move(content), nth);
}

bool overlaps(const Block& block, TimeRange range) {
  return block.first_ns < range.end_ns && block.last_ns >= range.start_ns;
}

Lsn Manifest::watermark(std::string_view node) const {
  auto at = std::ranges::find(watermarks, node, &Watermark::node);
  return at == watermarks.end() ? 0 : at->lsn;
}

const Block* Manifest::find(BlockId id) const {
  auto at = std::ranges::find(blocks, id, &Block::id);
  return at == blocks.end() ? nullptr : &*at;
}

Result<FlushResult> commit_flush(Manifest& manifest, const Flush& flush) {
  CHECK(flush.from < flush.to && flush.node.size() <= kNodeBytesMax);
  if (manifest.state == Manifest::State::expired) return FlushResult{FlushOutcome::expired, flush.to};
  Lsn now = manifest.watermark(flush.node);
  if (now >= flush.to) return FlushResult{FlushOutcome::already_done, now};
  if (now != flush.from) return FlushResult{FlushOutcome::rebuild, now};
  TRY(check_new(manifest, flush.blocks));
  manifest.blocks.insert(manifest.blocks.end(), flush.blocks.begin(), flush.blocks.end());
  auto at = std::ranges::find(manifest.watermarks, flush.node, &Watermark::node);
  if (at == manifest.watermarks.end())
    manifest.watermarks.push_back({flush.node, flush.to});
  else
    at->lsn = flush.to;
  return FlushResult{FlushOutcome::committed, flush.to};
}

Result<MergeOutcome> commit_merge(Manifest& manifest, const Merge& merge, std::int64_t now_ns) {
  CHECK(!merge.remove.empty());
  Ids inputs(merge.remove);
  CHECK(inputs.are_distinct());
  auto is_input = [&](const Block& block) { return inputs.contains(block.id); };
  if (static_cast<std::size_t>(std::ranges::count_if(manifest.blocks, is_input)) != inputs.size()) {
    bool known =
        std::ranges::all_of(merge.add, [&](const Block& block) { return is_known(manifest, block); });
    return known && !merge.add.empty() ? MergeOutcome::already_done : MergeOutcome::lost;
  }
  TRY(check_new(manifest, merge.add));
  retire(manifest, merge.remove, now_ns);
  manifest.blocks.insert(manifest.blocks.end(), merge.add.begin(), merge.add.end());
  return MergeOutcome::committed;
}

std::size_t retire(Manifest& manifest, std::span<const BlockId> ids, std::int64_t now_ns) {
  Ids wanted(ids);
  return std::erase_if(manifest.blocks, [&](const Block& block) {
    if (!wanted.contains(block.id)) return false;
    manifest.retired.push_back({block.id, now_ns});
    return true;
  });
}

bool expire(Manifest& manifest, std::int64_t now_ns) {
  if (manifest.state == Manifest::State::expired) return false;
  for (const Block& block : manifest.blocks) manifest.retired.push_back({block.id, now_ns});
  manifest.blocks.clear();
  manifest.state = Manifest::State::expired;
  manifest.expired_at_ns = now_ns;
  return true;
}

bool is_past_retention(Partition partition, std::int64_t now_ns, std::int64_t retention_ns) {
  return retention_ns > 0 && later(partition.range().end_ns, retention_ns) <= now_ns;
}

std::vector<BlockId> garbage(const Manifest& manifest, std::int64_t now_ns, std::int64_t grace_ns) {
  std::vector<BlockId> ids;
  for (const Retired& retired : manifest.retired)
    if (later(retired.at_ns, grace_ns) <= now_ns) ids.push_back(retired.id);
  return ids;
}

std::size_t forget(Manifest& manifest, std::span<const BlockId> ids) {
  Ids gone(ids);
  return std::erase_if(manifest.retired, [&](const Retired& retired) { return gone.contains(retired.id); });
}

bool is_removable(const Manifest& manifest, std::int64_t now_ns, std::int64_t grace_ns) {
  return manifest.state == Manifest::State::expired && manifest.retired.empty() &&
         later(manifest.expired_at_ns, grace_ns) <= now_ns;
}

}  // namespace weft::storage
