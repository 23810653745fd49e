#include <set>

#include <gtest/gtest.h>

#include "storage/block/span_block_reader.h"
#include "storage/block/span_block_writer.h"
#include "storage/head/span_head.h"
#include "storage/testing/span_samples.h"

namespace weft::storage::block {
namespace {

using testing::SampleOptions;
using testing::show;
using testing::SpanSamples;

constexpr TimeRange kAlways{std::numeric_limits<std::int64_t>::min(),
                            std::numeric_limits<std::int64_t>::max()};

using Options = SpanBlockWriter::Options;
constexpr Options kTiny{.row_group_rows = 40,
                        .row_group_bytes = 20'000,
                        .segment_rows = 7,
                        .segment_bytes = 3000,
                        .traces_per_page = 3,
                        .slice_rows = 30};

struct ExpectedSpan {
  std::uint64_t start_ns;
  std::uint64_t end_ns;
  SpanId id;
  std::string text;
  auto operator<=>(const ExpectedSpan&) const = default;
};
// Spans by trace: by (start, id, content), each once.
using Expected = std::map<TraceId, std::set<ExpectedSpan>>;

ExpectedSpan expected(const Span& span, const Resource& resource, const Scope& scope) {
  return {span.start_ns, std::max(span.start_ns, span.end_ns), span.span_id, show(span, resource, scope)};
}

Expected expected(const std::deque<SpanBatch>& batches) {
  Expected out;
  for (const SpanBatch& batch : batches)
    for (const Span& span : batch.spans)
      out[span.trace_id].insert(expected(span, batch.resources[span.resource], batch.scopes[span.scope]));
  return out;
}

// Checks the order as well.
template <class Batch>
std::set<ExpectedSpan> seen(const Batch& batch, std::size_t first, std::size_t count) {
  std::set<ExpectedSpan> out;
  for (std::size_t i = first; i < first + count; ++i) {
    const Span& span = batch.spans[i];
    auto [at, added] = out.insert(expected(span, batch.resources[span.resource], batch.scopes[span.scope]));
    EXPECT_TRUE(added) << "shown twice: " << at->text;
    if (i == first) continue;
    const Span& before = batch.spans[i - 1];
    EXPECT_LE(std::pair(before.start_ns, before.span_id), std::pair(span.start_ns, span.span_id));
  }
  return out;
}

std::string write(SpanBlockWriter& writer, SpanBlockWriter::Summary* summary = nullptr) {
  MemoryWriter out;
  auto written = writer.finish(out);
  EXPECT_TRUE(written) << written.error().message();
  if (written && summary != nullptr) *summary = *written;
  return out.take();
}

Result<std::shared_ptr<const SpanBlockReader>> open(std::string bytes) {
  return SpanBlockReader::open(std::make_shared<MemoryBlock>("block-7", std::move(bytes)));
}

void expect_traces(const SpanBlockReader& reader, const TenantId& tenant, const Expected& all) {
  for (const auto& [id, spans] : all) {
    SpanBatch batch;
    auto found = reader.trace(tenant, id, batch);
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_TRUE(*found) << to_hex(id);
    EXPECT_EQ(seen(batch, 0, batch.spans.size()), spans);
  }
}

bool in_range(const ExpectedSpan& span, TimeRange range) {
  std::int64_t start = event_time(span.start_ns);
  std::int64_t end = event_time(span.end_ns);
  return start < range.end_ns && (end > range.start_ns || (start == end && start == range.start_ns));
}

void expect_scan(const SpanBlockReader& reader, const TenantId& tenant, const Expected& all,
                 TimeRange range) {
  exec::Context context;
  TraceScan scan{.tenant = tenant, .range = range, .all_attributes = true, .events = true, .links = true};
  auto source = reader.traces(scan, context);
  TraceRows rows;
  std::vector<std::pair<std::uint64_t, TraceId>> order;
  std::set<TraceId> shown;
  while (true) {
    auto more = source->next(rows);
    ASSERT_TRUE(more) << more.error().message();
    if (!*more) break;
    ASSERT_FALSE(rows.traces.empty());
    for (const auto& trace : rows.traces) {
      auto spans = seen(rows, trace.first, trace.count);
      ASSERT_TRUE(all.contains(trace.id));
      EXPECT_EQ(spans, all.at(trace.id));
      EXPECT_TRUE(shown.insert(trace.id).second);
      order.emplace_back(spans.begin()->start_ns, trace.id);
    }
  }
  for (const auto& [id, spans] : all) {
    bool hit = !range.empty() &&
               std::ranges::any_of(spans, [&](const ExpectedSpan& span) { return in_range(span, range); });
    EXPECT_EQ(shown.contains(id), hit) << to_hex(id);
  }
  for (std::size_t i = 1; i < order.size(); ++i) {
    EXPECT_GE(order[i - 1].first, order[i].first);
    if (order[i - 1].first == order[i].first) EXPECT_LT(order[i - 1].second, order[i].second);
  }
}

TEST(SpanBlock, ShowsEverySpanAsItWas) {
  struct Case {
    Options options;
    SampleOptions samples;
  };
  const Case cases[] = {
      {Options(), {.traces = 1, .spans_max = 1}},
      {Options(), {.traces = 300, .spans_max = 30}},
      {kTiny, {.traces = 60, .spans_max = 12}},
      {kTiny, {.traces = 3, .spans_max = 200, .keys = 1000}},
      {{.segment_rows = 1, .traces_per_page = 1, .slice_rows = 1}, {.traces = 20}},
      {Options(), {.traces = 400, .keys = 3000}},
      {{.row_group_rows = 1, .row_group_bytes = 1, .segment_bytes = 1}, {.traces = 20}},
  };
  std::uint64_t seed = 1;
  for (const Case& c : cases) {
    for (int round = 0; round < 5; ++round, ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      SpanSamples samples(seed);
      auto batches = samples.make(c.samples);
      SpanBlockWriter writer(c.options);
      std::size_t given = 0;
      for (const SpanBatch& batch : batches) {
        writer.add("tenant", batch);
        given += batch.spans.size();
      }
      SpanBlockWriter::Summary summary;
      std::string bytes = write(writer, &summary);
      Expected all = expected(batches);
      std::size_t spans = 0;
      for (const auto& [id, list] : all) spans += list.size();
      EXPECT_EQ(summary.spans, spans);
      EXPECT_EQ(summary.duplicates, given - spans);
      EXPECT_EQ(summary.traces, all.size());
      EXPECT_EQ(summary.extent.bytes, bytes.size());
      auto reader = open(std::move(bytes));
      ASSERT_TRUE(reader) << reader.error().message();
      expect_traces(**reader, "tenant", all);
      expect_scan(**reader, "tenant", all, kAlways);
      SpanBatch none;
      auto found = (*reader)->trace("tenant", SpanSamples::trace_id(40'000), none);
      ASSERT_TRUE(found);
      EXPECT_FALSE(*found);
    }
  }
}

TEST(SpanBlock, ScansOnlyWhatOverlapsTheRange) {
  SpanSamples samples(77);
  auto batches = samples.make({.traces = 150, .spans_max = 4});
  SpanBlockWriter writer(kTiny);
  for (const SpanBatch& batch : batches) writer.add("t", batch);
  auto reader = open(write(writer));
  ASSERT_TRUE(reader);
  Expected all = expected(batches);
  constexpr std::int64_t kBase = 1'700'000'000'000'000'000;
  for (TimeRange range :
       {TimeRange{kBase, kBase + 60'000'000}, TimeRange{kBase + 100'000'000, kBase + 101'000'000},
        TimeRange{0, 1}, TimeRange{5, 5}, TimeRange{kBase + 50'000'000, kBase + 50'000'001}})
    expect_scan(**reader, "t", all, range);
}

TEST(SpanBlock, KeepsTenantsApart) {
  SpanBlockWriter writer(kTiny);
  std::map<TenantId, std::deque<SpanBatch>> given;
  SpanSamples samples(5);
  for (const TenantId tenant : {"b", "a", "", "cc"}) {
    given[tenant] = samples.make({.traces = 20, .keys = tenant == "a" ? 3U : 12U});
    for (const SpanBatch& batch : given[tenant]) writer.add(tenant, batch);
  }
  auto reader = open(write(writer));
  ASSERT_TRUE(reader) << reader.error().message();
  for (const auto& [tenant, batches] : given) {
    Expected all = expected(batches);
    expect_traces(**reader, tenant, all);
    expect_scan(**reader, tenant, all, kAlways);
  }
  std::set<AttributeKey> used;
  for (const SpanBatch& batch : given["a"]) {
    auto note = [&](AttributeScope scope, Attributes attributes) {
      for (const Attribute& a : attributes) used.insert({scope, std::string(a.key)});
    };
    for (const Span& span : batch.spans) {
      note(AttributeScope::span, span.attributes);
      for (const SpanEvent& event : span.events) note(AttributeScope::event, event.attributes);
      for (const SpanLink& link : span.links) note(AttributeScope::link, link.attributes);
      note(AttributeScope::resource, batch.resources[span.resource].attributes);
      note(AttributeScope::instrumentation, batch.scopes[span.scope].attributes);
    }
  }
  EXPECT_EQ((*reader)->attribute_keys("a"), std::vector<AttributeKey>(used.begin(), used.end()));
  EXPECT_TRUE((*reader)->attribute_keys("nobody").empty());
  SpanBatch none;
  auto found = (*reader)->trace("nobody", SpanSamples::trace_id(0), none);
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  expect_scan(**reader, "nobody", {}, kAlways);
}

TEST(SpanBlock, ColumnsShowTheFirstAttributeOfAKey) {
  for (unsigned keys : {4U, 300U}) {
    SpanSamples samples(keys);
    auto batches = samples.make({.traces = 100, .keys = keys});
    SpanBlockWriter writer(kTiny);
    for (const SpanBatch& batch : batches) writer.add("t", batch);
    auto reader = open(write(writer));
    ASSERT_TRUE(reader);
    exec::Context context;
    TraceScan scan{.tenant = "t",
                   .range = kAlways,
                   .columns = {{AttributeScope::span, "key.1"},
                               {AttributeScope::resource, "service.name"},
                               {AttributeScope::span, "key.2"},
                               {AttributeScope::instrumentation, "scope.key"},
                               {AttributeScope::span, "no such key"}}};
    auto bare = (*reader)->traces(scan, context);
    scan.all_attributes = true;
    auto full = (*reader)->traces(scan, context);
    TraceRows a;
    TraceRows b;
    std::size_t values = 0;
    while (true) {
      auto more = bare->next(a);
      ASSERT_TRUE(more);
      ASSERT_TRUE(full->next(b));
      ASSERT_EQ(a.spans.size(), b.spans.size());
      if (!*more) break;
      for (std::size_t i = 0; i < a.spans.size(); ++i) {
        EXPECT_TRUE(a.spans[i].attributes.empty());
        EXPECT_TRUE(a.spans[i].events.empty());
        for (std::size_t c = 0; c < scan.columns.size(); ++c) {
          Attributes from = b.spans[i].attributes;
          if (scan.columns[c].scope == AttributeScope::resource)
            from = b.resources[b.spans[i].resource].attributes;
          if (scan.columns[c].scope == AttributeScope::instrumentation)
            from = b.scopes[b.spans[i].scope].attributes;
          const Value* value = find_attribute(from, scan.columns[c].key);
          EXPECT_EQ(show(a.columns[c][i]), show(value == nullptr ? Value() : *value));
          EXPECT_EQ(show(b.columns[c][i]), show(a.columns[c][i]));
          values += value != nullptr ? 1 : 0;
        }
      }
    }
    EXPECT_GT(values, 50U);
  }
}

TEST(SpanBlock, FragmentsSayWhetherTheTraceIsWhole) {
  SpanBatch whole;
  SpanBatch late;
  SpanBatch torn;
  for (SpanBatch* batch : {&whole, &late, &torn}) {
    batch->resources.resize(1);
    batch->scopes.resize(1);
  }
  auto add = [](SpanBatch& batch, unsigned trace, unsigned id, unsigned parent) {
    Span& span = batch.spans.emplace_back();
    span.trace_id = SpanSamples::trace_id(trace);
    span.span_id.bytes[7] = static_cast<std::uint8_t>(id);
    span.parent_id.bytes[7] = static_cast<std::uint8_t>(parent);
    span.start_ns = 100 + id;
    span.end_ns = 200;
    span.status = id == 2 ? SpanStatus::error : SpanStatus::ok;
  };
  add(whole, 1, 1, 0);
  add(whole, 1, 2, 1);
  add(late, 2, 1, 0);
  add(torn, 3, 1, 0);
  add(torn, 3, 2, 9);
  add(torn, 4, 1, 2);
  add(torn, 4, 2, 1);
  SpanBlockWriter writer;
  writer.add("t", whole);
  writer.add("t", late, SpanBlockWriter::Arrival::late);
  writer.add("t", torn);
  auto reader = open(write(writer));
  ASSERT_TRUE(reader);
  auto find = [&](unsigned trace) {
    auto found = (*reader)->find("t", SpanSamples::trace_id(trace));
    EXPECT_TRUE(found && *found);
    return **found;
  };
  EXPECT_TRUE(find(1).is_complete());
  EXPECT_EQ(find(1).errors, 1U);
  EXPECT_EQ(find(1).spans, 2U);
  EXPECT_EQ(find(1).start_ns, 101U);
  EXPECT_EQ(find(1).end_ns, 200U);
  EXPECT_EQ(find(2).flags, TraceFragment::kHasRoot | TraceFragment::kParentsResolved | TraceFragment::kLate);
  EXPECT_EQ(find(3).flags, TraceFragment::kHasRoot);
  EXPECT_EQ(find(4).flags, 0);
  EXPECT_FALSE(find(4).is_complete());
}

TEST(SpanBlock, LeavesOutAndCountsWhatFitsNoPage) {
  std::string huge((std::size_t{16} << 20) + 1, 'h');
  Attribute large{"large", Value::of(std::string_view(huge))};
  Value deep;
  std::deque<Value> levels;
  for (int i = 0; i < 1000; ++i) {
    levels.push_back(deep);
    deep = Value::of(std::span<const Value>(&levels.back(), 1));
  }
  Attribute list[] = {large, {"deep", deep}, {"small", Value::of(std::int64_t{1})}};
  SpanEvent events[2];
  events[0].name = huge;
  events[1].name = "small";
  SpanBatch batch;
  batch.resources.push_back({list, 0, {}});
  batch.scopes.resize(1);
  Span& span = batch.spans.emplace_back();
  span.span_id.bytes[0] = 1;
  span.attributes = list;
  span.events = events;
  span.name = huge;
  SpanBlockWriter writer;
  writer.add("t", batch);
  auto reader = open(write(writer));
  ASSERT_TRUE(reader) << reader.error().message();
  SpanBatch out;
  auto found = (*reader)->trace("t", {}, out);
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_TRUE(*found);
  EXPECT_EQ(show(out.spans[0].attributes), "{small:1,}");
  EXPECT_EQ(out.spans[0].dropped_attributes, 2U);
  ASSERT_EQ(out.spans[0].events.size(), 1U);
  EXPECT_EQ(out.spans[0].events[0].name, "small");
  EXPECT_EQ(out.spans[0].dropped_events, 1U);
  EXPECT_EQ(out.spans[0].name, huge.substr(0, out.spans[0].name.size()));
  EXPECT_EQ(show(out.resources[0].attributes), "{small:1,}");
  EXPECT_EQ(out.resources[0].dropped_attributes, 2U);
}

TEST(SpanBlock, EmptyBlocksAreRefused) {
  SpanBlockWriter writer;
  MemoryWriter out;
  auto written = writer.finish(out);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::invalid_argument);
}

// Everything a block shows, or an error.
Result<std::string> read_everything(std::string bytes) {
  auto reader = TRY(open(std::move(bytes)));
  std::string out;
  for (unsigned i = 0; i < 8; ++i) {
    SpanBatch batch;
    if (!TRY(reader->trace("t", SpanSamples::trace_id(i), batch))) continue;
    for (const Span& span : batch.spans)
      out += show(span, batch.resources[span.resource], batch.scopes[span.scope]) + "\n";
  }
  exec::Context context;
  TraceScan scan{.tenant = "t",
                 .range = kAlways,
                 .columns = {{AttributeScope::span, "key.1"}},
                 .all_attributes = true,
                 .events = true,
                 .links = true};
  auto source = reader->traces(scan, context);
  TraceRows rows;
  while (TRY(source->next(rows))) {
    for (std::size_t i = 0; i < rows.spans.size(); ++i)
      out += show(rows.spans[i], rows.resources[rows.spans[i].resource], rows.scopes[rows.spans[i].scope]) +
             show(rows.columns[0][i]) + "\n";
  }
  for (const AttributeKey& key : reader->attribute_keys("t")) out += key.key;
  return out;
}

TEST(SpanBlock, DamageIsNoticedWhereverItIs) {
  SpanSamples samples(3);
  auto batches = samples.make({.traces = 6, .spans_max = 6, .keys = 6, .large = false});
  SpanBlockWriter writer(kTiny);
  for (const SpanBatch& batch : batches) writer.add("t", batch);
  std::string block = write(writer);
  auto whole = read_everything(block);
  ASSERT_TRUE(whole) << whole.error().message();
  ASSERT_GT(whole->size(), 1000U);
  for (std::size_t size = 0; size < block.size(); ++size) {
    auto cut = read_everything(block.substr(0, size));
    ASSERT_FALSE(cut) << "cut at " << size;
    EXPECT_EQ(cut.error().code(), Code::corrupted);
  }
  for (std::size_t at = 0; at < block.size(); ++at) {
    for (unsigned flip : {0x01U, 0x80U, 0xffU}) {
      std::string damaged = block;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
      auto read = read_everything(std::move(damaged));
      ASSERT_TRUE(!read || *read == *whole) << "byte " << at << " xor " << flip;
      if (read) continue;
      EXPECT_NE(read.error().message().find("block-7"), std::string::npos) << read.error().message();
      EXPECT_TRUE(read.error().code() == Code::corrupted || read.error().code() == Code::unimplemented);
    }
  }
}

TEST(SpanBlock, DamageNamesTheColumn) {
  SpanBatch batch;
  batch.resources.resize(1);
  batch.scopes.resize(1);
  for (int i = 0; i < 500; ++i) {
    Span& span = batch.spans.emplace_back();
    span.span_id.bytes[0] = static_cast<std::uint8_t>(i);
    span.span_id.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    span.name = "MARKER";
  }
  SpanBlockWriter writer;
  writer.add("t", batch);
  std::string block = write(writer);
  std::size_t at = block.find("MARKER");
  ASSERT_NE(at, std::string::npos);
  block[at] = 'm';
  auto reader = open(std::move(block));
  ASSERT_TRUE(reader);
  SpanBatch out;
  auto found = (*reader)->trace("t", {}, out);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message(), "block-7: row group 0: column name: page: hash does not match");
}

}  // namespace
}  // namespace weft::storage::block
