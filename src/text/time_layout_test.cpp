#include "text/time_layout.h"

#include <gtest/gtest.h>

namespace weft::text {
namespace {

TEST(TimeLayout, Formats) {
  ZonedTime t = ZonedTime::from_ns(1136214245012345678);  // 2006-01-02 15:04:05.012345678 UTC
  for (auto [layout, expected] : std::vector<std::pair<const char*, const char*>>{
           {"Mon Jan _2 15:04:05 2006", "Mon Jan  2 15:04:05 2006"},
           {"Monday, 02-Jan-06 15:04:05 MST", "Monday, 02-Jan-06 15:04:05 UTC"},
           {"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.012345678Z"},
           {"3:04PM 03 pm", "3:04PM 03 pm"},
           {".000 .00000 ,999", ".012 .01234 ,012"},
           {"002 __2 -0700 -07:00 Z0700", "002   2 +0000 +00:00 Z"},
           {"January 1 2 4 5 06", "January 1 2 4 5 06"}})
    EXPECT_EQ(format_time(layout, t), expected) << layout;
  auto berlin = in_zone(t, "Europe/Berlin");
  EXPECT_EQ(format_time("15:04 MST -0700 Z07:00", *berlin), "16:04 CET +0100 +01:00");
  EXPECT_FALSE(bool(in_zone(t, "Nowhere/Land")));
  EXPECT_FALSE(bool(in_zone(t, "../etc/passwd")));
}

TEST(TimeLayout, Parses) {
  for (auto [layout, text, expected] : std::vector<std::tuple<const char*, const char*, const char*>>{
           {"2006-01-02T15:04:05Z07:00", "2026-11-20T10:00:00.5+02:00", "2026-11-20T08:00:00.5"},
           {"2006-01-02 15:04:05.000", "2026-11-20 10:00:00.250", "2026-11-20T10:00:00.25"},
           {"Jan _2 2006 3:04PM", "Nov 20 2026 1:05PM", "2026-11-20T13:05:00"},
           {"02/Jan/2006:15:04:05 -0700", "10/Oct/2026:13:55:36 +0000", "2026-10-10T13:55:36"},
           {"Mon, 02 Jan 2006", "Fri, 20 Nov 2026", "2026-11-20T00:00:00"},
           {"2006 002", "2026 032", "2026-02-01T00:00:00"}}) {
    auto time = parse_time(layout, text, "UTC");
    ASSERT_TRUE(bool(time)) << text;
    ZonedTime utc = *in_zone(*time, "UTC");
    EXPECT_EQ(format_time("2006-01-02T15:04:05.999999999", utc), expected) << text;
  }
  EXPECT_EQ(parse_time("2006-01-02 15:04", "2026-07-01 12:00", "Europe/Berlin")->seconds, 1782900000);
  EXPECT_EQ(parse_time("2006-01-02", "2026-13-01", "").error().message(),
            "parsing time \"2026-13-01\": month out of range");
  EXPECT_EQ(parse_time("2006-01-02", "2026-02-30", "").error().message(),
            "parsing time \"2026-02-30\": day out of range");
  EXPECT_EQ(parse_time("2006", "x", "").error().message(),
            "parsing time \"x\" as \"2006\": cannot parse \"x\" as \"2006\"");
  EXPECT_EQ(parse_time("2006", "2026x", "").error().message(), "parsing time \"2026x\": extra text: \"x\"");
  EXPECT_EQ(parse_time("2006", "2026", "Mars").error().message(), "unknown time zone Mars");
}

}  // namespace
}  // namespace weft::text
