#include "text/units.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace weft::text {
namespace {

template <class T>
std::string message(const Result<T>& result) {
  return result ? "" : result.error().message();
}

TEST(Units, GoDurations) {
  EXPECT_EQ(*parse_go_duration("1.5h"), 5'400'000'000'000);
  EXPECT_EQ(*parse_go_duration("-2m3.5s"), -123'500'000'000);
  EXPECT_EQ(*parse_go_duration("1h15m30.918273645s"), 4'530'918'273'645);
  EXPECT_EQ(*parse_go_duration("100µs"), 100'000);
  EXPECT_EQ(*parse_go_duration(".5ms"), 500'000);
  EXPECT_EQ(*parse_go_duration("0"), 0);
  EXPECT_EQ(*parse_go_duration("-9223372036854775808ns"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(message(parse_go_duration("5")), "time: missing unit in duration \"5\"");
  EXPECT_EQ(message(parse_go_duration("1d")), "time: unknown unit \"d\" in duration \"1d\"");
  EXPECT_EQ(message(parse_go_duration("")), "time: invalid duration \"\"");
  EXPECT_EQ(message(parse_go_duration(".s")), "time: invalid duration \".s\"");
  EXPECT_EQ(message(parse_go_duration("9223372036854775808ns")),
            "time: invalid duration \"9223372036854775808ns\"");
}

TEST(Units, PrometheusDurations) {
  EXPECT_EQ(*parse_prometheus_duration("1d12h"), 129'600'000'000'000);
  EXPECT_EQ(*parse_prometheus_duration("5m"), 300'000'000'000);
  EXPECT_EQ(*parse_prometheus_duration("0"), 0);
  EXPECT_EQ(*parse_prometheus_duration("1y"), 31'536'000'000'000'000);
  EXPECT_EQ(message(parse_prometheus_duration("1.5h")), "not a valid duration string: \"1.5h\"");
  EXPECT_EQ(message(parse_prometheus_duration("5minutes")),
            "unknown unit \"minutes\" in duration \"5minutes\"");
  EXPECT_EQ(message(parse_prometheus_duration("5m1h")), "not a valid duration string: \"5m1h\"");
  EXPECT_EQ(message(parse_prometheus_duration("5m5m")), "not a valid duration string: \"5m5m\"");
  EXPECT_EQ(message(parse_prometheus_duration("9999999999y")), "duration out of range");
  EXPECT_EQ(*parse_duration("1d"), 86'400'000'000'000);
  EXPECT_EQ(*parse_duration("1.5h"), 5'400'000'000'000);
}

TEST(Units, FormatsGoDurations) {
  for (auto [ns, text] : std::vector<std::pair<std::int64_t, const char*>>{
           {0, "0s"},
           {1, "1ns"},
           {1'100, "1.1µs"},
           {250'000'000, "250ms"},
           {3'723'500'000'000, "1h2m3.5s"},
           {60'000'000'000, "1m0s"},
           {-1'500'000'000, "-1.5s"},
           {std::numeric_limits<std::int64_t>::min(), "-2562047h47m16.854775808s"}})
    EXPECT_EQ(format_go_duration(ns), text);
}

TEST(Units, Bytes) {
  EXPECT_EQ(*parse_bytes("4KiB"), 4096u);
  EXPECT_EQ(*parse_bytes("1.5 MB"), 1'500'000u);
  EXPECT_EQ(*parse_bytes("12"), 12u);
  EXPECT_EQ(*parse_bytes("1,000kb"), 1'000'000u);
  EXPECT_EQ(*parse_bytes("42 mi"), 42u << 20);
  EXPECT_EQ(*parse_bytes("1.9b"), 1u);
  EXPECT_EQ(message(parse_bytes("oops")), "strconv.ParseFloat: parsing \"\": invalid syntax");
  EXPECT_EQ(message(parse_bytes("1zb")), "unhandled size name: zb");
  EXPECT_FALSE(bool(parse_bytes("100eb")));
  EXPECT_EQ(format_bytes(7), "7B");
  EXPECT_EQ(format_bytes(999), "999B");
  EXPECT_EQ(format_bytes(1500), "1.5kB");
  EXPECT_EQ(format_bytes(82'854'982), "83MB");
}

TEST(Units, Floats) {
  EXPECT_EQ(*parse_float("+1.5e3"), 1500);
  EXPECT_EQ(*parse_float(".5"), 0.5);
  EXPECT_EQ(*parse_float("5."), 5);
  EXPECT_EQ(*parse_float("0x1p3"), 8);
  EXPECT_EQ(*parse_float("1e-400"), 0);
  EXPECT_EQ(*parse_float("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(*parse_float("NaN")));
  EXPECT_EQ(message(parse_float("1e400")), "strconv.ParseFloat: parsing \"1e400\": value out of range");
  for (const char* bad : {"", "+", ".", "1_0", "0x10", "1 ", " 1", "--1", "+-1", "1e", "nanx", "infx", "0x"})
    EXPECT_FALSE(bool(parse_float(bad))) << bad;
  for (auto [value, text] : std::vector<std::pair<double, const char*>>{{1234000, "1234000"},
                                                                        {0.000001, "0.000001"},
                                                                        {0.1, "0.1"},
                                                                        {-0.0, "-0"},
                                                                        {1e21, "1000000000000000000000"}})
    EXPECT_EQ(format_float(value), text);
  EXPECT_EQ(format_float(std::numeric_limits<double>::infinity()), "+Inf");
}

TEST(Units, Rfc3339) {
  EXPECT_EQ(*parse_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(*parse_rfc3339("2026-11-20T10:00:00.000000001Z"), 1795168800000000001);
  EXPECT_EQ(*parse_rfc3339("2026-11-20T12:30:00+02:30"), 1795168800000000000);
  EXPECT_EQ(*parse_rfc3339("1969-12-31T23:59:59.5Z"), -500'000'000);
  for (const char* bad : {"", "2026", "2026-02-30T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T10:00:00",
                          "2026-11-20T10:00:00Zx", "2026-11-20 10:00:00Z", "9999-01-01T00:00:00Z"})
    EXPECT_FALSE(bool(parse_rfc3339(bad))) << bad;
  for (std::int64_t ns : {std::int64_t{0}, std::int64_t{1795168800000000001}, std::int64_t{-500'000'000},
                          std::int64_t{951'782'400'000'000'000}})
    EXPECT_EQ(*parse_rfc3339(format_rfc3339(ns)), ns);
  EXPECT_EQ(format_rfc3339(1795168800500000000), "2026-11-20T10:00:00.5Z");
}

}  // namespace
}  // namespace weft::text
