#include "ingest/tail.h"

#include <mutex>
#include <condition_variable>

#include <gtest/gtest.h>

namespace weft::ingest {
namespace {

// Keeps the lines it got, and lets a test wait for them.
class Listener final : public Follower {
 public:
  bool receive(std::span<const TailedRowsPointer> rows, std::span<const LostRows> lost) override {
    std::lock_guard lock(mutex_);
    for (const auto& push : rows)
      for (const LogEntry& e : push->batch.entries) lines_.emplace_back(e.line);
    for (const auto& l : lost) lost_.push_back(l.labels.to_string());
    changed_.notify_all();
    return true;
  }
  bool gone() const override { return false; }

  std::vector<std::string> lines(std::size_t count) { return wait(lines_, count); }
  std::vector<std::string> lost(std::size_t count) { return wait(lost_, count); }

 private:
  std::vector<std::string> wait(const std::vector<std::string>& list, std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return list.size() >= count; });
    return list;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_, lost_;
};

LogBatch batch_of(std::string_view line) {
  LogBatch batch;
  batch.labels = {{"app", "x"}};
  batch.entries.emplace_back();
  batch.entries[0].time_ns = 7;
  batch.entries[0].line = line;
  batch.streams.push_back({0, 1, 0, 1});
  return batch;
}

bool stays() {
  return false;
}

TEST(Tail, FollowersGetTheRowsOfTheirTenantOnceTheyAreAcknowledged) {
  Registry metrics;
  Tail tail(kTailBytesMax, metrics);
  auto listener = std::make_shared<Listener>();
  ASSERT_TRUE(tail.follow("a", listener, 0, stays));
  {
    auto refused = tail.begin("a", batch_of("never written"));
    auto other = tail.begin("b", batch_of("another's"));
    other.publish();
  }
  auto first = tail.begin("a", batch_of("first"));
  auto second = tail.begin("a", batch_of("second"));
  second.publish();
  first.publish();
  EXPECT_EQ(listener->lines(2), (std::vector<std::string>{"second", "first"}));
  EXPECT_EQ(tail.sequence(), 3u);
}

TEST(Tail, FollowWaitsForPushesThatDidNotKnow) {
  Registry metrics;
  Tail tail(kTailBytesMax, metrics);
  std::atomic<bool> following{false};
  auto listener = std::make_shared<Listener>();
  auto under_way = std::make_unique<Tail::Ticket>(tail.begin("a", batch_of("before")));
  std::atomic<bool> asked{false};
  std::jthread follower([&] {
    // Asked while it waits, which shows that it does.
    EXPECT_TRUE(tail.follow("a", listener, 0, [&] {
      asked = true;
      asked.notify_all();
      return false;
    }));
    following = true;
  });
  asked.wait(false);
  EXPECT_FALSE(following);
  under_way->publish();
  follower.join();
  EXPECT_TRUE(following);
}

TEST(Tail, FollowGivesUpWhenTheClientDoes) {
  Registry metrics;
  Tail tail(kTailBytesMax, metrics);
  auto under_way = tail.begin("a", batch_of("before"));
  auto followed = tail.follow("a", std::make_shared<Listener>(), 0, [] { return true; });
  ASSERT_FALSE(followed);
  EXPECT_EQ(followed.error().code(), Code::cancelled);
}

TEST(Tail, WhatDoesNotFitIsNamedAndCounted) {
  Registry metrics;
  Tail tail(10'000, metrics);
  auto listener = std::make_shared<Listener>();
  ASSERT_TRUE(tail.follow("a", listener, 0, stays));
  std::string large(20'000, 'x');
  tail.begin("a", batch_of(large)).publish();
  EXPECT_EQ(listener->lost(1), std::vector<std::string>{"{app=\"x\"}"});
  EXPECT_NE(metrics.render().find("weft_tail_dropped_rows_total 1\n"), std::string::npos);
  tail.begin("a", batch_of("small")).publish();
  EXPECT_EQ(listener->lines(1), std::vector<std::string>{"small"});
}

TEST(Tail, FollowersHaveALimit) {
  Registry metrics;
  Tail tail(kTailBytesMax, metrics);
  ASSERT_TRUE(tail.follow("a", std::make_shared<Listener>(), 1, stays));
  auto second = tail.follow("a", std::make_shared<Listener>(), 1, stays);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(),
            "max concurrent tail requests limit exceeded, count > limit (2 > 1)");
  EXPECT_TRUE(tail.follow("b", std::make_shared<Listener>(), 1, stays));
}

}  // namespace
}  // namespace weft::ingest
