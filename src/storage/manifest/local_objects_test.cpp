#include <gtest/gtest.h>

#include "base/object_store.h"
#include "base/object_store_contract.h"
#include "storage/testing/memory_files.h"
#include "storage/testing/test_store.h"

// LocalObjectStore on files that fail, fill up and lose what was not synced.

namespace weft::storage {
namespace {

std::unique_ptr<LocalObjectStore> open(MemoryFiles& files, const Clock& clock) {
  auto store = LocalObjectStore::open(files, "data/objects", clock);
  EXPECT_TRUE(store) << store.error().message();
  return store ? std::move(*store) : nullptr;
}

bool has_temporaries(const MemoryFiles& files) {
  return std::ranges::any_of(
      files.names(), [](const std::string& name) { return name.find("/.tmp/") != std::string::npos; });
}

TEST(LocalObjectsInMemory, KeepTheContract) {
  MemoryFiles files;
  ManualClock clock;
  check_object_store_contract(*open(files, clock));
}

// An operation fails, then the power: what is found is the old or the new content, the new one if it
// was promised, and what was read in between.
TEST(LocalObjectsInMemory, SurviveAFailureOfEveryOperation) {
  enum class Way : std::uint8_t { put, swap, writer };
  for (Way way : {Way::put, Way::swap, Way::writer})
    for (bool process_lives : {true, false})
      for (std::uint64_t at = 1;; ++at) {
        MemoryFiles files;
        ManualClock clock;
        auto store = open(files, clock);
        ASSERT_TRUE(store->put("man/x", "old"));
        auto old = static_cast<ObjectStore&>(*store).get("man/x");
        ASSERT_TRUE(old);
        const std::uint64_t before = files.operations();
        files.fail_at(at);
        bool promised = false;
        if (way == Way::put) promised = static_cast<bool>(store->put("man/x", "new"));
        if (way == Way::swap)
          promised = static_cast<bool>(store->compare_and_swap("man/x", old->etag, "new"));
        if (way == Way::writer)
          promised = [&]() -> Result<void> {
            auto writer = TRY(store->create("man/x"));
            TRY(writer->append("n"));
            TRY(writer->append("ew"));
            return writer->finish();
          }()
                                  ? true
                                  : false;
        const bool met = files.operations() >= before + at;
        EXPECT_TRUE(promised || met);
        files.fail_at(0);
        if (process_lives) EXPECT_FALSE(has_temporaries(files)) << at;
        if (!process_lives) store = open(files, clock);  // killed and started again
        std::string seen = content_of(*store, "man/x");
        store.reset();
        files.crash();
        store = open(files, clock);
        std::string found = content_of(*store, "man/x");
        EXPECT_TRUE(found == "old" || found == "new") << found;
        if (promised) EXPECT_EQ(found, "new") << at;
        if (!seen.starts_with("error")) EXPECT_EQ(found, seen) << at;
        EXPECT_FALSE(has_temporaries(files));
        if (!met) break;
      }
}

TEST(LocalObjectsInMemory, NewDirectoriesSurvive) {
  MemoryFiles files;
  ManualClock clock;
  auto store = open(files, clock);
  ASSERT_TRUE(store->put("blk/logs/2026-07-14/a", "1"));
  files.crash();
  store = open(files, clock);
  EXPECT_EQ(content_of(*store, "blk/logs/2026-07-14/a"), "1");
}

// A second sync of what failed to sync may lie, so nobody is told what is not known to be durable.
TEST(LocalObjectsInMemory, WhatCouldNotBeSyncedIsNotShown) {
  MemoryFiles files;
  ManualClock clock;
  auto store = open(files, clock);
  ASSERT_TRUE(store->put("man/x", "old"));
  ASSERT_TRUE(store->put("man/y", "other"));
  for (std::uint64_t at = 1; content_of(*store, "man/x") == "old"; ++at) {
    files.fail_at(at);
    EXPECT_FALSE(store->put("man/x", "new"));
    files.fail_at(0);
  }
  auto hidden = static_cast<ObjectStore&>(*store).get("man/x");
  ASSERT_FALSE(hidden);
  EXPECT_EQ(hidden.error().code(), Code::internal);
  EXPECT_EQ(store->compare_and_swap("man/x", "", "x").error().code(), Code::internal);
  EXPECT_EQ(content_of(*store, "man/y"), "other");
}

TEST(LocalObjectsInMemory, AFullDiskRefusesAndKeepsWhatThereIs) {
  MemoryFiles files;
  ManualClock clock;
  auto store = open(files, clock);
  ASSERT_TRUE(store->put("man/x", "old"));
  files.set_capacity(1000);
  EXPECT_EQ(store->put("man/x", std::string(2000, 'x')).error().code(), Code::resource_exhausted);
  {
    auto writer = store->create("blk/x");
    ASSERT_TRUE(writer);
    Result<void> appended;
    for (int i = 0; i < 100 && appended; ++i) appended = (*writer)->append(std::string(10'000, 'x'));
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code(), Code::resource_exhausted);
  }
  EXPECT_FALSE(has_temporaries(files));
  EXPECT_EQ(content_of(*store, "man/x"), "old");
  EXPECT_TRUE(store->put("man/x", "new")) << "there is space again";
}

}  // namespace
}  // namespace weft::storage
