#include "api/parameters.h"

#include <gtest/gtest.h>

namespace weft::api {
namespace {

TEST(Parameters, QueryAndFormBodyAreMerged) {
  net::Request request;
  request.method = "POST";
  request.query = "a=1&match[]=x";
  request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  request.body = "b=two+words&match[]=%7By%7D";
  Parameters p(request);
  EXPECT_EQ(p.get("a"), "1");
  EXPECT_EQ(p.get("b"), "two words");
  EXPECT_EQ(p.get("c"), "");
  EXPECT_EQ(p.all("match[]"), (std::vector<std::string>{"x", "{y}"}));
}

TEST(Parameters, IntegersFailInGosWords) {
  EXPECT_EQ(*parse_integer("-12", "Atoi"), -12);
  EXPECT_EQ(parse_integer("x", "Atoi").error().message(), "strconv.Atoi: parsing \"x\": invalid syntax");
  EXPECT_EQ(parse_integer("+-1", "Atoi").error().message(), "strconv.Atoi: parsing \"+-1\": invalid syntax");
  EXPECT_EQ(parse_integer("99999999999999999999", "ParseInt").error().message(),
            "strconv.ParseInt: parsing \"99999999999999999999\": value out of range");
}

TEST(Parameters, LokisTimes) {
  struct Case {
    const char* text;
    std::int64_t ns;
  };
  for (auto [text, ns] :
       {Case{"1795172400", 1795172400'000000000}, Case{"1795172400.5", 1795172400'500000000},
        Case{"1795168800000000000", 1795168800000000000}, Case{"1795172400000", 1795172400000},
        Case{"2026-11-20T11:00:00Z", 1795172400'000000000},
        Case{"2026-11-20T11:00:00.25Z", 1795172400'250000000}, Case{"4", 4'000000000}}) {
    auto t = parse_loki_time(text);
    ASSERT_TRUE(t) << text << ": " << t.error().message();
    EXPECT_EQ(*t, ns) << text;
  }
  EXPECT_EQ(parse_loki_time("abc").error().message(), "strconv.ParseInt: parsing \"abc\": invalid syntax");
  EXPECT_FALSE(parse_loki_time("1e400.0"));
  EXPECT_FALSE(parse_loki_time("nan."));
}

}  // namespace
}  // namespace weft::api
