#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storage/testing/log_rows.h"

namespace weft::storage::block {
namespace {

using namespace testing;

constexpr LogBlockOptions kTiny{.group_rows = 23, .group_bytes = 9000, .page_rows = 5, .page_bytes = 200};

// The answer for every stream and several ranges, in both directions, against the rows given.
void expect_answers(const std::vector<Row>& rows, const LogBlockReader& reader, std::mt19937_64& random) {
  const LogDirectory& directory = reader.directory();
  auto streams = expected_streams(rows);
  ASSERT_EQ(directory.streams.size(), streams.size());
  std::size_t total = 0;
  LogPageCache cache(random() % 2 == 0 ? 1 << 20 : 3000);
  for (std::uint32_t s = 0; s < directory.streams.size(); ++s) {
    const LogBlockStream& stream = directory.streams[s];
    const auto& expected = streams[{directory.tenants[stream.tenant].id, stream.labels.to_string()}];
    ASSERT_EQ(stream.rows, expected.size());
    total += expected.size();
    for (int round = 0; round < 4; ++round) {
      std::int64_t a = expected[random() % expected.size()]->time_ns;
      std::int64_t b =
          expected[random() % expected.size()]->time_ns + static_cast<std::int64_t>(random() % 2);
      TimeRange range{std::min(a, b), std::max(a, b)};
      if (round == 0)
        range = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
      std::vector<std::string> shown;
      for (const Row* row : expected)
        if (range.contains(row->time_ns)) shown.push_back(show(*row));
      std::size_t batch = 1 + random() % 60;
      auto forward = read_stream(reader, cache, {.stream = s, .range = range}, batch);
      ASSERT_TRUE(forward) << forward.error().message();
      EXPECT_EQ(*forward, shown);
      auto backward = read_stream(reader, cache, {.stream = s, .range = range, .backward = true}, batch);
      ASSERT_TRUE(backward) << backward.error().message();
      std::ranges::reverse(shown);
      EXPECT_EQ(*backward, shown);
    }
  }
  EXPECT_EQ(directory.totals.rows, total);
}

// Every row that holds an id is among the hits; groups without it are not read.
void expect_ids_found(const std::vector<Row>& rows, const LogBlockReader& reader, std::mt19937_64& random) {
  std::set<TraceId> ids;
  for (const Row& row : rows) {
    if (!row.trace_id.is_zero()) ids.insert(row.trace_id);
    ids.insert(row.ids.begin(), row.ids.end());
  }
  EXPECT_EQ(reader.directory().totals.ids, ids.size());
  ids.insert(random_id<TraceId>(random));
  LogPageCache cache;
  auto streams = expected_streams(rows);
  for (const TraceId& id : ids) {
    auto hits = reader.find_ids({&id, 1}, cache);
    ASSERT_TRUE(hits) << hits.error().message();
    for (std::uint32_t s = 0; s < reader.directory().streams.size(); ++s) {
      const LogBlockStream& stream = reader.directory().streams[s];
      TimeRange all{stream.oldest_ns, stream.newest_ns + 1};
      auto found = read_stream(reader, cache, {.stream = s, .range = all, .ids = &*hits});
      ASSERT_TRUE(found) << found.error().message();
      std::multiset<std::string> shown(found->begin(), found->end());
      for (const Row* row :
           streams[{reader.directory().tenants[stream.tenant].id, stream.labels.to_string()}]) {
        bool holds = row->trace_id == id || row->overflow || std::ranges::count(row->ids, id) > 0;
        if (holds) EXPECT_EQ(shown.count(show(*row)), 1u) << show(*row);
        // Rows with at most one id beside the linked one are known exactly.
        bool simple = !row->overflow && row->ids.empty();
        if (!holds && simple && shown.count(show(*row)) != 0) {
          bool has_twin = std::ranges::any_of(
              rows, [&](const Row& other) { return &other != row && other.key() == row->key(); });
          EXPECT_TRUE(has_twin) << show(*row);
        }
      }
    }
  }
}

TEST(LogBlock, GivesBackWhatItWasGiven) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    LogBlockOptions options = kTiny;
    options.group_rows = 1 + random() % 200;
    options.page_rows = 1 + random() % 50;
    options.page_bytes = random() % 2000;
    options.rows_per_column_value = 1 + random() % 100;
    if (seed % 3 == 0) options.bucket_ns = 60'000'000'000;
    if (seed % 5 == 0) options = {};
    auto rows = random_rows(1 + random() % 600, random, seed % 2 == 0 ? 6 : 300);
    LogBlockSummary summary;
    std::string bytes = make_block(rows, options, &summary);
    EXPECT_EQ(summary.extent.bytes, bytes.size());
    auto reader = open_block(bytes);
    ASSERT_TRUE(reader) << reader.error().message();
    expect_answers(rows, **reader, random);
    expect_ids_found(rows, **reader, random);
    EXPECT_EQ(summary.totals.rows + summary.duplicates, rows.size());
    EXPECT_EQ(summary.totals.rows, (*reader)->directory().totals.rows);
    for (const LogGroup& group : (*reader)->directory().groups) EXPECT_LE(group.rows, options.group_rows);
  }
}

TEST(LogBlock, SaysWhatOfWhomItHolds) {
  std::vector<Row> rows = {
      {.tenant = "b", .labels = {{"app", "x"}}, .time_ns = 100, .line = "one"},
      {.tenant = "b", .labels = {{"app", "x"}}, .time_ns = 50, .line = "three", .metadata = {{"k", "v"}}},
      {.tenant = "a", .labels = {{"app", "y"}}, .time_ns = -7, .line = ""},
      {.tenant = "b", .labels = {}, .time_ns = 70, .line = "four"},
  };
  LogBlockSummary summary;
  auto reader = open_block(make_block(rows, {}, &summary));
  ASSERT_TRUE(reader);
  const LogDirectory& directory = (*reader)->directory();
  for (const auto& tenants : {summary.tenants, directory.tenants}) {
    ASSERT_EQ(tenants.size(), 2u);
    EXPECT_EQ(tenants[0].id, "a");
    EXPECT_EQ(tenants[0].rows, 1u);
    EXPECT_EQ(tenants[0].oldest_ns, -7);
    EXPECT_EQ(tenants[1].id, "b");
    EXPECT_EQ(tenants[1].rows, 3u);
    EXPECT_EQ(tenants[1].streams, 2u);
    EXPECT_EQ(tenants[1].oldest_ns, 50);
    EXPECT_EQ(tenants[1].newest_ns, 100);
  }
  EXPECT_EQ(directory.groups.size(), 2u);  // none holds rows of two tenants
  EXPECT_EQ(directory.totals.oldest_ns, -7);
  EXPECT_EQ(directory.totals.newest_ns, 100);
  EXPECT_EQ(directory.totals.ids, 0u);
  EXPECT_EQ(directory.keys, std::vector<std::string>{"k"});
  auto texts = [&](const TenantId& tenant, TimeRange range) {
    std::vector<std::string> out;
    for (std::uint32_t s : (*reader)->streams(tenant, range))
      out.push_back(directory.streams[s].labels.to_string());
    return out;
  };
  EXPECT_EQ(texts("b", {0, 1000}), (std::vector<std::string>{"{app=\"x\"}", "{}"}));
  EXPECT_EQ(texts("b", {101, 1000}), std::vector<std::string>());
  EXPECT_EQ(texts("b", {100, 101}), std::vector<std::string>{"{app=\"x\"}"});
  EXPECT_EQ(texts("c", {0, 1000}), std::vector<std::string>());
  EXPECT_EQ(directory.streams[(*reader)->streams("b", {100, 101})[0]].bytes, 8u);
}

TEST(LogBlock, BringsOnlyWhatIsWanted) {
  std::mt19937_64 random(7);
  TraceId id = random_id<TraceId>(random);
  std::vector<Row> rows = {{.tenant = "t",
                            .labels = {{"app", "x"}},
                            .time_ns = 1,
                            .line = "trace " + to_hex(id),
                            .metadata = {{"trace_id", to_hex(id)}},
                            .trace_id = id}};
  auto reader = open_block(make_block(rows, {}));
  ASSERT_TRUE(reader);
  LogPageCache cache;
  LogRowRef ref{1, 0, 0};
  LogBlockRows out;
  ASSERT_TRUE((*reader)->fetch({&ref, 1}, {.line = true, .metadata = false, .link = false}, cache, out));
  EXPECT_EQ(out.rows[0].line, rows[0].line);
  EXPECT_TRUE(out.rows[0].metadata.empty());
  EXPECT_TRUE(out.rows[0].trace_id.is_zero());
  ASSERT_TRUE((*reader)->fetch({&ref, 1}, {.line = false, .metadata = true, .link = true}, cache, out));
  EXPECT_EQ(out.rows[0].line, "");
  ASSERT_EQ(out.rows[0].metadata.size(), 1u);
  EXPECT_EQ(out.rows[0].metadata[0].value, to_hex(id));
  EXPECT_EQ(out.rows[0].trace_id, id);
}

TEST(LogBlock, MetadataKeepTheirOrderAndNames) {
  std::vector<Row> rows;
  for (int i = 0; i < 300; ++i) {
    Row row{.tenant = "t", .labels = {{"app", "x"}}, .time_ns = i, .line = "l"};
    row.metadata = {{"a", "1"}, {"b", std::to_string(i)}, {"c", ""}};
    if (i % 3 == 0) row.metadata.insert(row.metadata.begin() + 1, {"rare" + std::to_string(i), "r"});
    if (i % 7 == 0) std::ranges::reverse(row.metadata);
    if (i % 11 == 0) row.metadata.emplace_back("a", "twice");
    rows.push_back(row);
  }
  std::mt19937_64 random(1);
  auto reader = open_block(make_block(rows, {}));
  ASSERT_TRUE(reader);
  const LogGroup& group = (*reader)->directory().groups[0];
  EXPECT_EQ(std::ranges::count(group.columns, LogColumnKind::metadata, &LogColumn::kind), 3);
  EXPECT_NE(group.find(LogColumnKind::rest), nullptr);
  expect_answers(rows, **reader, random);
}

TEST(LogBlock, MoreKeysThanNumbers) {
  std::vector<Row> rows;
  for (int i = 0; i < 300; ++i) {
    Row row{.tenant = "t", .labels = {{"app", "x"}}, .time_ns = i, .line = "l"};
    for (int k = 0; k < 20; ++k) row.metadata.emplace_back("key" + std::to_string(20 * i + k), "v");
    rows.push_back(row);
  }
  std::mt19937_64 random(1);
  auto reader = open_block(make_block(rows, {}));
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->directory().groups[0].rest_keys.size(), kRestKeysMax);
  expect_answers(rows, **reader, random);
}

TEST(LogBlock, LongLinesAndManyOfOneTime) {
  std::vector<Row> rows;
  std::mt19937_64 random(3);
  for (int i = 0; i < 3; ++i) {
    Row row{.tenant = "t", .labels = {{"app", "x"}}, .time_ns = 1};
    for (int c = 0; c < 3 << 20; ++c) row.line += static_cast<char>(random());
    rows.push_back(row);
  }
  for (int i = 0; i < 3000; ++i)
    rows.push_back({.tenant = "t", .labels = {{"app", "x"}}, .time_ns = 2, .line = std::to_string(i % 2000)});
  LogBlockSummary summary;
  auto reader = open_block(make_block(rows, {}, &summary));
  ASSERT_TRUE(reader);
  EXPECT_EQ(summary.duplicates, 1000u);
  expect_answers(rows, **reader, random);
}

TEST(LogBlock, ExtremeTimes) {
  using Limits = std::numeric_limits<std::int64_t>;
  std::vector<Row> rows;
  for (std::int64_t time :
       {Limits::min(), std::int64_t{0}, Limits::max() - 1, Limits::min() + 1, std::int64_t{-1}})
    rows.push_back({.tenant = "t", .labels = {{"app", "x"}}, .time_ns = time, .line = std::to_string(time)});
  std::mt19937_64 random(3);
  auto reader = open_block(make_block(rows, kTiny));
  ASSERT_TRUE(reader) << reader.error().message();
  expect_answers(rows, **reader, random);
}

TEST(LogBlock, RefusesWhatItCannotHold) {
  MemoryWriter out;
  LogBlockWriter empty;
  auto nothing = empty.write(out);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code(), Code::invalid_argument);

  LogBlockWriter writer;
  std::string line((std::size_t{16} << 20) + 1, 'x');
  writer.add({.stream = writer.add_stream("t", {}), .line = line});
  auto too_long = writer.write(out);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code(), Code::invalid_argument);
}

TEST(LogBlock, IdsInMemoryOfOneRowAreFoundAfterItsTwinWasDropped) {
  std::mt19937_64 random(5);
  std::vector<Row> rows(2, {.tenant = "t", .labels = {{"app", "x"}}, .time_ns = 1, .line = "same"});
  rows[0].trace_id = random_id<TraceId>(random);
  rows[1].trace_id = random_id<TraceId>(random);
  auto reader = open_block(make_block(rows, {}));
  ASSERT_TRUE(reader);
  LogPageCache cache;
  for (const Row& row : rows) {
    auto hits = (*reader)->find_ids({&row.trace_id, 1}, cache);
    ASSERT_TRUE(hits);
    auto found = read_stream(**reader, cache, {.stream = 0, .range = {0, 2}, .ids = &*hits});
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, std::vector<std::string>{show(rows[0])});
  }
}

// Damage gives an error that names the block, or what was there before.
TEST(LogBlock, DamageIsNoticed) {
  std::mt19937_64 random(11);
  std::vector<Row> rows = random_rows(40, random);
  for (Row& row : rows) row.line.resize(std::min<std::size_t>(row.line.size(), 60));
  std::string bytes = make_block(rows, kTiny);
  auto read = [&](std::string damaged) -> Result<std::vector<std::string>> {
    auto reader = TRY(open_block(std::move(damaged)));
    std::vector<std::string> all = TRY(read_block(*reader, 50));
    LogPageCache cache;
    for (const Row& row : rows) {
      LogIdHits hits = TRY(reader->find_ids(row.ids, cache));
      std::string shown;
      for (std::uint32_t group : hits.groups) shown += std::to_string(group) + " ";
      all.push_back(shown);
    }
    return all;
  };
  auto whole = read(bytes);
  ASSERT_TRUE(whole) << whole.error().message();
  std::size_t errors = 0;
  auto check = [&](std::string damaged, std::size_t at) {
    auto seen = read(std::move(damaged));
    if (seen) {
      EXPECT_EQ(*seen, *whole) << at;
      return;
    }
    ++errors;
    EXPECT_TRUE(seen.error().code() == Code::corrupted || seen.error().code() == Code::unimplemented);
    EXPECT_TRUE(seen.error().message().starts_with("block b")) << seen.error().message();
  };
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    check(std::move(damaged), at);
  }
  EXPECT_GT(errors, bytes.size() * 9 / 10);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(read(bytes.substr(0, size))) << size;
}

TEST(LogBlock, ErrorsNameThePlace) {
  std::vector<Row> rows;
  for (int i = 0; i < 100; ++i)
    rows.push_back(
        {.tenant = "t", .labels = {{"app", "x"}}, .time_ns = i, .line = "line " + std::to_string(i * i)});
  std::string bytes = make_block(rows, kTiny);
  auto reader = open_block(bytes);
  ASSERT_TRUE(reader);
  const LogGroup& group = (*reader)->directory().groups[1];
  const LogColumn& line = *group.find(LogColumnKind::line);
  bytes[kBlockHeaderBytes + line.offset + line.pages[1].offset + 20] ^= 1;
  reader = open_block(bytes);
  ASSERT_TRUE(reader);
  auto read = read_block(**reader);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(), "block b, row group 1, column line, page 1: page: hash does not match");
}

}  // namespace
}  // namespace weft::storage::block
