#include "storage/store.h"

#include <algorithm>
#include <set>
#include <thread>

#include <unistd.h>

#include "storage/testing/test_store.h"

// What the store promises when files fail, fill up or lie, and what it keeps and lets go.

namespace weft::storage {
namespace {

Request logs(int n, std::int64_t time_ns = 10) {
  return {.tenant = "t", .rows = {{.stream = "a", .time_ns = time_ns, .line = "row " + std::to_string(n)}}};
}

std::set<std::string> lines(const Snapshot& snapshot, const TenantId& tenant = "t") {
  exec::Context context;
  auto source = snapshot.logs({.tenant = tenant, .range = kAllTime}, context);
  std::set<std::string> out;
  LogRows rows;
  while (*source->next(rows))
    for (const LogRow& row : rows.rows)
      EXPECT_TRUE(out.emplace(row.line).second) << "shown twice: " << row.line;
  return out;
}

std::size_t segments(const TestStore& store) {
  return static_cast<std::size_t>(std::ranges::count_if(store.files.names(), [](const std::string& name) {
    return name.find("segment-") != std::string::npos;
  }));
}

TEST(Store, OneProcessADirectory) {
  TestStore store;
  ASSERT_TRUE(store.open());
  Registry metrics;
  auto second = Store::open({.path = "data"}, store.files, store.clock, metrics);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::unavailable);
  store.close();
  EXPECT_TRUE(Store::open({.path = "data"}, store.files, store.clock, metrics));
}

TEST(Store, TakesNothingBeforeItsLogIsRead) {
  TestStore store;
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(store.send(logs(1)));
  store.close();
  Registry metrics;
  auto opened = Store::open({.path = "data"}, store.files, store.clock, metrics);
  ASSERT_TRUE(opened);
  EXPECT_FALSE((*opened)->writable());
  LogBatch batch;
  Code code = Code::internal;
  (*opened)->append({.tenant = "t"}, batch,
                    [&](const Result<void>& result) { code = result.error().code(); });
  EXPECT_EQ(code, Code::unavailable);
}

TEST(Store, ClosedIsClosed) {
  TestStore store;
  ASSERT_TRUE(store.open());
  EXPECT_TRUE(store.store().close());
  EXPECT_TRUE(store.store().close());
  EXPECT_FALSE(store.store().writable());
  auto refused = store.send(logs(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unavailable);
}

TEST(Store, KeepsTheFrameAsItWas) {
  TestStore store;
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(store.send(logs(1)));
  store.close();
  Registry metrics;
  auto opened = Store::open({.path = "data"}, store.files, store.clock, metrics);
  int seen = 0;
  auto report = (*opened)->recover([&](const Frame& frame) -> Result<void> {
    ++seen;
    EXPECT_EQ(frame.tenant, "t");
    EXPECT_EQ(frame.kind, FrameKind::loki_json);
    EXPECT_EQ(frame.received_ns, 5);
    EXPECT_EQ(frame.rejected, "x");
    EXPECT_EQ(frame.body, "0");
    return Error(Code::invalid_argument, "refused");
  });
  ASSERT_TRUE(report);
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(report->corrupted_frames, 1u);
}

TEST(Store, PowerLossTakesNothingThatWasAcknowledged) {
  TestStore store({.wal_segment_bytes = 400});
  ASSERT_TRUE(store.open());
  std::set<std::string> sent;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 7; ++i) {
      ASSERT_TRUE(store.send(logs(round * 10 + i)));
      sent.insert("row " + std::to_string(round * 10 + i));
    }
    store.close();
    store.files.crash();
    store.reopen();
    EXPECT_EQ(lines(*store.snapshot()), sent);
    EXPECT_EQ(store.report.corrupted_frames, 0u);
  }
}

TEST(Store, CorruptionIsReportedAndTheRestKept) {
  TestStore store;
  ASSERT_TRUE(store.open());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store.send(logs(i)));
  store.close();
  std::string& bytes = store.files.content("data/segment-0000000001.wal");
  // The third record: each has the same size.
  std::size_t record = (40 + 16 + 1 + 1 + 1 + 7) / 8 * 8;
  bytes[48 + 2 * record + 42] ^= 1;
  store.reopen();
  EXPECT_EQ(store.report.corrupted_frames, 1u);
  EXPECT_EQ(store.report.frames, 4u);
  EXPECT_EQ(lines(*store.snapshot()), (std::set<std::string>{"row 0", "row 1", "row 3", "row 4"}));
}

TEST(Store, AMissingSegmentIsReported) {
  TestStore store({.wal_segment_bytes = 200});
  ASSERT_TRUE(store.open());
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(store.send(logs(i)));
  ASSERT_GE(segments(store), 4u);
  store.close();
  ASSERT_TRUE(store.files.remove("data/segment-0000000002.wal"));
  store.reopen();
  EXPECT_EQ(store.report.corrupted_frames, 1u);
}

TEST(Store, AFrameLargerThanASegmentGetsItsOwn) {
  TestStore store({.wal_segment_bytes = 256});
  ASSERT_TRUE(store.open());
  LogBatch batch;
  std::string body(3000, 'x');
  std::promise<bool> stored;
  store.store().append({.tenant = "t", .encoding = Codec::gzip, .body = body}, batch,
                       [&](const Result<void>& result) { stored.set_value(bool(result)); });
  EXPECT_TRUE(stored.get_future().get());
  store.close();
  Registry metrics;
  auto opened = Store::open({.path = "data"}, store.files, store.clock, metrics);
  std::string read;
  auto report = (*opened)->recover([&](const Frame& frame) -> Result<void> {
    read = frame.body;
    return {};
  });
  ASSERT_TRUE(report);
  EXPECT_EQ(read, body);
}

TEST(Store, AFailedSyncIsFinal) {
  TestStore store;
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(store.send(logs(1)));
  store.files.fail_syncs(true);
  EXPECT_FALSE(store.send(logs(2)));
  store.files.fail_syncs(false);
  auto refused = store.send(logs(3));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::unavailable);
  EXPECT_FALSE(store.store().writable());
  // Reading goes on, and shows what was acknowledged.
  EXPECT_EQ(lines(*store.snapshot()), std::set<std::string>{"row 1"});
  EXPECT_FALSE(store.store().close());
  EXPECT_EQ(store.files.syncs_after_failure(), 0u);
  store.close();
  store.files.crash();
  store.reopen();
  EXPECT_EQ(lines(*store.snapshot()), std::set<std::string>{"row 1"});
  EXPECT_TRUE(store.send(logs(4)));
}

TEST(Store, AFullDiskRefusesAndRecovers) {
  TestStore store({.wal_segment_bytes = 500});
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(store.send(logs(0)));
  store.files.set_capacity(600);
  std::set<std::string> kept = {"row 0"};
  int n = 1;
  Result<void> result;
  while ((result = store.send(logs(n)))) kept.insert("row " + std::to_string(n++));
  EXPECT_EQ(result.error().code(), Code::resource_exhausted);
  EXPECT_NE(result.error().message().find("no space left"), std::string::npos) << result.error().message();
  EXPECT_FALSE(store.store().writable());
  EXPECT_EQ(lines(*store.snapshot()), kept);
  EXPECT_FALSE(store.send(logs(1000)));

  store.files.set_capacity(1'000'000);
  n = 2000;
  while (!store.send(logs(n))) {
    EXPECT_FALSE(store.store().snapshot() == nullptr);
    std::this_thread::yield();
  }
  kept.insert("row 2000");
  EXPECT_TRUE(store.store().writable());
  EXPECT_EQ(lines(*store.snapshot()), kept);
  store.reopen();
  EXPECT_EQ(lines(*store.snapshot()), kept);
  EXPECT_EQ(store.report.corrupted_frames, 0u);
}

// Fails the first file operation, then the second, and so on until nothing is left to fail; each
// time, what was acknowledged is there after the machine has lost its power.
TEST(Store, EveryOperationMayFail) {
  for (Code code : {Code::internal, Code::resource_exhausted}) {
    bool failed = true;
    for (std::uint64_t n = 1; failed; ++n) {
      ASSERT_LT(n, 10'000u);
      SCOPED_TRACE("operation " + std::to_string(n));
      TestStore store({.wal_segment_bytes = 400, .log_retention_ns = 1000});
      store.clock.now = 0;
      store.files.fail_at(n, code);
      std::set<std::string> acknowledged;
      std::set<std::string> sent;
      int row = 0;
      for (int life = 0; life < 3; ++life) {
        if (!store.open()) continue;
        for (int i = 0; i < 6; ++i) {
          std::string line = "row " + std::to_string(row);
          sent.insert(line);
          if (store.send(logs(row))) acknowledged.insert(line);
          ++row;
        }
        EXPECT_TRUE(std::ranges::includes(lines(*store.snapshot()), acknowledged));
        store.store().enforce_retention();
        store.close();
        if (life == 1) store.files.crash();
      }
      failed = store.files.failed_once();
      store.files.fail_at(0);
      store.close();
      store.files.crash();
      store.reopen();
      auto found = lines(*store.snapshot());
      EXPECT_TRUE(std::ranges::includes(found, acknowledged));
      EXPECT_TRUE(std::ranges::includes(sent, found));
      EXPECT_EQ(store.report.corrupted_frames, 0u);
      EXPECT_TRUE(store.send(logs(9999)));
    }
  }
}

TEST(Store, IntervalAcknowledgesWithoutSync) {
  TestStore store(
      {.durability = Durability::interval, .sync_interval_ns = std::int64_t{3600} * 1'000'000'000});
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(store.send(logs(1)));
  std::uint64_t before = store.files.operations();
  ASSERT_TRUE(store.send(logs(2)));
  EXPECT_EQ(store.files.operations(), before + 1);  // a write
  store.close();                                    // syncs
  store.files.crash();
  store.reopen();
  EXPECT_EQ(lines(*store.snapshot()).size(), 2u);
}

TEST(Store, NoneAcknowledgesAtOnce) {
  TestStore store({.durability = Durability::none});
  ASSERT_TRUE(store.open());
  bool done = false;
  store.send(logs(1), [&](const Result<void>& result) { done = bool(result); });
  EXPECT_TRUE(done);
  EXPECT_EQ(lines(*store.snapshot()).size(), 1u);
  store.reopen();
  EXPECT_EQ(lines(*store.snapshot()).size(), 1u);
}

TEST(Store, MemoryIsBounded) {
  TestStore store({.head_memory_max = 200'000});
  ASSERT_TRUE(store.open());
  Result<void> result;
  int n = 0;
  while ((result = store.send(
              {.tenant = "t", .rows = {{.stream = "a", .time_ns = n, .line = std::string(5000, 'x')}}})))
    ASSERT_LT(++n, 100);
  EXPECT_EQ(result.error().code(), Code::resource_exhausted);
  EXPECT_NE(result.error().message().find("storage.head-memory-max"), std::string::npos);
  exec::Context context;
  EXPECT_EQ(read_all(*store.snapshot()->logs({.tenant = "t", .range = kAllTime}, context)).size(),
            static_cast<std::size_t>(n));
}

TEST(Store, RetentionHidesThenDrops) {
  TestStore store({.wal_segment_bytes = 300, .head_seal_bytes = 30, .log_retention_ns = 1000});
  store.clock.now = 1000;
  ASSERT_TRUE(store.open());
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(store.send(logs(i, 100 + i * 10)));
  std::size_t before = segments(store);
  EXPECT_GE(before, 10u);
  auto snapshot = store.snapshot();
  EXPECT_EQ(lines(*snapshot).size(), 40u);
  store.clock.now = 1300;  // rows before 300 are too old
  EXPECT_EQ(lines(*store.snapshot()).size(), 20u);
  EXPECT_EQ(store.snapshot()->stream_stats("t", kAllTime, {})[0].rows, 20u);
  store.store().enforce_retention();
  EXPECT_EQ(lines(*store.snapshot()).size(), 20u);
  EXPECT_EQ(lines(*snapshot).size(), 40u) << "a snapshot keeps what it shows";
  EXPECT_LE(segments(store), before - 5);
  // Segments start a new life.
  for (int i = 100; i < 130; ++i) ASSERT_TRUE(store.send(logs(i, 1200)));
  store.reopen();
  EXPECT_EQ(store.report.corrupted_frames, 0u);
  EXPECT_EQ(lines(*store.snapshot()).size(), 50u);
  store.clock.now = 10'000;
  store.store().enforce_retention();
  EXPECT_TRUE(store.snapshot()->streams("t", kAllTime, {}).empty());
  EXPECT_LE(segments(store), 1u);
  ASSERT_TRUE(store.send(logs(500, 9900)));
  EXPECT_EQ(lines(*store.snapshot()).size(), 1u);
}

TEST(Store, RetentionHidesSpans) {
  TestStore store({.trace_retention_ns = 1000});
  store.clock.now = 1000;
  ASSERT_TRUE(store.open());
  ASSERT_TRUE(store.send({.tenant = "t",
                          .spans = {{.trace_id = test_id(1), .name = "a", .start_ns = 100, .end_ns = 150},
                                    {.trace_id = test_id(1), .name = "b", .start_ns = 600, .end_ns = 650},
                                    {.trace_id = test_id(2), .name = "c", .start_ns = 200, .end_ns = 250}}}));
  SpanBatch out;
  auto before = store.snapshot();
  ASSERT_TRUE(before->trace("t", test_id(1), out));
  EXPECT_EQ(out.spans.size(), 2u);
  store.clock.now = 1300;
  auto after = store.snapshot();
  ASSERT_TRUE(after->trace("t", test_id(1), out));
  EXPECT_EQ(out.spans.size(), 1u);
  EXPECT_FALSE(after->trace("t", test_id(2), out));
  exec::Context context;
  TraceRows rows;
  auto source = after->traces({.tenant = "t", .range = kAllTime}, context);
  ASSERT_TRUE(*source->next(rows));
  EXPECT_EQ(rows.traces.size(), 1u);
  EXPECT_EQ(rows.spans.size(), 1u);
}

TEST(Store, DamageBehindARestartIsNoOldNews) {
  // A torn tail must not look like lost data once later segments exist.
  TestStore store;
  ASSERT_TRUE(store.open());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store.send(logs(i)));
  store.close();
  std::string& bytes = store.files.content("data/segment-0000000001.wal");
  std::size_t record = (40 + 16 + 1 + 1 + 1 + 7) / 8 * 8;
  bytes[48 + 2 * record + 42] ^= 1;  // in the last record
  store.reopen();
  EXPECT_EQ(store.report.corrupted_frames, 0u);
  EXPECT_EQ(store.report.torn_bytes, record);
  ASSERT_TRUE(store.send(logs(7)));
  store.reopen();
  EXPECT_EQ(store.report.corrupted_frames, 0u);
  EXPECT_EQ(store.report.torn_bytes, 0u);
  EXPECT_EQ(lines(*store.snapshot()), (std::set<std::string>{"row 0", "row 1", "row 7"}));
}

// Readers see whole requests, in order, while writers append, heads are sealed and old ones go.
TEST(Store, ReadersWhileWritersAppend) {
  Options options{.wal_segment_bytes = 20'000, .head_seal_bytes = 4000};
  options.path = "data";
  MemoryFiles files;
  ManualClock clock;
  Registry metrics;
  auto store = *Store::open(options, files, clock, metrics);
  constexpr int kRequests = 300;
  std::atomic<int> writers{2};
  std::vector<std::jthread> threads;
  for (int w = 0; w < 2; ++w)
    threads.emplace_back([&, w] {
      for (int i = 0; i < kRequests; ++i) {
        Request request{.tenant = "t" + std::to_string(w)};
        TraceId id = test_id(static_cast<unsigned>(i));
        for (int k = 0; k < 3; ++k)
          request.rows.push_back({.stream = "a/" + std::to_string(i % 5),
                                  .time_ns = i - (i % 7 == 0 ? 5 : 0),
                                  .line = std::to_string(i) + "/" + std::to_string(k),
                                  .metadata = {{"i", std::to_string(i % 3)}},
                                  .ids = {id}});
        LogBatch batch;
        fill(request, batch);
        std::promise<void> done;
        store->append({.tenant = request.tenant, .body = "b"}, batch, [&](const Result<void>& result) {
          EXPECT_TRUE(result);
          done.set_value();
        });
        done.get_future().get();
        exec::Context context;
        EXPECT_EQ(read_all(*store->snapshot()->logs(
                               {.tenant = request.tenant, .range = kAllTime, .ids = {id}}, context))
                      .size(),
                  3u);
        Request spans{.tenant = request.tenant};
        for (unsigned k = 0; k < 3; ++k)
          spans.spans.push_back({.trace_id = test_id(static_cast<unsigned>(i / 4)),
                                 .span_id = test_span_id(k + static_cast<unsigned>(i % 4) * 3),
                                 .name = "n",
                                 .start_ns = static_cast<std::uint64_t>(i),
                                 .service = "s",
                                 .attributes = {{"k" + std::to_string(i % 50), "v"}}});
        SpanBatch span_batch;
        fill(spans, span_batch);
        store->append({.tenant = request.tenant, .body = "b"}, span_batch,
                      [](const Result<void>& result) { EXPECT_TRUE(result); });
      }
      --writers;
    });
  for (int r = 0; r < 2; ++r)
    threads.emplace_back([&, r] {
      std::string tenant = "t" + std::to_string(r);
      std::size_t seen = 0;
      std::size_t spans_seen = 0;
      exec::Context context;
      while (writers > 0) {
        auto snapshot = store->snapshot();
        auto rows = read_all(
            *snapshot->logs({.tenant = tenant, .range = kAllTime, .order = Order::backward}, context));
        EXPECT_EQ(rows.size() % 3, 0u);
        EXPECT_GE(rows.size(), seen);
        seen = rows.size();
        EXPECT_EQ(read_all(*snapshot->logs({.tenant = tenant, .range = kAllTime}, context)).size(), seen);
        auto traces =
            snapshot->traces({.tenant = tenant, .range = kAllTime, .all_attributes = true}, context);
        TraceRows found;
        std::size_t spans = 0;
        while (*traces->next(found)) {
          for (const auto& trace : found.traces) EXPECT_EQ(trace.count % 3, 0u);
          spans += found.spans.size();
        }
        EXPECT_GE(spans, spans_seen);
        spans_seen = spans;
        (void)snapshot->attribute_keys(tenant, kAllTime);
        store->enforce_retention();
      }
    });
  threads.clear();
  EXPECT_TRUE(store->close());
  for (const char* tenant : {"t0", "t1"}) EXPECT_EQ(lines(*store->snapshot(), tenant).size(), 3u * kRequests);
}

TEST(Store, RealFiles) {
  std::string path = testing::TempDir() + "weft-store-" + std::to_string(::getpid());
  PosixFileSystem files;
  ManualClock clock;
  for (int life = 0; life < 3; ++life) {
    Registry metrics;
    auto store = Store::open({.path = path, .wal_segment_bytes = 1 << 16}, files, clock, metrics);
    ASSERT_TRUE(store) << store.error().message();
    Registry other;
    EXPECT_FALSE(Store::open({.path = path}, files, clock, other));
    auto report = (*store)->recover([&](const Frame& frame) -> Result<void> {
      EXPECT_EQ(frame.body, "body");
      return {};
    });
    ASSERT_TRUE(report);
    EXPECT_EQ(report->frames, static_cast<std::uint64_t>(life));
    EXPECT_EQ(report->corrupted_frames, 0u);
    LogBatch batch;
    (*store)->append({.tenant = "t", .body = "body"}, batch,
                     [](const Result<void>& result) { EXPECT_TRUE(result); });
    EXPECT_TRUE((*store)->close());
    EXPECT_NE(metrics.render().find("weft_wal_frames_total 1"), std::string::npos);
  }
  auto names = files.list(path);
  ASSERT_TRUE(names);
  for (const std::string& name : *names) EXPECT_TRUE(files.remove(path + "/" + name));
}

}  // namespace
}  // namespace weft::storage
