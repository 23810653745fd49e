#include <limits>

#include <gtest/gtest.h>

#include "traceql/query.h"
#include "traceql/syntax/printer.h"
#include "traceql/tags/lenient.h"
#include "traceql/testing/memory_snapshot.h"
#include "traceql/testing/shop.h"

namespace weft::traceql {
namespace {

constexpr TimeRange kAlways{0, std::numeric_limits<std::int64_t>::max()};

struct Case {
  const char* what;
  const char* q;
  const char* expected;
};

TEST(TagNames, AreListedByScope) {
  MemorySnapshot data;
  add_shop(data);
  const Case cases[] = {
      {"resource", "", "resource: env service.name"},
      {"span", "", "span: cache.hit db.system http.status_code ratio tags"},
      {"span", "{ status = error }", "span: http.status_code tags"},
      {"span", "{ status = error && .x = }", "span: http.status_code tags"},
      {"span", "{}", "span: cache.hit db.system http.status_code ratio tags"},
      {"event", "", "event: attempt exception.message"},
      {"event", "{ name = \"SELECT\" }", "event:"},
      {"link", "{ name = \"SELECT\" }", "link: link.kind"},
      {"instrumentation", "", "instrumentation: tier"},
      {"trace", "", ""},
      {"nosuch", "", "invalid scope: nosuch"},
  };
  for (const Case& c : cases) {
    exec::Context context;
    Result<std::vector<ScopedTags>> tags = tag_names(c.what, c.q, "t", kAlways, data, context);
    std::string got = tags ? "" : tags.error().message();
    if (tags)
      for (const ScopedTags& scope : *tags) {
        got += (got.empty() ? "" : "; ") + scope.scope + ":";
        for (const std::string& tag : scope.tags) got += " " + tag;
      }
    EXPECT_EQ(got, c.expected) << c.what << " " << c.q;
  }
  exec::Context context;
  std::vector<ScopedTags> all = *tag_names("", "", "t", kAlways, data, context);
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all[0].scope, "resource");
  EXPECT_EQ(all[5].scope, "intrinsic");
  EXPECT_EQ(all[5].tags.size(), 25U);
}

TEST(TagValues, AreTyped) {
  MemorySnapshot data;
  add_shop(data);
  const Case cases[] = {
      {"resource.service.name", "", "string:cart string:front"},
      {"resource.service.name", "{ status = error }", "string:cart"},
      {"resource.service.name", "{ status = error && name = }", "string:cart"},
      {"resource.service.name", "{ status = ", "string:cart string:front"},
      {"resource.service.name", "nonsense \"", "string:cart string:front"},
      {"resource.service.name", "{ status = error } | rate()", "string:cart"},
      {"span.http.status_code", "", "int:200 int:500"},
      {"span.ratio", "", "float:0.5"},
      {"span.cache.hit", "", "bool:true"},
      {"span.tags", "", "string:a string:b"},
      {".service.name", "", "string:cart string:front"},
      {".attempt", "", "int:1"},
      {"event.exception.message", "", "string:boom"},
      {"event:name", "", "string:exception string:retry"},
      {"link.link.kind", "", "string:follows"},
      {"instrumentation.tier", "", "string:core"},
      {"name", "{ kind = client }", "string:SELECT string:call cart"},
      {"rootServiceName", "", "string:front"},
      {"status", "", "keyword:error keyword:ok keyword:unset"},
      {"span:kind", "",
       "keyword:unspecified keyword:internal keyword:server keyword:client keyword:producer "
       "keyword:consumer"},
      {"span.none", "", ""},
      {"trace:id", "", ""},
      {"service.name", "",
       "please provide a valid tagName: parse error at line 1, col 8: syntax error: not an attribute"},
      {"span.", "",
       "please provide a valid tagName: parse error at line 1, col 1: syntax error: unexpected "
       "END_ATTRIBUTE, expecting IDENTIFIER"},
  };
  for (const Case& c : cases) {
    exec::Context context;
    Result<std::vector<TagValue>> values = tag_values(c.what, c.q, 0, "t", kAlways, data, context);
    std::string got = values ? "" : values.error().message();
    if (values)
      for (const TagValue& value : *values) got += (got.empty() ? "" : " ") + value.type + ":" + value.value;
    EXPECT_EQ(got, c.expected) << c.what << " " << c.q;
  }
  exec::Context context;
  EXPECT_EQ(tag_values("name", "", 2, "t", kAlways, data, context)->size(), 2U);
}

TEST(TagValues, OfTheOldFormAreText) {
  MemorySnapshot data;
  add_shop(data);
  exec::Context context;
  using Strings = std::vector<std::string>;
  EXPECT_EQ(*tag_values_v1("service.name", 0, "t", kAlways, data, context), (Strings{"cart", "front"}));
  EXPECT_EQ(*tag_values_v1("http.status_code", 0, "t", kAlways, data, context), (Strings{"200", "500"}));
  EXPECT_EQ(*tag_values_v1("root.name", 0, "t", kAlways, data, context), (Strings{"GET /"}));
  EXPECT_EQ(*tag_values_v1("status.code", 0, "t", kAlways, data, context), (Strings{"error", "ok", "unset"}));
  EXPECT_EQ(*tag_values_v1("none", 0, "t", kAlways, data, context), Strings());
}

TEST(LenientParse, KeepsWhatCanBeRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"{ .a = && .b = \"x\" }", "{ true && .b = `x` }"},
      {"{ .a = 1 && (.b = ) && .c", "{ .a = 1 && true && .c }"},
      {"{ .a = || .b = \"x\" }", "{ true || .b = `x` }"},
      {"{ name > 3 && .b = 1 }", "{ true && .b = 1 }"},
      {"{ .a = 1 } | count() > 2", "{ .a = 1 } | count() > 2"},
      {"{ .a = 1 } | rate()", "{ .a = 1 }"},
      {"({} | rate()) * 2", "{ }"},
      {"{", "{ true }"},
      {"", "{ true }"},
      {"{ .a = \"open", "{ }"},
      {"total nonsense", "{ true }"},
  };
  for (const auto& [text, expected] : cases) {
    Result<Root> root = parse_lenient(text);
    ASSERT_TRUE(root) << text;
    EXPECT_EQ(to_string(*root), expected) << text;
  }
  std::string many = "{ .a = 1";
  for (int i = 0; i < 100; ++i) many += " || .a = 1";
  EXPECT_FALSE(parse_lenient(many + " }"));
}

}  // namespace
}  // namespace weft::traceql
