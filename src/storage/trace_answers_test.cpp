#include <algorithm>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "storage/testing/test_store.h"

// The store answers trace look-ups and scans as a list that is walked from end to end.

namespace weft::storage {
namespace {

std::string show(const TestSpan& span) {
  std::string out = to_hex(span.trace_id) + " " + to_hex(span.span_id) + " " + span.name + " " +
                    std::to_string(span.start_ns) + "-" + std::to_string(span.end_ns) + " " +
                    std::to_string(static_cast<int>(span.kind)) + " " + span.service + " " + span.message +
                    " " + span.event;
  for (const auto& [key, value] : span.attributes) out += " " + key + "=" + value;
  return out;
}

std::string show(const Span& span, std::span<const Resource> resources) {
  TestSpan s;
  s.trace_id = span.trace_id;
  s.span_id = span.span_id;
  s.name = span.name;
  s.start_ns = span.start_ns;
  s.end_ns = span.end_ns;
  s.kind = span.kind;
  s.message = span.status_message;
  s.service = find_attribute(resources[span.resource].attributes, "service.name")->as_text();
  for (const Attribute& a : span.attributes) s.attributes.emplace(a.key, a.value.as_text());
  if (!span.events.empty()) s.event = span.events[0].name;
  return show(s);
}

class NaiveTraces {
 public:
  void add(const Request& request) {
    for (const TestSpan& span : request.spans) {
      auto& list = tenants_[request.tenant][span.trace_id];
      bool known = std::ranges::any_of(list, [&](const TestSpan& s) { return show(s) == show(span); });
      if (!known) list.push_back(span);
    }
  }

  std::vector<TestSpan> trace(const TenantId& tenant, const TraceId& id) const {
    std::multimap<std::pair<std::uint64_t, SpanId>, TestSpan> sorted;
    auto t = tenants_.find(tenant);
    if (t == tenants_.end() || !t->second.contains(id)) return {};
    for (const TestSpan& s : t->second.at(id)) sorted.emplace(std::pair(s.start_ns, s.span_id), s);
    std::vector<TestSpan> out;
    for (auto& [key, span] : sorted) out.push_back(std::move(span));
    return out;
  }

  // Newest first.
  std::vector<TraceId> traces(const TenantId& tenant, TimeRange range) const {
    std::vector<std::pair<std::uint64_t, TraceId>> found;
    auto t = tenants_.find(tenant);
    if (t == tenants_.end() || range.empty()) return {};
    for (const auto& [id, spans] : t->second) {
      bool hit = std::ranges::any_of(spans, [&](const TestSpan& s) {
        auto start = static_cast<std::int64_t>(s.start_ns);
        auto end = static_cast<std::int64_t>(std::max(s.start_ns + 1, s.end_ns));
        return start < range.end_ns && range.start_ns < end;
      });
      if (hit) found.emplace_back(~std::ranges::min_element(spans, {}, &TestSpan::start_ns)->start_ns, id);
    }
    std::ranges::sort(found);
    std::vector<TraceId> out;
    for (const auto& [start, id] : found) out.push_back(id);
    return out;
  }

  std::set<std::string> keys(const TenantId& tenant) const {
    std::set<std::string> out;
    auto t = tenants_.find(tenant);
    if (t == tenants_.end()) return {};
    for (const auto& [id, spans] : t->second)
      for (const TestSpan& s : spans)
        for (const auto& [key, value] : s.attributes) out.insert(key);
    return out;
  }

 private:
  std::map<TenantId, std::map<TraceId, std::vector<TestSpan>>> tenants_;
};

class RandomSpans {
 public:
  explicit RandomSpans(unsigned seed) : random_(seed) {}
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::uint64_t now() const { return time_; }

  Request request() {
    Request r;
    r.tenant = below(3) == 0 ? "other" : "one";
    for (unsigned i = 0, count = 1 + below(8); i < count; ++i) r.spans.push_back(span());
    return r;
  }

 private:
  TestSpan span() {
    if (!sent_.empty() && below(8) == 0) {
      TestSpan again = sent_[below(static_cast<unsigned>(sent_.size()))];
      if (below(3) == 0) again.kind = SpanKind::client;
      if (below(3) == 0) again.attributes["extra"] = "1";
      return again;
    }
    TestSpan s;
    time_ += below(4);
    s.trace_id = test_id(static_cast<unsigned>(time_ / 12) + below(3) * below(20));
    s.span_id = test_span_id(below(200));
    s.start_ns = below(6) == 0 ? below(static_cast<unsigned>(time_)) : time_;
    s.end_ns = s.start_ns + below(3) * below(30);
    s.name = "op" + std::to_string(below(5));
    s.service = "s" + std::to_string(below(4));
    if (below(5) == 0) s.event = "exception";
    if (below(7) == 0) s.message = "failed";
    for (unsigned i = 0; i < 5 && below(3) != 0; ++i)
      s.attributes["k" + std::to_string(below(6))] = "v" + std::to_string(below(9));
    sent_.push_back(s);
    return s;
  }
  std::mt19937 random_;
  std::uint64_t time_ = 100;
  std::vector<TestSpan> sent_;
};

void check_trace(const Snapshot& snapshot, const NaiveTraces& naive, const TenantId& tenant,
                 const TraceId& id) {
  SpanBatch batch;
  auto expected = naive.trace(tenant, id);
  EXPECT_EQ(snapshot.trace(tenant, id, batch), !expected.empty());
  ASSERT_EQ(batch.spans.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(show(batch.spans[i], batch.resources), show(expected[i]));
}

void check_scan(const Snapshot& snapshot, const NaiveTraces& naive, const TenantId& tenant, TimeRange range) {
  exec::Context context;
  TraceScan scan{.tenant = tenant,
                 .range = range,
                 .columns = {{AttributeScope::span, "k1"},
                             {AttributeScope::resource, "service.name"},
                             {AttributeScope::span, "never"}},
                 .all_attributes = true,
                 .events = true};
  auto source = snapshot.traces(scan, context);
  TraceRows rows;
  std::vector<TraceId> shown;
  while (*source->next(rows)) {
    ASSERT_EQ(rows.columns.size(), 3u);
    for (const auto& column : rows.columns) ASSERT_EQ(column.size(), rows.spans.size());
    for (const auto& trace : rows.traces) {
      shown.push_back(trace.id);
      auto expected = naive.trace(tenant, trace.id);
      ASSERT_EQ(trace.count, expected.size());
      for (std::uint32_t i = 0; i < trace.count; ++i) {
        EXPECT_EQ(show(rows.spans[trace.first + i], rows.resources), show(expected[i]));
        const Value& k1 = rows.columns[0][trace.first + i];
        auto want = expected[i].attributes.find("k1");
        EXPECT_EQ(k1.type, want == expected[i].attributes.end() ? Value::Type::nil : Value::Type::string);
        if (k1.type == Value::Type::string) EXPECT_EQ(k1.as_text(), want->second);
        EXPECT_EQ(rows.columns[1][trace.first + i].as_text(), expected[i].service);
        EXPECT_EQ(rows.columns[2][trace.first + i].type, Value::Type::nil);
      }
    }
  }
  EXPECT_EQ(shown, naive.traces(tenant, range));
}

void check_all(TestStore& store, const NaiveTraces& naive, RandomSpans& random) {
  auto snapshot = store.snapshot();
  for (const char* tenant : {"one", "other", "nobody"}) {
    for (unsigned n = 0; n < 60 && !testing::Test::HasFailure(); ++n)
      check_trace(*snapshot, naive, tenant, test_id(n));
    check_scan(*snapshot, naive, tenant, kAllTime);
    for (int i = 0; i < 10 && !testing::Test::HasFailure(); ++i) {
      auto a = static_cast<std::int64_t>(random.below(static_cast<unsigned>(random.now()) + 20));
      auto b = static_cast<std::int64_t>(random.below(static_cast<unsigned>(random.now()) + 20));
      check_scan(*snapshot, naive, tenant, {std::min(a, b), std::max(a, b)});
    }
    std::set<std::string> keys;
    for (const AttributeKey& key : snapshot->attribute_keys(tenant, kAllTime))
      if (key.scope == AttributeScope::span) keys.insert(key.key);
    EXPECT_EQ(keys, naive.keys(tenant));
  }
}

class TraceAnswers : public testing::TestWithParam<unsigned> {};

TEST_P(TraceAnswers, AreThoseOfAList) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  Options options;
  options.head_seal_bytes = 1000 + GetParam() % 3 * 8000;
  options.wal_segment_bytes = 700 + GetParam() * 97;
  TestStore store(options);
  ASSERT_TRUE(store.open());
  RandomSpans random(GetParam());
  NaiveTraces naive;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) {
      Request request = random.request();
      naive.add(request);
      ASSERT_TRUE(store.send(request));
    }
    check_all(store, naive, random);
    store.reopen();
    EXPECT_EQ(store.report.frames, store.requests.size());
    check_all(store, naive, random);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TraceAnswers, testing::Range(1U, 9U));

TEST(TraceScan, CallersShareTheTraces) {
  TestStore store;
  ASSERT_TRUE(store.open());
  for (unsigned batch = 0; batch < 20; ++batch) {
    Request request{.tenant = "t"};
    for (unsigned i = 0; i < 500; ++i) {
      unsigned n = batch * 500 + i;
      request.spans.push_back(
          {.trace_id = test_id(n), .span_id = test_span_id(1), .name = "a", .start_ns = n, .end_ns = n + 5});
    }
    ASSERT_TRUE(store.send(std::move(request)));
  }
  auto snapshot = store.snapshot();
  exec::Context context;
  auto source = snapshot->traces({.tenant = "t", .range = kAllTime}, context);
  std::mutex mutex;
  std::set<TraceId> seen;
  std::size_t count = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        TraceRows rows;
        while (*source->next(rows)) {
          std::lock_guard lock(mutex);
          count += rows.traces.size();
          for (const auto& trace : rows.traces) seen.insert(trace.id);
        }
      });
  }
  EXPECT_EQ(count, 10'000u);
  EXPECT_EQ(seen.size(), 10'000u);
}

// Everything that a span can hold comes back as it was.
TEST(Trace, AllFieldsComeBack) {
  TestStore store;
  ASSERT_TRUE(store.open());
  SpanBatch batch;
  Attribute nested[] = {{"inner", Value::of(std::int64_t{3})}};
  Value items[] = {Value::of(true), Value::of(2.5), Value::of(Attributes(nested))};
  Attribute attributes[] = {{"text", Value::of(std::string_view("v"))},
                            {"empty", Value::of(std::string_view())},
                            {"int", Value::of(std::int64_t{-7})},
                            {"double", Value::of(0.25)},
                            {"bool", Value::of(true)},
                            {"bytes", Value::of_bytes("\x00\x01")},
                            {"list", Value::of(std::span<const Value>(items))},
                            {"map", Value::of(Attributes(nested))},
                            {"nil", Value()},
                            {"text", Value::of(std::string_view("second"))}};
  SpanEvent events[] = {{.time_ns = 12, .name = "e", .attributes = nested, .dropped_attributes = 1}};
  SpanLink links[] = {{.trace_id = test_id(9),
                       .span_id = test_span_id(9),
                       .trace_state = "ls",
                       .attributes = nested,
                       .dropped_attributes = 2,
                       .flags = 3}};
  batch.resources.push_back({attributes, 4, "resource-schema"});
  batch.scopes.push_back({"scope", "1.2", nested, 5, "scope-schema"});
  Span span;
  span.trace_id = test_id(1);
  span.span_id = test_span_id(2);
  span.parent_id = test_span_id(3);
  span.name = "name";
  span.trace_state = "state";
  span.status_message = "message";
  span.start_ns = 10;
  span.end_ns = 20;
  span.kind = SpanKind::consumer;
  span.status = SpanStatus::error;
  span.flags = 0x101;
  span.dropped_attributes = 6;
  span.dropped_events = 7;
  span.dropped_links = 8;
  span.attributes = attributes;
  span.events = events;
  span.links = links;
  batch.spans.push_back(span);
  std::promise<Result<void>> answer;
  store.store().append({.tenant = "t"}, batch,
                       [&](Result<void> result) { answer.set_value(std::move(result)); });
  ASSERT_TRUE(answer.get_future().get());

  SpanBatch out;
  auto snapshot = store.snapshot();
  ASSERT_TRUE(snapshot->trace("t", test_id(1), out));
  ASSERT_EQ(out.spans.size(), 1u);
  const Span& s = out.spans[0];
  EXPECT_EQ(s.parent_id, span.parent_id);
  EXPECT_EQ(s.trace_state, "state");
  EXPECT_EQ(s.status_message, "message");
  EXPECT_EQ(s.kind, SpanKind::consumer);
  EXPECT_EQ(s.status, SpanStatus::error);
  EXPECT_EQ(s.flags, 0x101u);
  EXPECT_EQ(s.dropped_attributes, 6u);
  EXPECT_EQ(s.dropped_events, 7u);
  EXPECT_EQ(s.dropped_links, 8u);
  EXPECT_TRUE(same_value(Value::of(s.attributes), Value::of(Attributes(attributes))));
  const Resource& resource = out.resources[s.resource];
  EXPECT_TRUE(same_value(Value::of(resource.attributes), Value::of(Attributes(attributes))));
  EXPECT_EQ(resource.dropped_attributes, 4u);
  EXPECT_EQ(resource.schema_url, "resource-schema");
  const Scope& scope = out.scopes[s.scope];
  EXPECT_EQ(scope.name, "scope");
  EXPECT_EQ(scope.version, "1.2");
  EXPECT_EQ(scope.schema_url, "scope-schema");
  EXPECT_EQ(scope.dropped_attributes, 5u);
  ASSERT_EQ(s.events.size(), 1u);
  EXPECT_EQ(s.events[0].name, "e");
  EXPECT_EQ(s.events[0].time_ns, 12u);
  EXPECT_EQ(s.events[0].dropped_attributes, 1u);
  EXPECT_TRUE(same_value(Value::of(s.events[0].attributes), Value::of(Attributes(nested))));
  ASSERT_EQ(s.links.size(), 1u);
  EXPECT_EQ(s.links[0].trace_id, test_id(9));
  EXPECT_EQ(s.links[0].span_id, test_span_id(9));
  EXPECT_EQ(s.links[0].trace_state, "ls");
  EXPECT_EQ(s.links[0].flags, 3u);
  EXPECT_EQ(s.links[0].dropped_attributes, 2u);

  // A column shows the first attribute of its name, with its type.
  exec::Context context;
  auto source = snapshot->traces({.tenant = "t",
                                  .range = kAllTime,
                                  .columns = {{AttributeScope::span, "text"},
                                              {AttributeScope::span, "list"},
                                              {AttributeScope::instrumentation, "inner"}}},
                                 context);
  TraceRows rows;
  ASSERT_TRUE(*source->next(rows));
  EXPECT_EQ(rows.columns[0][0].as_text(), "v");
  EXPECT_TRUE(same_value(rows.columns[1][0], attributes[6].value));
  EXPECT_EQ(rows.columns[2][0].integer, 3);
  auto keys = snapshot->attribute_keys("t", kAllTime);
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  for (AttributeScope scope_of :
       {AttributeScope::event, AttributeScope::link, AttributeScope::instrumentation})
    EXPECT_TRUE(std::ranges::count(keys, AttributeKey{scope_of, "inner"}) == 1);
  EXPECT_TRUE(std::ranges::count(keys, AttributeKey{AttributeScope::resource, "int"}) == 1);
}

TEST(Trace, ManyEqualSpanIdsAreNotComparedWithEachOther) {
  TestStore store;
  ASSERT_TRUE(store.open());
  Request request{.tenant = "t"};
  for (unsigned i = 0; i < 40'000; ++i)
    request.spans.push_back(
        {.trace_id = test_id(1), .name = "n" + std::to_string(i / 2), .start_ns = 5, .end_ns = 6});
  ASSERT_TRUE(store.send(std::move(request)));
  SpanBatch out;
  auto snapshot = store.snapshot();
  ASSERT_TRUE(snapshot->trace("t", test_id(1), out));
  EXPECT_EQ(out.spans.size(), 20'000u);
}

}  // namespace
}  // namespace weft::storage
