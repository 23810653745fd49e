#include <algorithm>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "storage/testing/test_store.h"

// The store answers every log scan as a list that is walked from end to end.

namespace weft::storage {
namespace {

class NaiveLogs {
 public:
  void add(const Request& request) {
    for (const TestRow& row : request.rows) rows_.push_back({request.tenant, row});
  }

  // Rows of a forward scan; `ids` are not applied.
  std::vector<TestRow> scan(const LogScan& scan) const {
    std::multimap<std::pair<std::int64_t, std::string>, TestRow> sorted;  // keeps the order of equal keys
    std::set<std::string> seen;
    for (const auto& [tenant, row] : rows_) {
      if (tenant != scan.tenant || !scan.range.contains(row.time_ns) || !matches(row, scan.matchers))
        continue;
      if (seen.insert(show(row)).second) sorted.emplace(std::pair(row.time_ns, text_of(row.stream)), row);
    }
    std::vector<TestRow> out;
    for (auto& [key, row] : sorted) out.push_back(std::move(row));
    return out;
  }

  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> stats(const LogScan& scan) const {
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> out;
    for (const auto& [tenant, row] : rows_) {
      if (tenant != scan.tenant || !scan.range.contains(row.time_ns) || !matches(row, scan.matchers))
        continue;
      auto& [rows, bytes] = out[text_of(row.stream)];
      ++rows;
      bytes += row.line.size();
    }
    return out;
  }

 private:
  static bool matches(const TestRow& row, const std::vector<exec::LabelMatcher>& matchers) {
    auto labels = labels_of(row.stream);
    return std::ranges::all_of(matchers, [&](const exec::LabelMatcher& m) {
      auto at = std::ranges::find(labels, m.name, [](const auto& l) { return l.first; });
      return m.matcher.matches(at == labels.end() ? "" : at->second);
    });
  }
  std::vector<std::pair<TenantId, TestRow>> rows_;
};

exec::LabelMatcher matcher(std::string name, exec::MatchOp op, std::string value) {
  return {std::move(name), *exec::StringMatcher::make(op, std::move(value))};
}

class RandomLogs {
 public:
  explicit RandomLogs(unsigned seed) : random_(seed) {}

  Request request() {
    Request r;
    r.tenant = below(3) == 0 ? "other" : "one";
    unsigned count = 1 + below(12);
    for (unsigned i = 0; i < count; ++i) r.rows.push_back(row());
    return r;
  }

  LogScan scan() {
    LogScan s;
    s.tenant = below(8) == 0 ? "nobody" : below(2) == 0 ? "one" : "other";
    auto a = static_cast<std::int64_t>(below(static_cast<unsigned>(time_) + 40));
    auto b = static_cast<std::int64_t>(below(static_cast<unsigned>(time_) + 40));
    s.range = below(4) == 0 ? kAllTime : TimeRange{std::min(a, b), std::max(a, b)};
    switch (below(7)) {
      case 0:
        s.matchers.push_back(matcher("app", exec::MatchOp::equal, "a" + std::to_string(below(5))));
        break;
      case 1: s.matchers.push_back(matcher("app", exec::MatchOp::regex, "a1|a2|a9")); break;
      case 2: s.matchers.push_back(matcher("pod", exec::MatchOp::equal, "")); break;
      case 3: s.matchers.push_back(matcher("pod", exec::MatchOp::not_equal, "p1")); break;
      case 4:
        s.matchers.push_back(matcher("app", exec::MatchOp::regex, "a[0-2]"));
        s.matchers.push_back(matcher("pod", exec::MatchOp::regex, "p.+"));
        break;
      default: break;
    }
    return s;
  }
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

 private:
  TestRow row() {
    if (!sent_.empty() && below(10) == 0) return sent_[below(static_cast<unsigned>(sent_.size()))];
    TestRow r;
    r.stream = "a" + std::to_string(below(5));
    if (below(2) == 0) r.stream += "/p" + std::to_string(below(3));
    time_ += below(3);
    r.time_ns = below(6) == 0 ? static_cast<std::int64_t>(below(static_cast<unsigned>(time_) + 1)) : time_;
    r.line = below(20) == 0 ? "" : "line " + std::to_string(below(6));
    if (below(3) == 0) r.metadata.emplace_back("level", below(2) == 0 ? "info" : "warn");
    if (below(5) == 0) r.metadata.emplace_back("user", std::to_string(below(200)));
    // Ids come from the line, so equal rows have equal ids.
    for (unsigned i = 0; i < 3 && below(3) == 0; ++i) {
      r.ids.push_back(test_id(1 + below(40)));
      r.line += " " + to_hex(r.ids.back());
    }
    r.overflow = below(25) == 0;
    if (r.overflow) r.line += " and more";
    sent_.push_back(r);
    return r;
  }

  std::mt19937 random_;
  std::int64_t time_ = 100;
  std::vector<TestRow> sent_;
};

bool may_hold(const TestRow& row, const std::vector<TraceId>& ids) {
  return row.overflow ||
         std::ranges::any_of(row.ids, [&](const TraceId& id) { return std::ranges::count(ids, id); });
}

void check_scan(const Snapshot& snapshot, const NaiveLogs& naive, LogScan scan) {
  exec::Context context;
  std::vector<std::string> expected;
  for (const TestRow& row : naive.scan(scan)) expected.push_back(show(row));

  scan.order = Order::forward;
  EXPECT_EQ(read_all(*snapshot.logs(scan, context)), expected);
  scan.order = Order::backward;
  auto backward = read_all(*snapshot.logs(scan, context));
  std::ranges::reverse(backward);
  EXPECT_EQ(backward, expected);
  scan.order = Order::any;
  auto any = read_all(*snapshot.logs(scan, context));
  std::ranges::sort(any);
  std::ranges::sort(expected);
  EXPECT_EQ(any, expected);
}

void check_ids(const Snapshot& snapshot, const NaiveLogs& naive, LogScan scan, std::vector<TraceId> ids) {
  exec::Context context;
  std::vector<std::string> all;
  std::vector<std::string> needed;
  for (const TestRow& row : naive.scan(scan)) {
    all.push_back(show(row));
    if (may_hold(row, ids)) needed.push_back(show(row));
  }
  scan.ids = std::move(ids);
  for (Order order : {Order::forward, Order::backward, Order::any}) {
    scan.order = order;
    auto shown = read_all(*snapshot.logs(scan, context));
    if (order == Order::forward)
      EXPECT_TRUE(std::ranges::is_sorted(
          shown, {}, [&](const std::string& s) { return std::ranges::find(all, s) - all.begin(); }));
    std::ranges::sort(shown);
    std::ranges::sort(needed);
    EXPECT_TRUE(std::ranges::includes(shown, needed));
    // Not every row, though: that would be no index.
    EXPECT_LE(shown.size(), needed.size() + 2);
  }
}

void check_streams(const Snapshot& snapshot, const NaiveLogs& naive, const LogScan& scan) {
  auto expected = naive.stats(scan);
  auto streams = snapshot.streams(scan.tenant, scan.range, scan.matchers);
  std::vector<std::string> names;
  for (const Stream* s : streams) names.push_back(s->labels.to_string());
  std::vector<std::string> expected_names;
  for (const auto& [name, stats] : expected) expected_names.push_back(name);
  EXPECT_EQ(names, expected_names);
  auto stats = snapshot.stream_stats(scan.tenant, scan.range, scan.matchers);
  ASSERT_EQ(stats.size(), streams.size());
  for (std::size_t i = 0; i < stats.size(); ++i) {
    EXPECT_EQ(stats[i].stream, streams[i]);
    auto want = expected[names[i]];
    EXPECT_EQ(stats[i].rows, want.first);
    EXPECT_EQ(stats[i].bytes, want.second);
  }
}

void check_all(TestStore& store, const NaiveLogs& naive, RandomLogs& random, int scans) {
  auto snapshot = store.snapshot();
  for (int i = 0; i < scans && !testing::Test::HasFailure(); ++i) {
    LogScan scan = random.scan();
    check_scan(*snapshot, naive, scan);
    check_streams(*snapshot, naive, scan);
    check_ids(*snapshot, naive, scan, {test_id(1 + random.below(40)), test_id(1 + random.below(60))});
  }
}

class LogAnswers : public testing::TestWithParam<unsigned> {};

TEST_P(LogAnswers, AreThoseOfAList) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Options options;
  options.head_seal_bytes = 40 + GetParam() % 3 * 1000;
  options.wal_segment_bytes = 500 + GetParam() * 97;
  TestStore store(options);
  ASSERT_TRUE(store.open());
  RandomLogs random(GetParam());
  NaiveLogs naive;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 60; ++i) {
      Request request = random.request();
      naive.add(request);
      ASSERT_TRUE(store.send(request));
    }
    check_all(store, naive, random, 12);
    store.reopen();
    EXPECT_EQ(store.report.corrupted_frames, 0u);
    EXPECT_EQ(store.report.torn_bytes, 0u);
    EXPECT_EQ(store.report.frames, store.requests.size());
    check_all(store, naive, random, 12);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogAnswers, testing::Range(1U, 9U));

TEST(LogScan, LongStreamsAreSharedOutAmongCallers) {
  Options options;
  options.head_seal_bytes = 1 << 20;
  TestStore store(options);
  ASSERT_TRUE(store.open());
  std::size_t total = 0;
  for (int batch = 0; batch < 80; ++batch) {
    Request request{.tenant = "t"};
    for (int i = 0; i < 1000; ++i, ++total)
      request.rows.push_back(
          {.stream = "a", .time_ns = static_cast<std::int64_t>(total / 3), .line = std::to_string(total)});
    ASSERT_TRUE(store.send(std::move(request)));
  }
  auto snapshot = store.snapshot();
  exec::Context context;
  auto source = snapshot->logs({.tenant = "t", .range = kAllTime}, context);
  std::mutex mutex;
  std::set<std::string> lines;
  std::size_t rows_seen = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        LogRows rows;
        while (*source->next(rows)) {
          EXPECT_TRUE(std::ranges::is_sorted(rows.rows, {}, &LogRow::time_ns));
          std::lock_guard lock(mutex);
          rows_seen += rows.rows.size();
          for (const LogRow& row : rows.rows) lines.emplace(row.line);
        }
      });
  }
  EXPECT_EQ(rows_seen, total);
  EXPECT_EQ(lines.size(), total);
}

TEST(LogScan, ALimitedQueryReadsLittle) {
  TestStore store;
  ASSERT_TRUE(store.open());
  for (int batch = 0; batch < 20; ++batch) {
    Request request{.tenant = "t"};
    for (int i = 0; i < 1000; ++i)
      request.rows.push_back(
          {.stream = "a" + std::to_string(i % 7), .time_ns = batch * 1000 + i, .line = "x"});
    ASSERT_TRUE(store.send(std::move(request)));
  }
  auto snapshot = store.snapshot();
  exec::Context context;
  auto source = snapshot->logs({.tenant = "t", .range = kAllTime, .order = Order::backward}, context);
  LogRows rows;
  ASSERT_TRUE(*source->next(rows));
  EXPECT_EQ(rows.rows.front().time_ns, 19'999);
  EXPECT_EQ(context.stats().rows_scanned.load(), rows.rows.size());
}

TEST(LogScan, ManyEqualTimesAreNotComparedWithEachOther) {
  TestStore store;
  ASSERT_TRUE(store.open());
  Request request{.tenant = "t"};
  for (int i = 0; i < 60'000; ++i)
    request.rows.push_back({.stream = "a", .time_ns = 7, .line = std::to_string(i / 2)});
  ASSERT_TRUE(store.send(std::move(request)));
  auto snapshot = store.snapshot();
  exec::Context context;
  for (Order order : {Order::any, Order::forward, Order::backward})
    EXPECT_EQ(read_all(*snapshot->logs({.tenant = "t", .range = kAllTime, .order = order}, context)).size(),
              30'000u);
}

TEST(LogScan, SnapshotsDoNotSeeWhatComesLater) {
  TestStore store;
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(
      store.send({.tenant = "t", .rows = {{.stream = "a", .time_ns = 5, .line = "1", .ids = {test_id(1)}}}}));
  auto snapshot = store.snapshot();
  ASSERT_TRUE(store.send({.tenant = "t",
                          .rows = {{.stream = "a", .time_ns = 3, .line = "2", .ids = {test_id(1)}},
                                   {.stream = "b", .time_ns = 9, .line = "3"}}}));
  exec::Context context;
  EXPECT_EQ(read_all(*snapshot->logs({.tenant = "t", .range = kAllTime}, context)).size(), 1u);
  EXPECT_EQ(
      read_all(*snapshot->logs({.tenant = "t", .range = kAllTime, .ids = {test_id(1)}}, context)).size(), 1u);
  EXPECT_EQ(snapshot->streams("t", kAllTime, {}).size(), 1u);
  EXPECT_EQ(read_all(*store.snapshot()->logs({.tenant = "t", .range = kAllTime}, context)).size(), 3u);
}

}  // namespace
}  // namespace weft::storage
