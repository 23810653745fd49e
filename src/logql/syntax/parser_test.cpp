#include "logql/syntax/parser.h"

#include <gtest/gtest.h>

#include "logql/syntax/printer.h"

namespace weft::logql {
namespace {

std::string parse(std::string_view text) {
  auto parsed = parse_query(text);
  return parsed ? print(**parsed) : parsed.error().message();
}

// The canonical text, which must be the canonical text of itself.
std::string canonical(std::string_view text) {
  std::string once = parse(text);
  EXPECT_EQ(parse(once), once) << text;
  return once;
}

TEST(Parser, Prints) {
  for (auto [text, expected] : std::vector<std::pair<const char*, const char*>>{
           {R"q({ app = "x" , b=~`y.*` } |= "a" or `b` != ip("10.0.0.0/8"))q",
            R"q({app="x", b=~"y.*"} |= "a" or "b" != ip("10.0.0.0/8"))q"},
           {R"q(sum by(app)(rate({app="x"}|="y"[5m])))q", R"q(sum by (app)(rate({app="x"} |= "y"[5m])))q"},
           {R"q(SUM(Rate({app="x"}[5m] offset -1h)) BY (a , b))q",
            R"q(sum by (a,b)(rate({app="x"}[5m] offset -1h0m0s)))q"},
           {R"q({a="b"} | json x="y.z", w | logfmt --strict --keep-empty a | unpack | decolorize)q",
            R"q({a="b"} | json x="y.z",w="w" | logfmt --strict --keep-empty a="a" | unpack | decolorize)q"},
           {R"q({a="b"} | regexp "(?P<n>x)" | pattern "<a> <_>" | drop x, y=~"z" | keep q)q",
            R"q({a="b"} | regexp "(?P<n>x)" | pattern "<a> <_>" | drop x, y=~"z" | keep q)q"},
           {R"q({a="b"} | x > 5 or y == 1.5h, z < 10KB)q",
            R"q({a="b"} | ( x>5 or ( y==1h30m0s , z<10000B ) ))q"},
           {R"q({a="b"} | x="1" and y="2" or z="3")q", R"q({a="b"} | ( ( x="1" , y="2" ) or z="3" ))q"},
           {R"q({a="b"} | x="1", y="2" or z="3")q", R"q({a="b"} | ( x="1" , ( y="2" or z="3" ) ))q"},
           {R"q({a="b"} | x="1" y!="2", z=~"3" or w!~"4")q",
            R"q({a="b"} | ( x="1" , ( y!="2" , ( z=~"3" or w!~"4" ) ) ))q"},
           {R"q({a="b"} | x = ip("1.2.3.4") | y != ip("::1"))q",
            R"q({a="b"} | x=ip("1.2.3.4") | y!=ip("::1"))q"},
           {R"q(quantile_over_time(0.9, {a="b"} | unwrap duration(d) | __error__="" [1d12h]) without (x))q",
            R"q(quantile_over_time(0.9,{a="b"} | unwrap duration(d) | __error__=""[1d12h]) without (x))q"},
           {R"q(count_over_time({a="b"}[1m] |= "x"))q", R"q(count_over_time({a="b"} |= "x"[1m]))q"},
           {R"q(count_over_time((({a="b"} |= "x")[1m] offset 5m)))q",
            R"q(count_over_time({a="b"} |= "x"[1m] offset 5m0s))q"},
           {R"q(sum(rate({a="b"}[1m])) / on (x) group_left (y) sum(rate({c="d"}[1m])) > bool 1)q",
            R"q(((sum(rate({a="b"}[1m])) / on (x) group_left (y) sum(rate({c="d"}[1m]))) > bool 1))q"},
           {R"q(vector(1) - vector(2) - vector(3))q", R"q(((vector(1) - vector(2)) - vector(3)))q"},
           {R"q(vector(2) ^ vector(3) ^ vector(2))q", R"q((vector(2) ^ (vector(3) ^ vector(2))))q"},
           {R"q(-2 ^ 2)q", "4"},
           {R"q(1 / 0)q", "(0 / 0)"},
           {R"q({rate="x", sum="y"} | bytes="1" | duration > 1 | ip="z")q",
            R"q({rate="x", sum="y"} | bytes="1" | duration>1 | ip="z")q"},
           {R"q(sum_over_time({a="b"} | unwrap bytes(bytes) [5m]))q",
            R"q(sum_over_time({a="b"} | unwrap bytes(bytes)[5m]))q"},
           {"{a=\"b\"} # comment\n |= \"x\" // another\n /* and\n one */ |= \"y\"",
            R"q({a="b"} |= "x" |= "y")q"},
           {R"q(label_replace(rate({a="b"}[1m]), "d", "$1", "s", "(.*)"))q",
            R"q(label_replace(rate({a="b"}[1m]),"d","$1","s","(.*)"))q"}})
    EXPECT_EQ(canonical(text), expected);
}

TEST(Parser, ErrorsReadAsLokis) {
  for (auto [text, expected] : std::vector<std::pair<std::string, const char*>>{
           {"", "parse error : syntax error: unexpected $end"},
           {"foo", "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"},
           {"{app=\"x\"", "parse error at line 1, col 9: syntax error: unexpected $end, expecting } or ,"},
           {"{app='x'}",
            "parse error at line 1, col 6: syntax error: unexpected IDENTIFIER, expecting STRING"},
           {"{app",
            "parse error at line 1, col 5: syntax error: unexpected $end, expecting = or =~ or !~ or "
            "!="},
           {"{app=\"x\"} |=",
            "parse error at line 1, col 13: syntax error: unexpected $end, expecting STRING or ip"},
           {"{app=\"x\"} |= 5",
            "parse error at line 1, col 14: syntax error: unexpected NUMBER, expecting STRING or ip"},
           {"{app=\"x\"} | json | amount > \"x\"",
            "parse error at line 1, col 29: syntax error: unexpected STRING"},
           {"sum({app=\"x\"})", "parse error at line 1, col 14: syntax error: unexpected )"},
           {"rate({app=\"x\"})", "parse error at line 1, col 15: syntax error: unexpected )"},
           {"count_over_time({app=\"x\"}[5m]",
            "parse error at line 1, col 30: syntax error: unexpected $end, expecting )"},
           {"{app=\"x\"}\n  |=",
            "parse error at line 2, col 5: syntax error: unexpected $end, expecting STRING or ip"},
           {"\"just a string\"", "parse error at line 1, col 1: syntax error: unexpected STRING"},
           {"topk(sum(rate({app=\"x\"}[5m])))", "parse error : parameter required for operation topk"},
           {"quantile_over_time({app=\"x\"} | unwrap x [5m])",
            "parse error : parameter required for operation quantile_over_time"},
           {"count_over_time({app=\"x\"} | unwrap a [5m])",
            "parse error : invalid aggregation count_over_time with unwrap"},
           {"first_over_time({app=\"x\"}[5m])",
            "parse error : invalid aggregation first_over_time without unwrap"},
           {"count_over_time({app=\"x\"}[5m]) by (a)",
            "parse error : grouping not allowed for count_over_time aggregation"},
           {"{app=\"x\"} |~ \"(\"",
            "parse error : stage '|~ \"(\"' : error parsing regexp: missing closing ): `(`"},
           {"{app=\"x\"} | pattern \"no captures\"",
            "parse error : invalid pattern parser: at least one capture is required"},
           {"{app=\"x\"} | regexp \"x\"",
            "parse error : invalid regexp parser: at least one named capture must be supplied"},
           {"1 or vector(1)",
            "parse error : unexpected literal for left leg of logical/set binary operation (or): "
            "1.000000"},
           {"{a=\"b\"} + 1",
            "parse error : unexpected type for left leg of binary operation (+): *syntax.MatchersExpr"},
           {"rate({a=\"b\"}[1.5h])", "parse error at line 1, col 13: not a valid duration string: \"1.5h\""},
           {"{a=\"b", "parse error at line 1, col 4: literal not terminated"},
           {"vector(0x10)",
            "parse error at line 1, col 8: unable to parse literal as a float: strconv.ParseFloat: "
            "parsing \"0x10\": "
            "invalid syntax"},
           {std::string(131'073, ' '), "parse error : input size too long (131073 > 131072)"}})
    EXPECT_EQ(parse(text), expected) << text.substr(0, 100);
  EXPECT_TRUE(parse("{app=~\".*\"}").starts_with("parse error : queries require at least one regexp"));
}

TEST(Parser, DepthIsBounded) {
  std::string open(1000, '('), close(1000, ')');
  EXPECT_NE(parse(open + "vector(1)" + close).find("nested deeper than 64"), std::string::npos);
  EXPECT_NE(parse("{a=\"b\"} | " + open + "x=\"1\"" + close).find("nested deeper than 64"),
            std::string::npos);
  std::string sum = "vector(1)", filter = "{a=\"b\"} | x=\"1\"";
  for (int i = 0; i < 2000; ++i) sum += "+vector(1)", filter += " or x=\"1\"";
  EXPECT_NE(parse(sum).find("more than 512 levels"), std::string::npos);
  EXPECT_NE(parse(filter).find("too many conditions"), std::string::npos);
}

TEST(Parser, SelectorsAlone) {
  EXPECT_EQ(parse_matchers("{}")->size(), 0u);
  EXPECT_EQ(parse_matchers("{a=\"b\",c!~\"d\"}")->size(), 2u);
  EXPECT_FALSE(bool(parse_matchers("{a=\"b\"} |= \"x\"")));
  EXPECT_FALSE(bool(parse_matchers("rate({a=\"b\"}[1m])")));
}

TEST(Parser, PrettyBreaksLongQueries) {
  auto query =
      parse_query(R"q(sum by (app, namespace, level) (rate({namespace="production", app="payment-service"})q"
                  R"q( |= "some error" != "another error" | json | level="ERROR" [5m])))q");
  ASSERT_TRUE(bool(query));
  EXPECT_EQ(print_pretty(**query), R"q(sum by (app,namespace,level) (
  rate(
    {namespace="production", app="payment-service"}
      |= "some error"
      != "another error"
      | json
      | level="ERROR" [5m]
  )
))q");
}

}  // namespace
}  // namespace weft::logql
