#include "text/pattern.h"

#include <gtest/gtest.h>

namespace weft::text {
namespace {

std::string extract(std::string_view pattern, std::string_view line) {
  auto parsed = Pattern::parse(pattern);
  if (!parsed) return parsed.error().message();
  std::vector<std::string_view> values(parsed->names().size());
  std::size_t found = parsed->extract(line, values);
  std::string out;
  for (std::size_t i = 0; i < found; ++i)
    out.append(parsed->names()[i]).append("=").append(values[i]).append(";");
  return out;
}

bool matches(std::string_view pattern, std::string_view line) {
  return Pattern::parse_line_filter(pattern)->matches_line(line);
}

TEST(Pattern, Extracts) {
  EXPECT_EQ(extract("<ip> - <user> [<_>] \"<method> <path> <_>\" <status> <size>",
                    "1.2.3.4 - bob [now] \"GET /x HTTP/1.1\" 200 12"),
            "ip=1.2.3.4;user=bob;method=GET;path=/x;status=200;size=12;");
  EXPECT_EQ(extract("a=<a> b=<b>", "a=1 b=2 c"), "a=1;b=2 c;");
  EXPECT_EQ(extract("a=<a> b=<b>", "x a=1 b=2"), "");
  EXPECT_EQ(extract("<a> b=<b> c=<c>", "one b=two"), "a=one;b=two;");
  EXPECT_EQ(extract("<a>;", ""), "a=;");
  EXPECT_EQ(extract("no captures", ""), "at least one capture is required");
  EXPECT_EQ(extract("<_>", ""), "at least one capture is required");
  EXPECT_EQ(extract("<a><b>", ""), "found consecutive capture '<a><b>': invalid expression");
  EXPECT_EQ(extract("<a> <a>", ""), "duplicate capture name (a): invalid expression");
  EXPECT_EQ(extract("<1a> <b", "<1a> <b"), "at least one capture is required");
}

TEST(Pattern, FiltersWholeLines) {
  EXPECT_TRUE(matches("GET /api", "GET /api"));
  EXPECT_FALSE(matches("GET /api", "GET /api/x"));
  EXPECT_TRUE(matches("<_>GET /api<_>", "x GET /api y"));
  EXPECT_FALSE(matches("<_>GET /api<_>", "GET /api y"));  // a capture takes one byte or more
  EXPECT_TRUE(matches("a<_>b", "axb"));
  EXPECT_FALSE(matches("a<_>b", "ab"));
  EXPECT_TRUE(matches("a<_>b", "axbxb"));
  EXPECT_TRUE(matches("a<_>b<_>", "abxbx"));
  EXPECT_FALSE(matches("a<_>b<_>", "axb"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "x"));
  EXPECT_TRUE(matches("<_>", "x"));
  EXPECT_FALSE(matches("<_>", ""));
  EXPECT_EQ(Pattern::parse_line_filter("<a>").error().message(), "named captures are not allowed");
}

}  // namespace
}  // namespace weft::text
