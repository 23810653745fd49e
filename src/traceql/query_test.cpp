#include "traceql/query.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace weft::traceql {
namespace {

struct Printed {
  const char* query;
  const char* printed;
};

TEST(QueryParse, PrintsWhatItUnderstood) {
  const Printed cases[] = {
      {"{}", "{ }"},
      {"{ true }", "{ true }"},
      {"{ .a=1 }", "{ .a = 1 }"},
      {"{ span.a-b = 1 }", "{ span.a-b = 1 }"},
      {"{ span.a - span.b > 1 }", "{ span.a - span.b > 1 }"},
      {"{ span.http/status=\"x\" }", "{ span.http/status = `x` }"},
      {"{ span.\"attr with space\".c = 'x' }", nullptr},
      {"{ span.\"attr with space\".c = `x` }", "{ span.\"attr with space.c\" = `x` }"},
      {"{ .\"a\\\"b\\\\\" = 1 }", "{ .\"a\\\"b\\\\\" = 1 }"},
      {"{ ._1 = nil }", "{ ._1 = nil }"},
      {"{ .\"5xx\" != nil }", "{ .\"5xx\" != nil }"},
      {"{ span.resource.foo = 1 }", "{ span.resource.foo = 1 }"},
      {"{ span:duration > 1.5m && trace:rootName = \"x\" }", "{ duration > 1m30s && rootName = `x` }"},
      {"{ childCount > 1 && span:childCount < 3 }", "{ span:childCount > 1 && span:childCount < 3 }"},
      {"{ duration > .5s || duration < 100us || duration = 1d }",
       "{ duration > 500ms || duration < 100µs || duration = 24h0m0s }"},
      {"{ .a || .b && .c }", "{ .a || .b && .c }"},
      {"{ .a || (.b && .c) }", "{ .a || (.b && .c) }"},
      {"{ ((.a)) = (1) }", "{ .a = 1 }"},
      {"{ -(.a * 2) = 1 }", "{ -.a * 2 = 1 }"},
      {"{ (-.a) * 2 = 1 }", "{ (-.a) * 2 = 1 }"},
      {"{ .a - (.b - .c) = - 5 }", "{ .a - (.b - .c) = -5 }"},
      {"{ .a ^ .b ^ .c = 1 }", "{ .a ^ .b ^ .c = 1 }"},
      {"{ (.a ^ .b) ^ -2 = minInt }", "{ (.a ^ .b) ^ (-2) = minInt }"},
      {"{ .a ^ -0 = -0.0 ^ .b }", "{ .a ^ 0 = -0.0 ^ .b }"},
      {"{ (-0.0) ^ .b = ---1 }", "{ (-0.0) ^ .b = -1 }"},
      {"{ !.a = true }", "{ !.a = true }"},
      {"{ !(.a = true) }", "{ !(.a = true) }"},
      {"{ .a = \"q`\\n\\x41\\u00e9\" }", "{ .a = \"q`\\x0aAé\" }"},
      {"{ .a = 1.0 && .b = .5 && .c = 1e3 }", "{ .a = 1.0 && .b = 0.5 && .c = 1000.0 }"},
      {"{ status = error && kind != client }", "{ status = error && kind != client }"},
      {"{} // comment\n && /* another */ {}", "{ } && { }"},
      {"{.a} > {.b} >> {.c}", "{ .a } > { .b } >> { .c }"},
      {"{.a} && {.b} >> {.c} || {.d}", "{ .a } && { .b } >> { .c } || { .d }"},
      {"({.a} && {.b}) >> {.c}", "({ .a } && { .b }) >> { .c }"},
      {"{.a} > ({.b} > {.c})", "{ .a } > ({ .b } > { .c })"},
      {"{.a} !>> {.b} &<< {.c} !~ {.d} &~ {.e}", "{ .a } !>> { .b } &<< { .c } !~ { .d } &~ { .e }"},
      {"({.a} | count() > 1) >> ({.b})", "({ .a } | count() > 1) >> { .b }"},
      {"{} | by(1+.a) | avg(duration) > 1s | coalesce() | select(name, span.b)",
       "{ } | by(1 + .a) | avg(duration) > 1s | coalesce() | select(name, span.b)"},
      {"count() > 1", "count() > 1"},
      {"by(.a) | {}", "by(.a) | { }"},
      {"{} | rate()", "{ } | rate()"},
      {"{} | rate() by(.a,name) | topk(3) > 2.5 | bottomk(1) with(sample=true, exemplars=10)",
       "{ } | rate() by (.a, name) | topk(3) > 2.5 | bottomk(1) with(sample=true, exemplars=10)"},
      {"{} | quantile_over_time(duration, .99, 1) by (.a)",
       "{ } | quantile_over_time(duration, 0.99, 1.0) by (.a)"},
      {"{} | compare({status=error}, 10, 1, 2)", "{ } | compare({ status = error }, 10, 1, 2)"},
      {"({} | rate()) / ({.a} | rate()) * 100", "({ } | rate()) / ({ .a } | rate()) * 100"},
      {"2 - (({} | rate()) - ({.a} | rate()))", "2 - (({ } | rate()) - ({ .a } | rate()))"},
      {"({} | rate()) + 1 | topk(2)", "({ } | rate()) + 1 | topk(2)"},
      {"{ parent.a = 1 }", nullptr},
      {"{ trace:id = \"ABC\" }", "{ trace:id = `00000000000000000000000000000abc` }"},
  };
  for (const Printed& c : cases) {
    Result<Query> query = Query::parse(c.query);
    if (c.printed == nullptr) {
      EXPECT_FALSE(query) << c.query;
      continue;
    }
    ASSERT_TRUE(query) << c.query << ": " << query.error().message();
    EXPECT_EQ(query->to_string(), c.printed) << c.query;
    Result<Query> again = Query::parse(query->to_string());
    ASSERT_TRUE(again) << query->to_string() << ": " << again.error().message();
    EXPECT_EQ(again->to_string(), query->to_string());
    EXPECT_EQ(again->is_metrics(), query->is_metrics());
  }
}

TEST(QueryParse, RefusesInTemposWords) {
  const Printed cases[] = {
      {"", "parse error at line 1, col 1: syntax error: unexpected $end"},
      {"true", "parse error at line 1, col 1: syntax error: unexpected true"},
      {"(true)", "parse error at line 1, col 2: syntax error: unexpected true"},
      {"foo", "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"},
      {"{ . }", "parse error at line 1, col 3: syntax error: unexpected END_ATTRIBUTE, expecting IDENTIFIER"},
      {"{ attribute = 4 }", "parse error at line 1, col 3: syntax error: unexpected IDENTIFIER"},
      {"{ .a == 1 }", "parse error at line 1, col 7: syntax error: unexpected ="},
      {"{ status = }", "parse error at line 1, col 12: syntax error: unexpected }"},
      {"{\n .a = }", "parse error at line 2, col 7: syntax error: unexpected }"},
      {"{.a} + {.b}", "parse error at line 1, col 6: syntax error: unexpected +"},
      {"{.a} = {.b}", "parse error at line 1, col 6: syntax error: unexpected ="},
      {"{.a} <= {.b}", "parse error at line 1, col 6: syntax error: unexpected <="},
      {"{ } > ", "parse error at line 1, col 7: syntax error: unexpected $end, expecting { or ("},
      {"{} | count()", "parse error at line 1, col 13: syntax error: unexpected $end"},
      {"count() > 3 && {true}", "parse error at line 1, col 13: syntax error: unexpected &&"},
      {"coalesce() | {}", "parse error at line 1, col 1: syntax error: unexpected coalesce"},
      {"{} | select()", "parse error at line 1, col 13: syntax error: unexpected )"},
      {"{} | 3 > 2", "parse error at line 1, col 11: syntax error: unexpected $end"},
      {"2 * 3", "parse error at line 1, col 6: syntax error: unexpected $end"},
      {"{ 3 = 'a' }", "parse error at line 1, col 7: syntax error: unexpected '"},
      {"{ && true }", "parse error at line 1, col 3: syntax error: unexpected &&"},
      {"{ trace:status = 1 }", "parse error at line 1, col 3: unknown identifier: trace:status"},
      {"{ .a = \"x }", "parse error at line 1, col 8: literal not terminated"},
      {"{ .a = \"\\q\" }", "parse error at line 1, col 8: invalid escape sequence"},
      {"{ .\"a\\n\" = 1 }", "parse error at line 1, col 3: invalid escape sequence"},
      {"{ .a = 1 } /* ", "parse error at line 1, col 12: comment not terminated"},
      {"{} | topk(10)", "parse error at line 1, col 6: syntax error: unexpected topk"},
      {"{} | rate() + 5", "parse error at line 1, col 13: syntax error: unexpected +"},
      {"{} | rate() | topk(-1)",
       "parse error at line 1, col 20: syntax error: unexpected -, expecting INTEGER"},
      {"{} | rate() | {}", "parse error at line 1, col 13: syntax error: unexpected |"},
      {"{} | quantile_over_time(duration)",
       "parse error at line 1, col 33: syntax error: unexpected ), expecting ,"},
      {"{} | histogram_over_time()", "parse error at line 1, col 26: syntax error: unexpected )"},
      {"{} | avg_over_time(duration + 1)",
       "parse error at line 1, col 29: syntax error: unexpected +, expecting )"},
      {"{} with(a=1) | {}", "parse error at line 1, col 14: syntax error: unexpected |"},
      {"{ .a = 0x10 }", nullptr},
      {"{ .a = 1_000 }", nullptr},
      {"{ .a = 9223372036854775808 }", nullptr},
      {"{ span. a = 1 }", nullptr},
      {"{} | max(name) = \"foo\"", nullptr},
      {"({} | count()) = 2 && ({} | count()) > 2", nullptr},
  };
  for (const Printed& c : cases) {
    Result<Query> query = Query::parse(c.query);
    ASSERT_FALSE(query) << c.query;
    EXPECT_EQ(query.error().code(), Code::invalid_argument) << c.query;
    if (c.printed != nullptr) EXPECT_EQ(query.error().message(), c.printed) << c.query;
  }
}

TEST(QueryCheck, RefusesInTemposWords) {
  const Printed cases[] = {
      {"{ 5 }", "span filter field expressions must resolve to a boolean: { 5 }"},
      {"{ duration }", "span filter field expressions must resolve to a boolean: { duration }"},
      {"{ .a + 1 }", "span filter field expressions must resolve to a boolean: { .a + 1 }"},
      {"{ duration > \"x\" }", "binary operations must operate on the same type: duration > `x`"},
      {"{ name > 3 }", "binary operations must operate on the same type: name > 3"},
      {"{ status = \"error\" }", "binary operations must operate on the same type: status = `error`"},
      {"{ kind > 3ms }", "binary operations must operate on the same type: kind > 3ms"},
      {"{ kind > client }", "illegal operation for the given types: kind > client"},
      {"{ .a > true }", "illegal operation for the given types: .a > true"},
      {"{ .a =~ 5 }", "illegal operation for the given types: .a =~ 5"},
      {"{ .a =~ .b }", "invalid type for =~ or !~: .b"},
      {"{ duration =~ \"x\" }", "illegal operation for the given types: duration =~ `x`"},
      {"{ .a =~ \"(\" }", "invalid regex: `(`"},
      {"{ name + \"x\" = name }", "illegal operation for the given types: name + `x`"},
      {"{ -name = name }", "illegal operation for the given type: -name"},
      {"{ !duration }", "illegal operation for the given type: !duration"},
      {"{ 1 && true }", "binary operations must operate on the same type: 1 && true"},
      {"{ duration = nil }", "duration = nil is not valid because intrinsics cannot be nil"},
      {"{ resource.service.name != nil }",
       "resource.service.name != nil is not valid because resource.service.name cannot be nil"},
      {"{ .a > nil }", "illegal operation for the given types: .a > nil"},
      {"{ parent.a = 1 }", "parent not yet supported"},
      {"{ parent.span.a = 1 }", "parent not yet supported"},
      {"{ parent = nil }", "intrinsic (parent) not yet supported"},
      {"{} | by(1)", "grouping field expressions must reference the span: by(1)"},
      {"{} | avg(1) > 1", "aggregate field expressions must reference the span: avg(1)"},
      {"{} | avg(name) > 1", "aggregate field expressions must resolve to a number type: avg(name)"},
      {"{} | 2 < count()", "scalar filter lhs of type (literal) not yet supported"},
      {"{} | count() + 1 > 3", "scalar filter lhs of type (scalar operation) not yet supported"},
      {"{} | max(duration) > min(duration)", "scalar filter rhs of type (aggregate) not yet supported"},
      {"{} | rate() | topk(0)", "limit must be greater than 0"},
      {"{} | quantile_over_time(duration, 1.5)", "quantile must be between 0 and 1: 1.5"},
      {"{} | rate() by(.a, .b, .c, .d, .e, .f)", "metrics group by 6 values not yet supported"},
      {"{} | histogram_over_time(duration) by(.a, .b, .c, .d, .e)",
       "metrics group by 5 values not yet supported"},
      {"{} | min_over_time(name)",
       "aggregate field expressions must resolve to a number type: min_over_time(name)"},
      {"{} | compare({}) | topk(1)", "compare() cannot be used with second stage functions"},
  };
  for (const Printed& c : cases) {
    Result<Query> query = Query::parse(c.query);
    ASSERT_FALSE(query) << c.query;
    EXPECT_EQ(query.error().message(), c.printed) << c.query;
  }
}

TEST(QueryParse, BoundsDepthAndLength) {
  auto repeat = [](std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  EXPECT_TRUE(Query::parse("{" + repeat("(", 50) + ".a" + repeat(")", 50) + "}"));
  EXPECT_FALSE(Query::parse("{" + repeat("(", 200) + ".a" + repeat(")", 200) + "}"));
  EXPECT_FALSE(Query::parse("{" + repeat("!", 50'000) + ".a}"));
  Result<Query> deep = Query::parse("{ .a ^" + repeat("-", 57) + ".b ^ .c = 1 }");
  ASSERT_TRUE(deep);
  EXPECT_TRUE(Query::parse(deep->to_string()));
  EXPECT_FALSE(Query::parse("{" + repeat("2^", 50'000) + "2 = 2}"));
  EXPECT_FALSE(Query::parse("{ 1" + repeat("+1", 50'000) + " = 2}"));
  EXPECT_FALSE(Query::parse(repeat("(", 100'000)));
  EXPECT_FALSE(Query::parse("{}" + repeat(">{}", 40'000)));
  // Long is not deep.
  EXPECT_TRUE(Query::parse("{ .a" + repeat("&&.a", 20'000) + "}"));
  EXPECT_TRUE(Query::parse("{}" + repeat("||{}", 20'000)));
  Result<Query> query = Query::parse("{" + std::string(kQueryBytesMax, ' ') + "}");
  ASSERT_FALSE(query);
  EXPECT_EQ(query.error().message(),
            "TraceQL expression exceeds the configured maximum size of 131072 bytes, reduce the query "
            "expression size "
            "or contact your system administrator");
}

}  // namespace
}  // namespace weft::traceql
