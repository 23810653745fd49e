#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/object_store.h"

// What everything above relies on, as a test that each implementation of ObjectStore has to pass.

namespace weft {

inline std::string content_of(ObjectStore& store, std::string_view key) {
  auto object = store.get(key);
  return object ? object->bytes : "error: " + object.error().message();
}

inline std::vector<std::string> keys_of(ObjectStore& store, std::string_view prefix) {
  std::vector<std::string> keys;
  auto listed = store.list(prefix);
  EXPECT_TRUE(listed) << listed.error().message();
  if (listed)
    for (const ObjectInfo& info : *listed) keys.push_back(info.key);
  return keys;
}

// Requires an empty store; leaves it empty.
inline void check_object_store_contract(ObjectStore& store) {
  auto code = [](const auto& result) { return result ? Code::internal : result.error().code(); };
  using Keys = std::vector<std::string>;

  // What is not there.
  EXPECT_EQ(code(store.get("a/b")), Code::not_found);
  EXPECT_EQ(code(store.size("a/b")), Code::not_found);
  const std::vector<ByteRange> whole{{0, 1}};
  EXPECT_EQ(code(store.get("a/b", whole)), Code::not_found);
  EXPECT_TRUE(store.remove("a/b"));
  EXPECT_EQ(keys_of(store, ""), Keys());

  // Read after write, and overwriting.
  ASSERT_TRUE(store.put("a/b", "first"));
  EXPECT_EQ(content_of(store, "a/b"), "first");
  ASSERT_TRUE(store.put("a/b", "the second"));
  EXPECT_EQ(content_of(store, "a/b"), "the second");
  EXPECT_EQ(*store.size("a/b"), 10U);
  EXPECT_EQ(code(store.get("a/b", 9)), Code::resource_exhausted);
  ASSERT_TRUE(store.put("empty", ""));
  EXPECT_EQ(content_of(store, "empty"), "");

  // Ranges come in the order asked for; the end of the object is a bound.
  const std::vector<ByteRange> ranges{{4, 6}, {0, 3}, {10, 0}};
  auto parts = store.get("a/b", ranges);
  ASSERT_TRUE(parts) << parts.error().message();
  EXPECT_EQ(*parts, (Keys{"second", "the", ""}));
  for (ByteRange range : {ByteRange{4, 7}, ByteRange{11, 0}, ByteRange{1, ~std::uint64_t{0}}}) {
    const std::vector<ByteRange> beyond{range};
    EXPECT_EQ(code(store.get("a/b", beyond)), Code::corrupted) << range.offset;
  }

  // Conditional writes: absent, the right etag, a wrong one, an object that is gone.
  EXPECT_EQ(*store.put_if_absent("a/b", "x"), PutOutcome::lost);
  EXPECT_EQ(*store.put_if_absent("cas", "one"), PutOutcome::written);
  EXPECT_EQ(*store.compare_and_swap("cas", "", "x"), PutOutcome::lost);
  auto one = store.get("cas");
  ASSERT_TRUE(one);
  EXPECT_FALSE(one->etag.empty());
  EXPECT_EQ(*store.compare_and_swap("cas", one->etag, "two"), PutOutcome::written);
  EXPECT_EQ(*store.compare_and_swap("cas", one->etag, "x"), PutOutcome::lost);
  EXPECT_EQ(content_of(store, "cas"), "two");
  EXPECT_NE(store.get("cas")->etag, one->etag);
  ASSERT_TRUE(store.remove("cas"));
  EXPECT_EQ(*store.compare_and_swap("cas", one->etag, "x"), PutOutcome::lost);
  EXPECT_EQ(code(store.get("cas")), Code::not_found);
  EXPECT_EQ(*store.compare_and_swap("cas", "", "three"), PutOutcome::written);

  // A written object appears when it is finished, not before, and not when it is given up.
  {
    auto writer = store.create("blk/big");
    ASSERT_TRUE(writer);
    std::string expected;
    for (int i = 0; i < 200; ++i) {
      std::string piece(static_cast<std::size_t>(i) * 97, static_cast<char>('a' + i % 26));
      ASSERT_TRUE((*writer)->append(piece));
      expected += piece;
    }
    ASSERT_TRUE((*writer)->append(std::string(1 << 20, '!')));
    expected.append(1 << 20, '!');
    EXPECT_EQ((*writer)->size(), expected.size());
    EXPECT_EQ(code(store.get("blk/big")), Code::not_found);
    EXPECT_EQ(keys_of(store, "blk/"), Keys());
    ASSERT_TRUE((*writer)->finish());
    EXPECT_TRUE(content_of(store, "blk/big") == expected);
  }
  for (bool explicitly : {true, false}) {
    auto writer = store.create("blk/never");
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->append("some"));
    if (explicitly) (*writer)->abort();
  }
  EXPECT_EQ(code(store.get("blk/never")), Code::not_found);

  // Listing: in key order, by any beginning, with size and time.
  ASSERT_TRUE(store.put("blk/big2/x", "12"));
  ASSERT_TRUE(store.put("a/c", "1"));
  EXPECT_EQ(keys_of(store, ""), (Keys{"a/b", "a/c", "blk/big", "blk/big2/x", "cas", "empty"}));
  EXPECT_EQ(keys_of(store, "a/"), (Keys{"a/b", "a/c"}));
  EXPECT_EQ(keys_of(store, "a"), (Keys{"a/b", "a/c"}));
  EXPECT_EQ(keys_of(store, "blk/big"), (Keys{"blk/big", "blk/big2/x"}));
  EXPECT_EQ(keys_of(store, "blk/big2/x"), (Keys{"blk/big2/x"}));
  EXPECT_EQ(keys_of(store, "c"), (Keys{"cas"}));
  EXPECT_EQ(keys_of(store, "nowhere/at/all"), Keys());
  auto listed = store.list("blk/big2/");
  ASSERT_TRUE(listed && listed->size() == 1);
  EXPECT_EQ(listed->front().size, 2U);
  // File systems stamp with a coarse clock; within a minute is the same clock.
  EXPECT_LE(std::abs(store.now_ns() - listed->front().modified_ns), 60'000'000'000);

  // What is no key.
  const std::string with_zero("a\0b", 3);
  for (const std::string& bad :
       Keys{"", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.hidden", "A", "a b", "a\\b", "ä", with_zero}) {
    EXPECT_EQ(code(store.get(bad)), Code::invalid_argument) << bad;
    EXPECT_EQ(code(store.put(bad, "x")), Code::invalid_argument) << bad;
    EXPECT_EQ(code(store.create(bad)), Code::invalid_argument) << bad;
    EXPECT_EQ(code(store.remove(bad)), Code::invalid_argument) << bad;
  }
  EXPECT_EQ(code(store.put(std::string(513, 'a'), "x")), Code::invalid_argument);
  EXPECT_EQ(code(store.list("../")), Code::invalid_argument);

  // Of many who change an object at once, none loses the change of another.
  ASSERT_TRUE(store.put("counter", "0"));
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int done = 0; done < 25;) {
          auto now = store.get("counter");
          if (!now) break;
          auto next = store.compare_and_swap("counter", now->etag, std::to_string(std::stoi(now->bytes) + 1));
          if (!next) ++failures;
          done += !next || *next == PutOutcome::written ? 1 : 0;
        }
      });
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(content_of(store, "counter"), "100");

  for (const std::string& key : keys_of(store, "")) EXPECT_TRUE(store.remove(key)) << key;
  EXPECT_EQ(keys_of(store, ""), Keys());
}

}  // namespace weft
