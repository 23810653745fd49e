#include "storage/manifest/manifest_store.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/object_store_contract.h"
#include "storage/manifest/encoding.h"
#include "storage/manifest/testing.h"
#include "storage/testing/memory_objects.h"

namespace weft::storage {
namespace {

using Fault = MemoryObjects::Fault;
using Operation = MemoryObjects::Operation;

constexpr std::int64_t kHour = 3600 * kNsPerSecond;
const Partition kLogs{Signal::logs, 20'000};
const Partition kTraces{Signal::traces, 20'001};

TEST(MemoryObjectsOfTests, KeepTheContract) {
  MemoryObjects objects;
  check_object_store_contract(objects);
}

class Manifests : public testing::Test {
 protected:
  Manifests() { objects.set_now(kStart); }

  ManifestOptions options(std::string node = "a") {
    ManifestOptions made;
    made.node = std::move(node);
    made.seed = ++seeds;
    made.pause = [this](std::int64_t) { ++pauses; };
    return made;
  }
  // A flush of one block; its object is there too.
  Result<FlushResult> flush(ManifestStore& into, Partition partition, Lsn from, Lsn to, Block block) {
    objects.set(block_key(partition, block.id), "rows");
    return into.commit_flush(partition, {.from = from, .to = to, .blocks = {std::move(block)}},
                             objects.now_ns());
  }
  Manifest stored(Partition partition) {
    auto object = static_cast<ObjectStore&>(objects).get(manifest_key(partition));
    return object ? *decode_manifest(object->bytes, partition) : Manifest();
  }
  std::vector<std::uint64_t> numbers(const std::vector<ListedBlock>& blocks) {
    std::vector<std::uint64_t> out;
    for (const ListedBlock& listed : blocks) out.push_back(listed.block->id.low);
    return out;
  }

  static constexpr std::int64_t kStart = 20'002 * 24 * kHour;
  MemoryObjects objects;
  Registry metrics;
  int pauses = 0;
  std::uint64_t seeds = 0;
  ManifestStore store{objects, options(), metrics};
};

TEST_F(Manifests, AreFoundAgain) {
  EXPECT_EQ(flush(store, kLogs, 0, 10, some_block(1))->outcome, FlushOutcome::committed);
  EXPECT_EQ(flush(store, kTraces, 0, 10, some_block(2))->outcome, FlushOutcome::committed);
  EXPECT_EQ(flush(store, kLogs, 10, 20, some_block(3))->outcome, FlushOutcome::committed);
  EXPECT_EQ(stored(kLogs).version, 2U);
  ManifestStore next(objects, options(), metrics);
  ASSERT_TRUE(next.load());
  for (ManifestStore* each : {&store, &next}) {
    auto view = each->view();
    EXPECT_EQ(view->watermark(kLogs, "a"), 20U);
    EXPECT_EQ(view->watermark(kLogs, "b"), 0U);
    EXPECT_EQ(view->watermark({Signal::logs, 1}, "a"), 0U);
    ASSERT_EQ(view->all().size(), 2U);
    EXPECT_EQ(*view->all()[0], stored(kLogs));
    EXPECT_EQ(*view->all()[1], stored(kTraces));
  }
}

TEST_F(Manifests, KnowWhichBlocksOverlapARange) {
  const Partition later{Signal::logs, 20'001};
  ASSERT_TRUE(flush(store, later, 0, 10, some_block(9)));
  ASSERT_TRUE(flush(store, kLogs, 0, 10, some_block(1)));
  ASSERT_TRUE(flush(store, kLogs, 10, 20, some_block(3)));
  ASSERT_TRUE(flush(store, kTraces, 0, 10, some_block(2)));
  auto view = store.view();
  EXPECT_EQ(numbers(view->blocks(Signal::logs, {0, 100'000})), (std::vector<std::uint64_t>{1, 3, 9}));
  EXPECT_EQ(numbers(view->blocks(Signal::traces, {0, 100'000})), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(numbers(view->blocks(Signal::logs, {1999, 3001})), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(numbers(view->blocks(Signal::logs, {2000, 3000})), (std::vector<std::uint64_t>{}));
  EXPECT_EQ(numbers(view->blocks(Signal::logs, {9999, 10'000})), (std::vector<std::uint64_t>{9}));
}

TEST_F(Manifests, AViewNeverChanges) {
  ASSERT_TRUE(flush(store, kLogs, 0, 10, some_block(1)));
  auto view = store.view();
  ASSERT_TRUE(flush(store, kLogs, 10, 20, some_block(2)));
  EXPECT_EQ(numbers(view->blocks(Signal::logs, {0, 100'000})), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(numbers(store.view()->blocks(Signal::logs, {0, 100'000})), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(Manifests, ALostRaceLosesNoChangeOfTheOther) {
  ManifestStore other(objects, options("b"), metrics);
  int races = 0;
  objects.before = [&](Operation operation, const std::string&) {
    if (operation == Operation::swap && ++races == 1)
      EXPECT_EQ(flush(other, kLogs, 0, 5, some_block(7))->outcome, FlushOutcome::committed);
    return Fault::none;
  };
  EXPECT_EQ(flush(store, kLogs, 0, 10, some_block(1))->outcome, FlushOutcome::committed);
  EXPECT_EQ(races, 3);
  EXPECT_EQ(pauses, 1);
  EXPECT_EQ(stored(kLogs).blocks, (std::vector<Block>{some_block(7), some_block(1)}));
  EXPECT_EQ(stored(kLogs).watermark("a"), 10U);
  EXPECT_EQ(stored(kLogs).watermark("b"), 5U);
}

TEST_F(Manifests, WhoAlwaysLosesGivesUp) {
  int races = 0;
  objects.before = [&](Operation operation, const std::string& key) {
    if (operation == Operation::swap)
      objects.set(key, *encode_manifest(
                           {.partition = kLogs, .version = 1, .nonce = static_cast<std::uint64_t>(++races)}));
    return Fault::none;
  };
  EXPECT_EQ(flush(store, kLogs, 0, 10, some_block(1)).error().code(), Code::unavailable);
  EXPECT_EQ(races, 40);
  store.close();
  EXPECT_EQ(flush(store, kLogs, 0, 10, some_block(1)).error().code(), Code::unavailable);
  EXPECT_EQ(races, 41) << "closed: no second attempt";
}

// Whatever goes wrong at whichever operation: the same call again brings the same end.
TEST_F(Manifests, EveryFaultAtEveryOperationIsSurvived) {
  for (Fault fault : {Fault::unavailable, Fault::lost_answer, Fault::full, Fault::broken, Fault::cut}) {
    for (std::uint64_t at = 1;; ++at) {
      MemoryObjects fresh;
      ManifestStore one(fresh, options(), metrics);
      auto run = [&]() -> Result<void> {
        TRY(one.commit_flush(kLogs, {.from = 0, .to = 10, .blocks = {some_block(1)}}, fresh.now_ns()));
        TRY(one.commit_flush(kLogs, {.from = 10, .to = 20, .blocks = {some_block(2)}}, fresh.now_ns()));
        TRY(one.commit_merge(kLogs, {.remove = {some_block(1).id, some_block(2).id}, .add = {some_block(3)}},
                             fresh.now_ns()));
        fresh.set_now(fresh.now_ns() + kHour);
        TRY(one.collect_garbage());
        return {};
      };
      fresh.set(block_key(kLogs, some_block(1).id), "x");
      fresh.set(block_key(kLogs, some_block(2).id), "x");
      fresh.set(block_key(kLogs, some_block(3).id), "x");
      fresh.fail_at(at, fault);
      auto first = run();
      const bool met = fresh.operations() >= at;
      if (!first) EXPECT_NE(first.error().code(), Code::not_found) << first.error().message();
      fresh.fail_at(0, Fault::none);
      auto second = run();
      ASSERT_TRUE(second) << second.error().message();
      auto objects_left = fresh.objects();
      auto manifest = decode_manifest(objects_left.at(manifest_key(kLogs)).bytes, kLogs);
      ASSERT_TRUE(manifest);
      EXPECT_EQ(manifest->blocks, std::vector<Block>{some_block(3)});
      EXPECT_TRUE(manifest->retired.empty());
      EXPECT_EQ(manifest->watermark("a"), 20U);
      EXPECT_EQ(objects_left.size(), 2U);
      EXPECT_EQ(numbers(one.view()->blocks(Signal::logs, {0, 100'000})), (std::vector<std::uint64_t>{3}));
      if (!met) break;
    }
  }
}

TEST_F(Manifests, OldBlocksAreNotCommitted) {
  Flush late{.from = 0, .to = 10, .blocks = {some_block(1)}};
  auto refused = store.commit_flush(kLogs, late, kStart - 12 * kHour - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::deadline_exceeded);
  EXPECT_TRUE(objects.objects().empty());
  ASSERT_TRUE(store.commit_flush(kLogs, late, kStart - 12 * kHour));
  EXPECT_EQ(store.commit_flush(kLogs, late, 0)->outcome, FlushOutcome::already_done)
      << "asked again, days later";
  auto merge = store.commit_merge(kLogs, {.remove = {some_block(1).id}, .add = {some_block(2)}}, 0);
  ASSERT_FALSE(merge);
  EXPECT_EQ(merge.error().code(), Code::deadline_exceeded);
  // Nothing was written, so nothing can be too old.
  EXPECT_EQ(store.commit_flush(kLogs, {.from = 10, .to = 20}, 0)->outcome, FlushOutcome::committed);
}

TEST_F(Manifests, GarbageGoesAfterItsGraceAndItsLastReader) {
  ASSERT_TRUE(flush(store, kLogs, 0, 10, some_block(1)));
  auto reader = store.view();
  ASSERT_TRUE(flush(store, kLogs, 10, 20, some_block(2)));
  EXPECT_EQ(*store.retire(kLogs, {some_block(1).id, some_block(2).id, some_block(5).id}), 2U);
  auto has = [&](std::uint64_t number) {
    return objects.objects().contains(block_key(kLogs, some_block(number).id));
  };
  EXPECT_EQ(store.collect_garbage()->blocks, 0U);
  objects.set_now(kStart + kHour);
  EXPECT_EQ(store.collect_garbage()->blocks, 1U);
  EXPECT_TRUE(has(1)) << "somebody reads it";
  EXPECT_FALSE(has(2));
  EXPECT_EQ(stored(kLogs).retired.size(), 1U);
  reader.reset();
  EXPECT_EQ(store.collect_garbage()->blocks, 1U);
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(stored(kLogs).retired.empty());
  EXPECT_EQ(store.collect_garbage()->blocks, 0U);
}

TEST_F(Manifests, RetentionTakesWholeDays) {
  ASSERT_TRUE(flush(store, kLogs, 0, 10, some_block(1)));
  ASSERT_TRUE(flush(store, {Signal::logs, 20'001}, 0, 10, some_block(2)));
  ASSERT_TRUE(flush(store, kTraces, 0, 10, some_block(3)));
  EXPECT_EQ(*store.expire(Signal::logs, 0), 0U);
  EXPECT_EQ(*store.expire(Signal::logs, 24 * kHour + 1), 0U);
  EXPECT_EQ(*store.expire(Signal::logs, 24 * kHour), 1U);
  EXPECT_EQ(*store.expire(Signal::logs, 24 * kHour), 0U);
  EXPECT_EQ(numbers(store.view()->blocks(Signal::logs, {0, 100'000})), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(flush(store, kLogs, 10, 20, some_block(4))->outcome, FlushOutcome::expired);
  objects.set_now(kStart + kHour);
  EXPECT_EQ(store.collect_garbage()->blocks, 1U);
  objects.set_now(kStart + 7 * 24 * kHour - 1);
  EXPECT_EQ(store.collect_garbage()->manifests, 0U);
  objects.set_now(kStart + 7 * 24 * kHour);
  EXPECT_EQ(store.collect_garbage()->manifests, 1U);
  EXPECT_FALSE(objects.objects().contains(manifest_key(kLogs)));
  EXPECT_EQ(store.view()->find(kLogs), nullptr);
  EXPECT_EQ(store.view()->all().size(), 2U);
}

TEST_F(Manifests, OrphansAreOldAndKnownToNoManifest) {
  ASSERT_TRUE(flush(store, kLogs, 0, 10, some_block(1)));
  ASSERT_TRUE(flush(store, kLogs, 10, 20, some_block(2)));
  ASSERT_TRUE(store.retire(kLogs, {some_block(1).id}));
  objects.set(block_key(kLogs, some_block(3).id), "never committed");
  objects.set(block_key(kTraces, some_block(4).id), "no manifest at all");
  objects.set("blk/logs/of-somebody-else", "x");
  objects.set_now(kStart + 24 * kHour - 1);
  EXPECT_TRUE(store.orphans()->empty());
  objects.set(block_key(kLogs, some_block(5).id), "young");
  objects.set_now(kStart + 24 * kHour);
  auto orphans = store.orphans();
  ASSERT_TRUE(orphans);
  std::vector<std::string> keys;
  for (const ObjectInfo& object : *orphans) keys.push_back(object.key);
  EXPECT_EQ(keys, (std::vector<std::string>{block_key(kLogs, some_block(3).id),
                                            block_key(kTraces, some_block(4).id)}));
}

TEST_F(Manifests, UnreadableOnesAreReportedAndLeftAlone) {
  ASSERT_TRUE(flush(store, kLogs, 0, 10, some_block(1)));
  ASSERT_TRUE(flush(store, kTraces, 0, 10, some_block(2)));
  std::string good = objects.objects().at(manifest_key(kLogs)).bytes;
  objects.set(manifest_key(kLogs), "garbage");
  objects.set("man/logs/no-day", "ignored");
  ManifestStore next(objects, options(), metrics);
  ASSERT_TRUE(next.load());
  ASSERT_EQ(next.view()->unreadable().size(), 1U);
  EXPECT_EQ(next.view()->unreadable()[0].partition, kLogs);
  EXPECT_EQ(next.view()->unreadable()[0].error.code(), Code::corrupted);
  EXPECT_NE(next.view()->find(kTraces), nullptr);
  EXPECT_EQ(flush(next, kLogs, 10, 20, some_block(3)).error().code(), Code::corrupted);
  EXPECT_EQ(objects.objects().at(manifest_key(kLogs)).bytes, "garbage");
  objects.set_now(kStart + 100 * 24 * kHour);
  EXPECT_TRUE(next.orphans()->empty()) << "what it lists is unknown";
  // Whoever knew it before still answers from what it knew, and says so.
  EXPECT_EQ(store.refresh(kLogs).error().code(), Code::corrupted);
  EXPECT_EQ(store.view()->unreadable().size(), 1U);
  EXPECT_NE(store.view()->find(kLogs), nullptr);
  // Repaired by hand.
  objects.set(manifest_key(kLogs), good);
  for (ManifestStore* each : {&store, &next}) {
    ASSERT_TRUE(each->refresh(kLogs));
    EXPECT_TRUE(each->view()->unreadable().empty());
    EXPECT_EQ(each->view()->watermark(kLogs, "a"), 10U);
  }
}

TEST_F(Manifests, AViewDoesNotGoBack) {
  ASSERT_TRUE(flush(store, kLogs, 0, 10, some_block(1)));
  std::string old = objects.objects().at(manifest_key(kLogs)).bytes;
  ASSERT_TRUE(flush(store, kLogs, 10, 20, some_block(2)));
  objects.set(manifest_key(kLogs), old);
  ASSERT_TRUE(store.refresh(kLogs));
  EXPECT_EQ(store.view()->watermark(kLogs, "a"), 20U);
}

// Many threads and processes on the same partitions; each change arrives exactly once.
TEST_F(Manifests, AreSafeToChangeFromManyThreads) {
  ManifestOptions patient = options();
  patient.attempts_max = 100'000;
  patient.pause = [](std::int64_t) {};
  ManifestOptions patient_too = patient;
  patient_too.node = "b";
  ManifestStore first(objects, patient, metrics), second(objects, patient_too, metrics);
  std::vector<std::jthread> threads;
  for (ManifestStore* each : {&first, &second})
    for (Partition partition : {kLogs, kTraces})
      threads.emplace_back([&, each, partition] {
        const std::uint64_t base = (each == &first ? 1000U : 2000U) + (partition == kLogs ? 0U : 500U);
        for (std::uint64_t i = 0; i < 40; ++i) {
          auto done = flush(*each, partition, i, i + 1, some_block(base + i));
          EXPECT_TRUE(done && done->outcome == FlushOutcome::committed);
          (void)each->view()->blocks(Signal::logs, {0, 1'000'000});
          if (i % 10 == 9) EXPECT_EQ(*each->retire(partition, {some_block(base + i).id}), 1U);
          EXPECT_TRUE(each->collect_garbage());
        }
      });
  threads.clear();
  for (Partition partition : {kLogs, kTraces}) {
    EXPECT_EQ(stored(partition).blocks.size(), 72U);
    EXPECT_EQ(stored(partition).retired.size(), 8U);
    EXPECT_EQ(stored(partition).version, 88U);
    EXPECT_EQ(stored(partition).watermark("a"), 40U);
    EXPECT_EQ(stored(partition).watermark("b"), 40U);
  }
}

}  // namespace
}  // namespace weft::storage
