#include <gtest/gtest.h>

#include "net/client/socket.h"
#include "net/server.h"
#include "net/server/gzip.h"
#include "net/server/target.h"

namespace weft::net {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Url, DecodesPercent) {
  struct Case {
    std::string_view text, as_path, as_query;
  };
  for (const Case& c : {Case{"", "", ""},
                        {"a+b", "a+b", "a b"},
                        {"%7Ba%3d%22b%22%7D", "{a=\"b\"}", "{a=\"b\"}"},
                        {"100%", "100%", "100%"},
                        {"%4", "%4", "%4"},
                        {"%zz%41", "%zzA", "%zzA"},
                        {"%2B+", "++", "+ "},
                        {"%%41", "%A", "%A"}}) {
    EXPECT_EQ(percent_decode(c.text, false), c.as_path) << c.text;
    EXPECT_EQ(percent_decode(c.text, true), c.as_query) << c.text;
  }
}

TEST(Url, EncodeIsUndoneByDecode) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all), false), all);
  EXPECT_EQ(percent_decode(percent_encode(all), true), all);
  EXPECT_EQ(percent_encode("a-b_c.d~e /+"), "a-b_c.d~e%20%2F%2B");
}

TEST(Url, ParsesQueries) {
  EXPECT_EQ(parse_query(""), Pairs());
  EXPECT_EQ(parse_query("a=1&b=2&a=3"), (Pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}));
  EXPECT_EQ(parse_query("query=%7Ba%3D%22b%22%7D+%7C%3D+x&&flag&=v&e="),
            (Pairs{{"query", "{a=\"b\"} |= x"}, {"flag", ""}, {"", "v"}, {"e", ""}}));
  EXPECT_EQ(parse_query("a=b=c"), (Pairs{{"a", "b=c"}}));
}

TEST(Url, NormalisesTargets) {
  struct Case {
    std::string_view target, prefix, path, query;
  };
  for (const Case& c : {Case{"/", "", "/", ""},
                        {"//a///b/", "", "/a/b", ""},
                        {"/a?x=//1/", "", "/a", "x=//1/"},
                        {"/a%2Fb", "", "/a%2Fb", ""},
                        {"/weft/api?q", "/weft", "/api", "q"},
                        {"/weft", "/weft", "/", ""},
                        {"/weft/", "/weft", "/", ""},
                        {"/weftwork/api", "/weft", "/weftwork/api", ""},
                        {"/api", "/weft", "/api", ""},
                        {"http://h:1/a/b/?c", "", "/a/b", "c"},
                        {"HTTP://h", "", "/", ""},
                        {"http://h?c", "", "/", "c"},
                        {"*", "", "*", ""}}) {
    Target got;
    ASSERT_TRUE(split_target(c.target, c.prefix, got)) << c.target;
    EXPECT_EQ(got.path, c.path) << c.target;
    EXPECT_EQ(got.query, c.query) << c.target;
  }
  Target got;
  for (std::string_view bad : {"", "a/b", "example.org:443", "?a"})
    EXPECT_FALSE(split_target(bad, "", got)) << bad;
  EXPECT_EQ(normal_prefix("weft//x/"), "/weft/x");
  EXPECT_EQ(normal_prefix("/"), "");
  EXPECT_EQ(normal_prefix(""), "");
}

TEST(Url, ParsesAddresses) {
  auto got = parse_address("http://[::1]:3100/a?b");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->host, "::1");
  EXPECT_EQ(got->port, "3100");
  EXPECT_EQ(got->target, "/a?b");
  EXPECT_EQ(got->place(), "[::1]:3100");
  got = parse_address("ws://host?q=1");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->scheme, "ws");
  EXPECT_EQ(got->place(), "host:80");
  EXPECT_EQ(got->target, "/?q=1");
  for (std::string bad :
       {"", "host:80", "http://", "http:///x", "http://h:/", "http://h/a b", "http://h\r\n/"})
    EXPECT_FALSE(parse_address(bad)) << bad;
}

TEST(Gzip, NegotiatesByAcceptEncoding) {
  for (std::string_view yes : {"gzip", "deflate, gzip", "GZIP;q=0.5", "*", "br;q=1.0, gzip;q=0.8, *;q=0.1"})
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (std::string_view no :
       {"", "identity", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzip;q=0, *", "br, gzipped"})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST(Gzip, CompressesOnlyWhatPays) {
  auto encoding = [](Headers headers, std::size_t size, int status = 200) {
    Response response{status, std::move(headers), std::string(size, 'a'), {}};
    compress_answer(response);
    return std::string(header(response.headers, "content-encoding"));
  };
  EXPECT_EQ(encoding({{"content-type", "application/json"}}, 1024), "gzip");
  EXPECT_EQ(encoding({{"content-type", "image/svg+xml"}}, 1024), "gzip");
  EXPECT_EQ(encoding({}, 1023), "");
  EXPECT_EQ(encoding({{"Content-Type", "image/png"}}, 5000), "");
  EXPECT_EQ(encoding({{"content-type", "font/woff2"}}, 5000), "");
  EXPECT_EQ(encoding({{"content-encoding", "br"}}, 5000), "br");
  EXPECT_EQ(encoding({}, 5000, 304), "");
}

}  // namespace
}  // namespace weft::net
