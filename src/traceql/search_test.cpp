#include <algorithm>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "traceql/query.h"
#include "traceql/testing/memory_snapshot.h"
#include "traceql/testing/shop.h"
#include "traceql/testing/trace_builder.h"

namespace weft::traceql {
namespace {

constexpr std::uint64_t kStart = kShopStart;
constexpr std::uint64_t kMs = 1'000'000;

SearchParams everything() {
  SearchParams params;
  params.range = {0, std::numeric_limits<std::int64_t>::max()};
  params.limit = 1000;
  params.spans_per_set = 1000;
  return params;
}

// Spans of all sets as letters, sets apart by "/": "A C" or "A B/C". Errors as text.
std::string spans_of(const MemorySnapshot& data, std::string_view query_text) {
  Result<Query> query = Query::parse(query_text);
  if (!query) return query.error().message();
  exec::Context context;
  Result<std::vector<FoundTrace>> found = search(*query, everything(), data, context);
  if (!found) return found.error().message();
  std::string out;
  for (const FoundTrace& trace : *found)
    for (const SpanSet& set : trace.span_sets) {
      std::string letters;
      for (const FoundSpan& span : set.spans) letters += static_cast<char>('A' + span.id.bytes[7] - 1);
      std::sort(letters.begin(), letters.end());
      EXPECT_EQ(set.matched, set.spans.size());
      out += (out.empty() ? "" : "/") + letters;
    }
  return out;
}

struct Case {
  const char* query;
  const char* spans;
};

TEST(Search, FindsSpansOfTheShop) {
  MemorySnapshot data;
  add_shop(data);
  const Case cases[] = {
      {"{}", "ABCDE"},
      {"{ true }", "ABCDE"},
      {"{ false }", ""},
      {"{ resource.service.name = \"front\" }", "ABE"},
      {"{ .service.name = \"cart\" }", "CD"},
      {"{ .env = \"prod\" && .tier = \"core\" }", "ABCDE"},
      {"{ instrumentation.tier = \"core\" && instrumentation:name = \"lib\" && instrumentation:version = "
       "\"1.2\" }",
       "ABCDE"},
      {"{ span.http.status_code >= 400 }", "C"},
      {"{ 400 <= span.http.status_code }", "C"},
      {"{ span.http.status_code != 200 }", "C"},
      {"{ span.http.status_code = nil }", "BDE"},
      {"{ span.http.status_code != nil }", "AC"},
      {"{ nil != span.http.status_code }", "AC"},
      {"{ span.none = nil }", "ABCDE"},
      {"{ span.none != nil }", ""},
      {"{ span.none != 1 }", ""},
      {"{ nil = nil }", ""},
      {"{ span.http.status_code = \"500\" }", ""},
      {"{ span.http.status_code = 500.0 }", "C"},
      {"{ span.http.status_code =~ \"5..\" }", ""},
      {"{ span.tags = \"a\" }", "C"},
      {"{ span.tags =~ \"x|b\" }", "C"},
      {"{ span.tags = \"z\" }", ""},
      {"{ span.tags != \"z\" }", "C"},
      {"{ name =~ \"GET\" }", ""},
      {"{ name =~ \"GET.*\" }", "A"},
      {"{ name =~ \"(?i)select\" }", "D"},
      {"{ name !~ \"GET.*\" }", "BCDE"},
      {"{ name = `AddItem` }", "C"},
      {"{ name > \"call\" }", "BE"},
      {"{ span.cache.hit }", "E"},
      {"{ span.cache.hit = true }", "E"},
      {"{ !span.cache.hit }", "ABCD"},
      {"{ span.cache.hit = \"true\" }", ""},
      {"{ span.ratio = 0.5 }", "E"},
      {"{ span.ratio > 0 }", "E"},
      {"{ duration >= 50ms && kind = server }", "AC"},
      {"{ duration >= 10ms + 40ms }", "ABC"},
      {"{ 50ms <= duration }", "ABC"},
      {"{ duration * 2 > 100ms }", "AB"},
      {"{ duration ^ 1 = 60000000 }", "B"},
      {"{ status = error || kind = client && name = \"render\" }", ""},
      {"{ status = error || (kind = client && name = \"SELECT\") }", "CD"},
      {"{ !(status = error) }", "ABDE"},
      {"{ span.x = error || span.http.status_code != ok }", ""},
      {"{ rootName = \"GET /\" && name = \"SELECT\" }", "D"},
      {"{ trace:rootService = \"front\" && span:kind = client }", "BD"},
      {"{ traceDuration > 90ms }", "ABCDE"},
      {"{ traceDuration > 100ms }", ""},
      {"{ nestedSetParent < 0 }", "A"},
      {"{ nestedSetLeft = 3 && nestedSetRight = 6 && nestedSetParent = 2 }", "C"},
      {"{ nestedSetLeft = 8 && nestedSetRight = 9 && nestedSetParent = 1 }", "E"},
      {"{ span:childCount = 2 }", "A"},
      {"{ event:name = \"exception\" && event.exception.message = \"boom\" }", "C"},
      {"{ event:name = \"retry\" && event.exception.message = \"boom\" }", ""},
      {"{ event:name = \"retry\" && (name != \"\" && event.exception.message = \"boom\") }", ""},
      {"{ event:name = \"retry\" && (event.exception.message = \"boom\" || false) }", "C"},
      {"{ event:timeSinceStart < 30ms }", "C"},
      {"{ event.none = nil }", "C"},
      {"{ event.attempt < span.http.status_code }", "C"},
      {"{ .attempt = 1 && .exception.message =~ \"b.*\" }", "C"},
      {"{ link.link.kind = \"follows\" && link:spanID = \"7\" && link:traceID = \"09\" }", "D"},
      {"{ .link.kind = \"follows\" }", "D"},
      {"{ trace:id = \"1\" }", "ABCDE"},
      {"{ trace:id = \"00000000000000000000000000000001\" }", "ABCDE"},
      {"{ trace:id != \"2\" && span:id = \"3\" }", "C"},
      {"{ span:parentID = \"\" }", "A"},
      {"{ span:parentID =~ \"0*1\" }", "BE"},
      {"{ statusMessage = \"\" }", "ABCDE"},
      {"{ 1 + 1 = 2 && \"a\" = \"a\" && \"x\" =~ \".*\" }", "ABCDE"},
      {"{ span.http.status_code / 0 > 1 }", "division by zero"},
      {"{ span.http.status_code > 1000 && span.http.status_code % 0 = 1 }", ""},
      {"{ span.ratio / 0 > 1 }", "E"},
      {"{ name = \"GET /\" } >> { status = error }", "C"},
      {"{ status = error } << { name = \"GET /\" }", "A"},
      {"{ name = \"GET /\" } > {}", "BE"},
      {"{ name = \"AddItem\" } < {}", "B"},
      {"{ name = \"render\" } ~ {}", "B"},
      {"{} ~ {}", "BE"},
      {"{} !> {}", "A"},
      {"{} !>> {}", "A"},
      {"{} !< {}", "DE"},
      {"{} !<< {}", "DE"},
      {"{} !~ {}", "ACD"},
      {"{ name = \"nope\" } !>> { kind = client }", "BD"},
      {"{ kind = client } !>> { name = \"nope\" }", ""},
      {"{ name = \"GET /\" } &>> { status = error }", "AC"},
      {"{} &> { name = \"SELECT\" }", "CD"},
      {"{} &<< { name = \"AddItem\" }", "CD"},
      {"{ name = \"render\" } &~ {}", "BE"},
      {"{ name = \"nope\" } &>> {}", ""},
      {"{ kind = server } && { kind = client }", "ABCD"},
      {"{ kind = server } && { name = \"nope\" }", ""},
      {"{ kind = server } || { name = \"nope\" }", "AC"},
      {"{ name=\"GET /\" } > { kind=client } > { status=error }", "C"},
      {"{ status = error } || { name = \"nope\" } && { name = \"nope\" }", ""},
      {"{ status = error } | { kind = client }", ""},
      {"{ kind = server } | { status = error }", "C"},
      {"{} | count() > 4", "ABCDE"},
      {"{} | count() > 5", ""},
      {"count() = 5", "ABCDE"},
      {"{ status = error } | count() > 1", ""},
      {"{} | by(resource.service.name) | count() > 2", "ABE"},
      {"{} | by(resource.service.name)", "ABE/CD"},
      {"by(kind) | { name != \"SELECT\" }", "AC/B/E"},
      {"{} | by(span.http.status_code)", "A/BDE/C"},
      {"{} | by(duration > 50ms)", "AB/CDE"},
      {"{} | by(resource.service.name) | coalesce() | count() = 5", "ABCDE"},
      {"{} | avg(duration) = 50ms", "ABCDE"},
      {"{} | max(span.http.status_code) >= 500", "ABCDE"},
      {"{} | min(span.http.status_code) = 200", "ABCDE"},
      {"{} | sum(span.http.status_code) = 700", "ABCDE"},
      {"{} | max(span.none) > 0", ""},
      {"({ kind = client } | count() > 1) && ({ status = error })", "BCD"},
      {"({ kind = client } | count() > 2) && ({ status = error })", ""},
      {"({} | by(kind)) >> {}",
       "spanset operators are not supported for multiple spansets per trace. consider using coalesce()"},
      {"({} | by(kind) | coalesce()) > { kind = internal }", "E"},
  };
  for (const Case& c : cases) EXPECT_EQ(spans_of(data, c.query), c.spans) << c.query;
}

std::string shown(const TypedAttributes& attributes) {
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : attributes) {
    std::string& text = sorted[key];
    switch (value.type) {
      case TypedValue::Type::nil: text = "-"; break;
      case TypedValue::Type::string: text = "'" + value.text + "'"; break;
      case TypedValue::Type::integer: text = std::to_string(value.integer); break;
      case TypedValue::Type::number: text = std::to_string(value.number); break;
      case TypedValue::Type::boolean: text = value.boolean ? "true" : "false"; break;
    }
  }
  std::string out;
  for (const auto& [key, value] : sorted) out += (out.empty() ? "" : " ") + key + "=" + value;
  return out;
}

struct ShownCase {
  const char* query;
  std::uint8_t span;
  const char* name;
  const char* attributes;
  const char* set;
};

TEST(Search, ShowsWhatTheQueryMentions) {
  MemorySnapshot data;
  add_shop(data);
  const ShownCase cases[] = {
      {"{ status = error }", 3, "", "status='error'", ""},
      {"{ name = \"AddItem\" && duration > 1ms && rootName != \"\" && span:id != \"\" }", 3, "AddItem", "",
       ""},
      {"{ status = error } || { kind = client }", 2, "", "kind='client'", ""},
      {"{ status = error } || { kind = client }", 3, "", "status='error'", ""},
      {"{ span.tags = \"b\" }", 3, "", "tags='b'", ""},
      {"{ span.tags != nil } | select(span.tags)", 3, "", "tags='[\"a\",\"b\"]'", ""},
      {"{ status = error } | select(span.http.status_code, span.none, kind)", 3, "",
       "http.status_code=500 kind='server' none='nil' status='error'", ""},
      {"{ span.none = nil } | count() > 1", 1, "", "none='nil'", "count()=5"},
      {"{ event:timeSinceStart > 5ms }", 3, "", "event:timeSinceStart='20ms'", ""},
      {"{ status = error } | select(event:name, event.exception.message)", 3, "",
       "event:name='exception' exception.message='boom' status='error'", ""},
      {"{ link:traceID != \"\" }", 4, "", "link:traceID='9'", ""},
      {"{} | select(nestedSetLeft, nestedSetRight, nestedSetParent)", 3, "",
       "nestedSetLeft=3 nestedSetParent=2 nestedSetRight=6", ""},
      {"{} | by(resource.service.name) | count() > 2", 1, "", "service.name='front'",
       "by(resource.service.name)='front' count()=3"},
      {"{} | by(status) | avg(duration) = 50ms", 3, "", "status='error'",
       "avg(duration)='50ms' by(status)='error'"},
      {"{} | avg(span.http.status_code) = 350", 1, "", "http.status_code=200",
       "avg(span.http.status_code)=350.000000"},
      {"{} | by(span.http.status_code)", 2, "", "", "by(span.http.status_code)='nil'"},
      {"{} | count() > 2 | { status = error }", 3, "", "status='error'", "count()=5"},
      {"{} | by(name) | coalesce()", 1, "GET /", "", ""},
      {"{} | rate() by(name)", 1, "", "", ""},
  };
  for (const ShownCase& c : cases) {
    Result<Query> query = Query::parse(c.query);
    ASSERT_TRUE(query) << c.query;
    exec::Context context;
    Result<std::vector<FoundTrace>> found = search(*query, everything(), data, context);
    ASSERT_TRUE(found) << c.query;
    bool seen = false;
    for (const FoundTrace& trace : *found)
      for (const SpanSet& set : trace.span_sets)
        for (const FoundSpan& span : set.spans)
          if (span.id == TraceBuilder::span_id(c.span)) {
            seen = true;
            EXPECT_EQ(span.name, c.name) << c.query;
            EXPECT_EQ(shown(span.attributes), c.attributes) << c.query;
            EXPECT_EQ(shown(set.attributes), c.set) << c.query;
          }
    EXPECT_TRUE(seen) << c.query;
  }
}

TEST(Search, DescribesTheWholeTrace) {
  MemorySnapshot data;
  add_shop(data);
  exec::Context context;
  SearchParams params = everything();
  params.spans_per_set = 1;
  std::vector<FoundTrace> found = *search(*Query::parse("{ kind = client }"), params, data, context);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].root_service, "front");
  EXPECT_EQ(found[0].root_name, "GET /");
  EXPECT_EQ(found[0].start_ns, kStart);
  EXPECT_EQ(found[0].duration_ns, 100 * kMs);
  EXPECT_EQ(found[0].services["front"].spans, 3U);
  EXPECT_EQ(found[0].services["front"].errors, 0U);
  EXPECT_EQ(found[0].services["cart"].errors, 1U);
  EXPECT_EQ(found[0].span_sets[0].matched, 2U);
  ASSERT_EQ(found[0].span_sets[0].spans.size(), 1U);
  EXPECT_EQ(found[0].span_sets[0].spans[0].id, TraceBuilder::span_id(2));
  EXPECT_EQ(context.stats().traces_scanned, 1U);
  EXPECT_EQ(context.stats().rows_matched, 2U);
}

TEST(Search, IsNewestFirstAndCompleteUpToTheLimit) {
  MemorySnapshot data;
  TraceBuilder b;
  for (std::uint8_t t = 1; t <= 20; ++t)
    b.span(t, t, 0, t % 2 == 0 ? "even" : "odd", kStart + t * kMs, t * kMs);
  data.add(b.batch());
  data.sort();
  SearchParams params = everything();
  params.limit = 5;
  exec::Context context;
  std::vector<FoundTrace> found = *search(*Query::parse("{ name = \"even\" }"), params, data, context);
  ASSERT_EQ(found.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(found[i].id, TraceBuilder::trace_id(static_cast<std::uint8_t>(20 - 2 * i)));
  EXPECT_LT(context.stats().traces_scanned, 20U);
  params.min_duration_ns = 3 * kMs;
  params.max_duration_ns = 6 * kMs;
  EXPECT_EQ(search(*Query::parse("{}"), params, data, context)->size(), 4U);
}

TEST(Search, StopsAtTheMemoryLimit) {
  MemorySnapshot data;
  add_shop(data);
  exec::Context context({.memory_bytes_max = 16});
  Result<std::vector<FoundTrace>> found = search(*Query::parse("{}"), everything(), data, context);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::resource_exhausted);
}

TEST(Search, SurvivesOddTraces) {
  MemorySnapshot data;
  TraceBuilder b;
  // 1: two roots; 2: no root; 3: a cycle and a span that is its own parent; 4: one id thrice.
  b.span(1, 1, 0, "first root", 10, 1);
  b.span(1, 2, 0, "second root", 20, 1);
  b.span(1, 3, 2, "child", 30, 1);
  b.span(2, 4, 99, "orphan", 10, 1);
  b.span(2, 5, 4, "child of orphan", 20, 1);
  b.span(3, 6, 7, "cycle a", 10, 1);
  b.span(3, 7, 6, "cycle b", 20, 1);
  b.span(3, 8, 8, "own parent", 30, 1);
  b.span(4, 9, 0, "thrice", 10, 1);
  b.span(4, 9, 0, "thrice", 20, 1);
  b.span(4, 9, 9, "thrice", 30, 1);
  data.add(b.batch());
  data.sort();
  const Case cases[] = {
      {"{} > {}", "C"},
      {"{} ~ {}", ""},
      {"{ nestedSetParent < 0 && name =~ \".* root\" }", "AB"},
      {"{ nestedSetLeft = 0 && name != \"thrice\" }", "DE/FGH"},
      {"{ name =~ \"cycle.*\" } >> {}", ""},
      {"{ rootName = \"second root\" }", "ABC"},
      {"{ name = \"orphan\" } | count() = 1", "D"},
  };
  for (const Case& c : cases) {
    std::string spans = spans_of(data, c.query);
    std::vector<std::string> sets;
    for (std::size_t at = 0; !spans.empty();) {
      std::size_t slash = spans.find('/', at);
      sets.push_back(spans.substr(at, slash - at));
      if (slash == std::string::npos) break;
      at = slash + 1;
    }
    std::sort(sets.begin(), sets.end());
    std::string joined;
    for (const std::string& set : sets) joined += (joined.empty() ? "" : "/") + set;
    EXPECT_EQ(joined, c.spans) << c.query;
  }
  exec::Context context;
  std::vector<FoundTrace> found =
      *search(*Query::parse("{ name = \"orphan\" }"), everything(), data, context);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].root_service, "<root span not yet received>");
  EXPECT_EQ(found[0].root_name, "");
}

TEST(Search, JoinsClientAndServerThatShareAnId) {
  MemorySnapshot data;
  TraceBuilder b;
  b.span(1, 1, 0, "root", 10, 100);
  b.span(1, 2, 1, "shared client", 20, 50).kind = SpanKind::client;
  b.span(1, 2, 1, "shared server", 30, 30).kind = SpanKind::server;
  b.span(1, 3, 2, "leaf", 40, 10);
  data.add(b.batch());
  data.sort();
  EXPECT_EQ(spans_of(data, "{ name = \"shared client\" } > { name = \"shared server\" }"), "B");
  EXPECT_EQ(spans_of(data, "{ name = \"shared server\" } > { name = \"leaf\" }"), "C");
  EXPECT_EQ(spans_of(data, "{ name = \"root\" } > { name = \"shared server\" }"), "");
}

TEST(Search, WalksDeepChainsWithoutRecursion) {
  constexpr std::uint32_t kDepth = 10'000;
  MemorySnapshot data;
  TraceBuilder b;
  for (std::uint32_t i = 1; i <= kDepth; ++i) b.span(1, i, i - 1, i == kDepth ? "last" : "link", i, 1);
  data.add(b.batch());
  data.sort();
  exec::Context context;
  SearchParams params = everything();
  params.spans_per_set = 1;
  auto matched = [&](std::string_view query) {
    std::vector<FoundTrace> found = *search(*Query::parse(query), params, data, context);
    return found.empty() ? 0 : found[0].span_sets[0].matched;
  };
  EXPECT_EQ(matched("{} >> {}"), kDepth - 1);
  EXPECT_EQ(matched("{ name = \"last\" } << {}"), kDepth - 1);
  EXPECT_EQ(matched("{} &>> { name = \"last\" }"), kDepth);
  EXPECT_EQ(matched("{ nestedSetRight = nestedSetLeft + 1 }"), 1U);
}

TEST(SearchTags, NeedsEveryPairSomewhereInTheTrace) {
  MemorySnapshot data;
  add_shop(data);
  struct TagCase {
    std::vector<std::pair<std::string, std::string>> tags;
    std::size_t traces;
  };
  const TagCase cases[] = {
      {{}, 1},
      {{{"service.name", "cart"}}, 1},
      {{{"service.name", "car"}, {"name", "GET"}}, 1},
      {{{"root.name", "GET /"}, {"root.service.name", "front"}, {"status.code", "error"}}, 1},
      {{{"status.code", "err"}}, 0},
      {{{"db.system", "postgres"}, {"env", "prod"}}, 1},
      {{{"db.system", "post"}}, 0},
      {{{"http.status_code", "200"}}, 0},
      {{{"broken", ""}}, 0},
  };
  for (const TagCase& c : cases) {
    exec::Context context;
    Result<std::vector<FoundTrace>> found = search_tags(c.tags, everything(), data, context);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), c.traces) << (c.tags.empty() ? "" : c.tags[0].first);
    for (const FoundTrace& trace : *found) EXPECT_TRUE(trace.span_sets.empty());
  }
}

}  // namespace
}  // namespace weft::traceql
