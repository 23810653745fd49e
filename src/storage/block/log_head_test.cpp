#include "storage/head/log_head.h"

#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "exec/context.h"
#include "storage/read/cut.h"
#include "storage/testing/log_rows.h"
#include "storage/testing/test_store.h"

// A head written as a block says what the head said.

namespace weft::storage::block {
namespace {

// Hands the rows of a head to a writer.
void add_head(const LogHead& head, const std::vector<std::string>& tenants, LogBlockWriter& writer) {
  for (std::uint32_t i = 0; i < head.published(); ++i) {
    const LogHead::Row& row = head.row(i);
    const StreamEntry& stream = *head.stream_of(row).stream;
    LogHead::Link link;
    if (row.link != 0) link = head.link(row);
    writer.add({.time_ns = row.time_ns,
                .stream = writer.add_stream(tenants[stream.tenant], stream.labels),
                .line = row.text(),
                .metadata = encoded_metadata(row.metadata),
                .trace_id = link.trace_id,
                .span_id = link.span_id});
  }
  std::vector<std::uint32_t> overflow;
  head.rows_with_id_overflow(head.published(), overflow);
  for (std::uint32_t row : overflow) writer.set_ids_overflow(row);
}

// All rows of a tenant in the order of LogScan: (time, stream text, arrival), or the reverse.
std::vector<std::string> rows_of(const LogBlockReader& reader, const TenantId& tenant, TimeRange range,
                                 bool backward) {
  LogPageCache cache;
  std::vector<std::pair<std::pair<std::int64_t, std::string>, std::string>> shown;
  for (std::uint32_t s : reader.streams(tenant, range)) {
    std::string stream = reader.directory().streams[s].labels.to_string();
    LogRowCursor cursor(reader, cache, {.stream = s, .range = range});
    std::vector<LogRowRef> refs;
    LogBlockRows rows;
    while (cursor.next(50, refs) && !refs.empty()) {
      auto fetched = reader.fetch(refs, {}, cache, rows);
      EXPECT_TRUE(fetched);
      for (const auto& row : rows.rows) {
        std::string metadata;
        for (const Label& l : row.metadata)
          metadata += std::string(l.name) + "=" + std::string(l.value) + ",";
        shown.push_back({{row.ref.time_ns, stream},
                         storage::show(stream, row.ref.time_ns, row.line, metadata, row.trace_id)});
      }
    }
  }
  std::vector<std::size_t> order(shown.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(shown[i].first, i); });
  std::vector<std::string> out;
  for (std::size_t i : order) out.push_back(shown[i].second);
  if (backward) std::ranges::reverse(out);
  return out;
}

TEST(LogBlockOfAHead, SaysWhatTheHeadSaid) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    StreamTable streams;
    auto head = std::make_shared<LogHead>();
    const std::vector<std::string> tenants = {"a", "b"};
    for (const std::string& tenant : tenants) streams.tenant(tenant);
    std::vector<std::vector<TraceId>> ids_of_rows;
    for (int request = 0; request < 60; ++request) {
      Request sent{.tenant = tenants[random() % 2]};
      for (std::size_t i = 1 + random() % 20; i > 0; --i) {
        TestRow row{.stream = "s" + std::to_string(random() % 3) + "/p" + std::to_string(random() % 3),
                    .time_ns = static_cast<std::int64_t>(request * 10 + random() % 30),
                    .line = "line " + std::to_string(random() % 9)};
        if (random() % 3 == 0) row.metadata = {{"user", std::to_string(random() % 4)}, {"level", "info"}};
        if (random() % 2 == 0) row.ids = {test_id(static_cast<unsigned>(random() % 30))};
        if (random() % 9 == 0) row.overflow = true;
        if (!row.ids.empty()) row.line += " trace " + to_hex(row.ids[0]);
        sent.rows.push_back(std::move(row));
      }
      LogBatch batch;
      fill(sent, batch);
      std::vector<StreamPtr> of;
      for (const LogStream& stream : batch.streams)
        of.push_back(streams.intern(streams.tenant(sent.tenant), batch.labels_of(stream)));
      head->append(of, batch, std::numeric_limits<std::int64_t>::min());
    }
    head->publish(head->rows());

    LogBlockWriter writer({.group_rows = 50, .page_rows = 7, .page_bytes = 300});
    add_head(*head, tenants, writer);
    MemoryWriter out;
    ASSERT_TRUE(writer.write(out));
    auto reader = testing::open_block(out.take());
    ASSERT_TRUE(reader) << reader.error().message();

    Cut cut;
    cut.streams = std::shared_ptr<const StreamTable>(std::shared_ptr<void>(), &streams);
    cut.logs = {{head, head->published()}};
    cut.oldest_log_ns = std::numeric_limits<std::int64_t>::min();
    cut.oldest_span_ns = cut.oldest_log_ns;
    auto snapshot = make_snapshot(cut);
    exec::Context context;
    for (const std::string& tenant : tenants) {
      for (TimeRange range : {kAllTime, TimeRange{100, 300}, TimeRange{250, 251}}) {
        for (bool backward : {false, true}) {
          auto source = snapshot->logs(
              {.tenant = tenant, .range = range, .order = backward ? Order::backward : Order::forward},
              context);
          EXPECT_EQ(rows_of(**reader, tenant, range, backward), read_all(*source));
        }
        std::vector<std::string> in_block;
        for (std::uint32_t s : (*reader)->streams(tenant, range))
          in_block.push_back((*reader)->directory().streams[s].labels.to_string());
        std::vector<std::string> in_head;
        for (const Stream* stream : snapshot->streams(tenant, {range.start_ns, range.end_ns}, {}))
          in_head.push_back(stream->labels.to_string());
        // Runs that overlap the range may have no row in it, so a block may name more.
        std::ranges::sort(in_block);
        EXPECT_TRUE(std::ranges::includes(in_block, in_head));
      }
    }
  }
}

}  // namespace
}  // namespace weft::storage::block
