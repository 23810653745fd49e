#include "storage/manifest/manifest.h"

#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "storage/manifest/testing.h"

namespace weft::storage {
namespace {

constexpr std::int64_t kDay = 24 * 3600 * kNsPerSecond;
const Partition kLogs{Signal::logs, 20'000};

TEST(Partitions, AreDaysInUtc) {
  EXPECT_EQ(partition_of(Signal::logs, 0), (Partition{Signal::logs, 0}));
  EXPECT_EQ(partition_of(Signal::logs, kDay - 1).day, 0);
  EXPECT_EQ(partition_of(Signal::logs, kDay).day, 1);
  EXPECT_EQ(partition_of(Signal::logs, -1).day, -1);
  EXPECT_EQ(partition_of(Signal::logs, -kDay).day, -1);
  EXPECT_EQ(partition_of(Signal::logs, -kDay - 1).day, -2);
  EXPECT_EQ((Partition{Signal::logs, 0}).name(), "1970-01-01");
  EXPECT_EQ((Partition{Signal::traces, 20'648}).name(), "2026-07-14");
  EXPECT_EQ((Partition{Signal::logs, 2}).range(), (TimeRange{2 * kDay, 3 * kDay}));
}

TEST(Partitions, HoldEveryTimeThereIs) {
  for (std::int64_t time : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                            1'789'000'000 * kNsPerSecond, std::numeric_limits<std::int64_t>::max() - 1}) {
    Partition partition = partition_of(Signal::traces, time);
    EXPECT_TRUE(partition.range().contains(time)) << time;
    auto back = parse_manifest_key(manifest_key(partition));
    ASSERT_TRUE(back) << manifest_key(partition);
    EXPECT_EQ(*back, partition);
  }
}

TEST(Names, ComeBackAndNothingElseDoes) {
  BlockId id{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(to_hex(id), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(parse_block_id(to_hex(id)), id);
  std::string key = block_key({Signal::traces, 20'648}, id);
  EXPECT_EQ(key, "blk/traces/2026-07-14/0123456789abcdeffedcba9876543210");
  auto name = parse_block_key(key);
  ASSERT_TRUE(name);
  EXPECT_EQ(name->id, id);
  EXPECT_EQ(name->partition, (Partition{Signal::traces, 20'648}));
  EXPECT_EQ(manifest_key({Signal::logs, 20'648}), "man/logs/2026-07-14");
  for (const char* bad :
       {"", "man/", "man/logs", "man/logs/", "man/logs/2026-07-1", "man/logs/2026-07-140",
        "man/logs/2026-02-30", "man/log/2026-07-14", "man/logs/2026-07-14/", "blk/logs/2026-07-14",
        "man/logs/-026-07-14", "man/logs/2026/07/14", "Man/logs/2026-07-14"})
    EXPECT_FALSE(parse_manifest_key(bad)) << bad;
  for (const char* bad : {"blk/logs/2026-07-14/", "blk/logs/2026-07-14/0123456789abcdeffedcba987654321",
                          "blk/logs/2026-07-14/0123456789ABCDEFfedcba9876543210",
                          "blk/logs/2026-07-14x0123456789abcdeffedcba9876543210",
                          "blk/logs/2026-07-14/0x23456789abcdeffedcba98765432100",
                          "blk/logs/2026-07-14/-123456789abcdeffedcba9876543210"})
    EXPECT_FALSE(parse_block_key(bad)) << bad;
}

TEST(BlockIds, DifferWhereverTheirOriginsDo) {
  std::vector<BlockId> inputs{{1, 1}, {2, 2}};
  std::vector<BlockId> reversed{{2, 2}, {1, 1}};
  std::set<BlockId> ids;
  std::size_t made = 0;
  for (const char* node : {"", "a", "b"})
    for (std::uint64_t epoch : {1U, 2U})
      for (Partition partition :
           {Partition{Signal::logs, 1}, Partition{Signal::traces, 1}, Partition{Signal::logs, 2}})
        for (std::uint32_t nth : {0U, 1U}) {
          Author author{node, epoch};
          ids.insert(flushed_block_id(author, partition, 1, 2, nth));
          ids.insert(flushed_block_id(author, partition, 1, 3, nth));
          ids.insert(flushed_block_id(author, partition, 0, 2, nth));
          ids.insert(merged_block_id(author, partition, inputs, nth));
          made += 4;
          EXPECT_EQ(merged_block_id(author, partition, inputs, nth),
                    merged_block_id(author, partition, reversed, nth));
          EXPECT_EQ(flushed_block_id(author, partition, 1, 2, nth),
                    flushed_block_id(author, partition, 1, 2, nth));
        }
  EXPECT_EQ(ids.size(), made);
}

// --- flush ---

TEST(CommitFlush, AddsTheBlocksAndMovesTheWatermark) {
  Manifest manifest{.partition = kLogs};
  Flush first{.node = "a", .from = 0, .to = 10, .blocks = {some_block(1)}};
  EXPECT_EQ(*commit_flush(manifest, first), (FlushResult{FlushOutcome::committed, 10}));
  EXPECT_EQ(manifest.watermark("a"), 10U);
  EXPECT_EQ(manifest.watermark("b"), 0U);
  Flush other{.node = "b", .from = 0, .to = 5, .blocks = {some_block(2)}};
  EXPECT_EQ(*commit_flush(manifest, other), (FlushResult{FlushOutcome::committed, 5}));
  Flush nothing_left{.node = "a", .from = 10, .to = 30};
  EXPECT_EQ(*commit_flush(manifest, nothing_left), (FlushResult{FlushOutcome::committed, 30}));
  EXPECT_EQ(manifest.watermarks, (std::vector<Watermark>{{"a", 30}, {"b", 5}}));
  EXPECT_EQ(manifest.blocks, (std::vector<Block>{some_block(1), some_block(2)}));
}

TEST(CommitFlush, ASecondTimeChangesNothing) {
  Manifest manifest{.partition = kLogs};
  Flush flush{.node = "a", .from = 0, .to = 10, .blocks = {some_block(1)}};
  ASSERT_TRUE(commit_flush(manifest, flush));
  Manifest once = manifest;
  EXPECT_EQ(*commit_flush(manifest, flush), (FlushResult{FlushOutcome::already_done, 10}));
  EXPECT_EQ(manifest, once);
  // Not even after the block was merged away and forgotten.
  ASSERT_EQ(*commit_merge(manifest, {.remove = {some_block(1).id}, .add = {some_block(2)}}, 7),
            MergeOutcome::committed);
  ASSERT_EQ(forget(manifest, garbage(manifest, 7, 0)), 1U);
  Manifest merged = manifest;
  EXPECT_EQ(*commit_flush(manifest, flush), (FlushResult{FlushOutcome::already_done, 10}));
  EXPECT_EQ(manifest, merged);
}

TEST(CommitFlush, AnotherWatermarkMeansBuildingAgain) {
  Manifest manifest{.partition = kLogs};
  ASSERT_TRUE(commit_flush(manifest, {.node = "a", .from = 0, .to = 10, .blocks = {some_block(1)}}));
  Manifest once = manifest;
  EXPECT_EQ(*commit_flush(manifest, {.node = "a", .from = 0, .to = 20, .blocks = {some_block(2)}}),
            (FlushResult{FlushOutcome::rebuild, 10}));
  EXPECT_EQ(*commit_flush(manifest, {.node = "a", .from = 15, .to = 20, .blocks = {some_block(2)}}),
            (FlushResult{FlushOutcome::rebuild, 10}));
  EXPECT_EQ(manifest, once);
}

TEST(CommitFlush, RefusesAnIdThatIsThere) {
  Manifest manifest{.partition = kLogs};
  ASSERT_TRUE(commit_flush(manifest, {.node = "a", .from = 0, .to = 10, .blocks = {some_block(1)}}));
  Flush again{.node = "a", .from = 10, .to = 20, .blocks = {some_block(1)}};
  EXPECT_EQ(commit_flush(manifest, again).error().code(), Code::internal);
  retire(manifest, std::vector<BlockId>{some_block(1).id}, 7);
  EXPECT_EQ(commit_flush(manifest, again).error().code(), Code::internal);
  again.blocks = {some_block(2), some_block(2)};
  EXPECT_EQ(commit_flush(manifest, again).error().code(), Code::internal);
  EXPECT_EQ(manifest.watermark("a"), 10U);
}

// --- merge ---

class Merging : public testing::Test {
 protected:
  Merging() {
    manifest.partition = kLogs;
    EXPECT_TRUE(commit_flush(
        manifest,
        {.node = "a", .from = 0, .to = 10, .blocks = {some_block(1), some_block(2), some_block(3)}}));
  }
  Manifest manifest;
  Merge merge{.remove = {some_block(3).id, some_block(1).id}, .add = {some_block(4, 1), some_block(5, 1)}};
};

TEST_F(Merging, Replaces) {
  EXPECT_EQ(*commit_merge(manifest, merge, 77), MergeOutcome::committed);
  EXPECT_EQ(manifest.blocks, (std::vector<Block>{some_block(2), some_block(4, 1), some_block(5, 1)}));
  EXPECT_EQ(manifest.retired, (std::vector<Retired>{{some_block(1).id, 77}, {some_block(3).id, 77}}));
  EXPECT_EQ(manifest.watermark("a"), 10U);
}

TEST_F(Merging, ASecondTimeChangesNothing) {
  ASSERT_TRUE(commit_merge(manifest, merge, 77));
  Manifest once = manifest;
  EXPECT_EQ(*commit_merge(manifest, merge, 78), MergeOutcome::already_done);
  EXPECT_EQ(manifest, once);
  // Also when what it added is merged on.
  ASSERT_EQ(*commit_merge(manifest, {.remove = {some_block(4).id}, .add = {some_block(6)}}, 79),
            MergeOutcome::committed);
  EXPECT_EQ(*commit_merge(manifest, merge, 80), MergeOutcome::already_done);
}

TEST_F(Merging, IsLostWhenAnInputIsGone) {
  ASSERT_TRUE(commit_merge(manifest, {.remove = {some_block(1).id}, .add = {some_block(9)}}, 77));
  Manifest before = manifest;
  EXPECT_EQ(*commit_merge(manifest, merge, 78), MergeOutcome::lost);
  EXPECT_EQ(*commit_merge(manifest, {.remove = {some_block(1).id}, .add = {}}, 78), MergeOutcome::lost);
  EXPECT_EQ(manifest, before);
}

TEST_F(Merging, RefusesAnIdThatIsThere) {
  EXPECT_EQ(commit_merge(manifest, {.remove = {some_block(1).id}, .add = {some_block(2)}}, 7).error().code(),
            Code::internal);
  EXPECT_EQ(commit_merge(manifest, {.remove = {some_block(1).id}, .add = {some_block(1)}}, 7).error().code(),
            Code::internal);
  EXPECT_TRUE(manifest.retired.empty());
}

// --- garbage and retention ---

TEST(Garbage, WaitsForItsGrace) {
  Manifest manifest{.partition = kLogs};
  manifest.blocks = {some_block(1), some_block(2), some_block(3)};
  EXPECT_EQ(retire(manifest, std::vector<BlockId>{some_block(2).id, some_block(9).id}, 100), 1U);
  EXPECT_EQ(retire(manifest, std::vector<BlockId>{some_block(1).id}, 200), 1U);
  EXPECT_EQ(garbage(manifest, 149, 50), std::vector<BlockId>());
  EXPECT_EQ(garbage(manifest, 150, 50), std::vector<BlockId>{some_block(2).id});
  EXPECT_EQ(garbage(manifest, 250, 50), (std::vector<BlockId>{some_block(2).id, some_block(1).id}));
  EXPECT_EQ(forget(manifest, std::vector<BlockId>{some_block(2).id, some_block(3).id}), 1U);
  EXPECT_EQ(manifest.retired, (std::vector<Retired>{{some_block(1).id, 200}}));
  EXPECT_EQ(manifest.blocks, std::vector<Block>{some_block(3)});
}

TEST(Retention, TakesThePartitionAndTurnsLateOnesAway) {
  Manifest manifest{.partition = kLogs};
  ASSERT_TRUE(
      commit_flush(manifest, {.node = "a", .from = 0, .to = 10, .blocks = {some_block(1), some_block(2)}}));
  EXPECT_FALSE(is_removable(manifest, 1'000'000, 0));
  EXPECT_TRUE(expire(manifest, 100));
  EXPECT_FALSE(expire(manifest, 200));
  EXPECT_TRUE(manifest.blocks.empty());
  EXPECT_EQ(commit_flush(manifest, {.node = "a", .from = 10, .to = 20, .blocks = {some_block(3)}})->outcome,
            FlushOutcome::expired);
  EXPECT_EQ(*commit_merge(manifest, {.remove = {some_block(1).id}, .add = {some_block(4)}}, 7),
            MergeOutcome::lost);
  EXPECT_FALSE(is_removable(manifest, 1000, 50)) << "objects are still there";
  EXPECT_EQ(forget(manifest, garbage(manifest, 150, 50)), 2U);
  EXPECT_FALSE(is_removable(manifest, 149, 50));
  EXPECT_TRUE(is_removable(manifest, 150, 50));
}

TEST(Retention, CountsFromTheEndOfTheDay) {
  Partition partition{Signal::logs, 10};
  EXPECT_FALSE(is_past_retention(partition, 14 * kDay - 1, 3 * kDay));
  EXPECT_TRUE(is_past_retention(partition, 14 * kDay, 3 * kDay));
  EXPECT_FALSE(is_past_retention(partition, 1000 * kDay, 0)) << "for ever";
  EXPECT_FALSE(is_past_retention(partition_of(Signal::logs, std::numeric_limits<std::int64_t>::max()),
                                 14 * kDay, kDay));
}

TEST(Overlap, IncludesBothEndsOfTheBlock) {
  Block block;
  block.first_ns = 10;
  block.last_ns = 20;
  EXPECT_FALSE(overlaps(block, {0, 10}));
  EXPECT_TRUE(overlaps(block, {0, 11}));
  EXPECT_TRUE(overlaps(block, {20, 21}));
  EXPECT_FALSE(overlaps(block, {21, 30}));
  EXPECT_TRUE(overlaps(block, {12, 13}));
}

}  // namespace
}  // namespace weft::storage
