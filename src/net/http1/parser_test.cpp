#include "net/http1/parser.h"

#include <gtest/gtest.h>

namespace weft::net::http1 {
namespace {

constexpr RequestParser::Limits kLimits{.header_bytes_max = 1024, .body_bytes_max = 64};

// The status that bytes are refused with; 0: one whole request; -1: more is wanted.
int outcome(std::string_view bytes, std::size_t piece) {
  RequestParser parser(kLimits);
  while (!bytes.empty() && !parser.complete() && !parser.failure()) {
    std::size_t used = parser.feed(bytes.substr(0, piece));
    if (used == 0 && !parser.failure()) return -2;  // stuck
    bytes.remove_prefix(used);
  }
  if (parser.failure()) return parser.failure()->status;
  return parser.complete() ? 0 : -1;
}

struct Case {
  int status;
  std::string bytes;
};

std::string get(std::string_view headers) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n";
}
std::string chunks(std::string_view body) {
  return get("Transfer-Encoding: chunked\r\n") + std::string(body);
}

std::vector<Case> cases() {
  return {
      {0, get("")},
      {0, "\r\n" + get("")},
      {0, "GET / HTTP/1.0\r\n\r\n"},
      {0, "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n"},
      {0, get("X: a\tb \xc3\xbc \r\nY:\r\n")},
      {0, get("Content-Length: 3\r\n") + "abc"},
      {0, get("Content-Length: 3\r\nContent-Length: 3\r\n") + "abc"},
      {-1, get("Content-Length: 3\r\n") + "ab"},
      {0, chunks("3\r\nabc\r\n0\r\n\r\n")},
      {0, chunks("3;ext=1\r\nabc\r\n00\r\nTrailer: x\r\n\r\n")},
      {0, chunks("A\r\n0123456789\r\n0\r\n\r\n")},
      {-1, chunks("3\r\nabc\r\n0\r\n")},
      {-1, ""},
      {-1, "GET / HT"},
      // The request line.
      {400, "GET /\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
      {400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "G(T / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / http/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
      {505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
      {400, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 12)},  // TLS
      // Line ends.
      {400, "GET / HTTP/1.1\nHost: h\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"},
      {400, get("X: a\rb\r\n")},
      // Headers.
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, get("Host: i\r\n")},
      {400, get("X\r\n")},
      {400, get(": x\r\n")},
      {400, get("X : y\r\n")},
      {400, get("X: y\r\n folded\r\n")},
      {400, get(std::string("X: a\0b\r\n", 8))},
      {400, get("X\x80: y\r\n")},
      {417, get("Expect: tea\r\n")},
      // Where a body ends must be beyond doubt.
      {400, get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")},
      {400, get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")},
      {400, get("Content-Length: 3\r\nContent-Length: 4\r\n")},
      {400, get("Content-Length: 3, 3\r\n")},
      {400, get("Content-Length: +3\r\n")},
      {400, get("Content-Length: -3\r\n")},
      {400, get("Content-Length: 0x3\r\n")},
      {400, get("Content-Length: 3 3\r\n")},
      {400, get("Content-Length:\r\n")},
      {400, get("Content-Length: 99999999999999999999999\r\n")},
      {400, get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {501, get("Transfer-Encoding: gzip, chunked\r\n")},
      {501, get("Transfer-Encoding: identity\r\n")},
      {501, get("Transfer-Encoding: xchunked\r\n")},
      {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      // Chunks.
      {400, chunks("\r\n")},
      {400, chunks("g\r\n")},
      {400, chunks("-1\r\n")},
      {400, chunks("+1\r\na\r\n")},
      {400, chunks("0x1\r\na\r\n")},
      {400, chunks(" 1\r\na\r\n")},
      {400, chunks("1 1\r\na\r\n")},
      {400, chunks("1\na\r\n")},
      {400, chunks("1\r\nab\r\n")},
      {400, chunks("3\r\nab\r\n")},
      {400, chunks("fffffffffffffffff\r\n")},
      {413, chunks("ffffffffffffffff\r\n")},
      {400, chunks("1;" + std::string(300, 'x') + "\r\na\r\n")},
      {400, chunks("0\r\nno colon\r\n\r\n")},
      // Limits.
      {413, get("Content-Length: 65\r\n")},
      {0, get("Content-Length: 64\r\n") + std::string(64, 'x')},
      {413, chunks("20\r\n" + std::string(32, 'x') + "\r\n21\r\n")},
      {431, get("X: " + std::string(1024, 'y') + "\r\n")},
      {431, "GET /" + std::string(1024, 'y')},
      {431, chunks("0\r\nX: " + std::string(1024, 'y') + "\r\n\r\n")},
  };
}

TEST(RequestParser, AcceptsAndRefuses) {
  for (const Case& c : cases())
    for (std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{100'000}})
      EXPECT_EQ(outcome(c.bytes, piece), c.status) << "pieces of " << piece << ": " << c.bytes;
}

TEST(RequestParser, BoundsTheNumberOfHeaders) {
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 300; ++i) many += "a:\r\n";
  RequestParser parser({.header_bytes_max = 100'000, .body_bytes_max = 0});
  parser.feed(many);
  ASSERT_TRUE(parser.failure());
  EXPECT_EQ(parser.failure()->status, 431);
}

TEST(RequestParser, ReadsOneRequestAfterAnother) {
  std::string bytes =
      "POST /a?b HTTP/1.1\r\nHOST: h\r\nX-Scope-OrgID:  tenant \r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
      "GET /c HTTP/1.0\r\nConnection: foo, Keep-Alive\r\n\r\n"
      "GET /d HTTP/1.1\r\nHost: h\r\nconnection: close\r\nExpect: 100-Continue\r\n\r\n";
  std::string_view rest = bytes;
  RequestParser parser(kLimits);

  rest.remove_prefix(parser.feed(rest));
  ASSERT_TRUE(parser.complete());
  EXPECT_TRUE(parser.keep_alive());
  EXPECT_EQ(parser.target(), "/a?b");
  Request first = parser.take();
  EXPECT_EQ(first.method, "POST");
  EXPECT_EQ(first.body, "hello world");
  EXPECT_EQ(first.header("x-scope-orgid"), "tenant");
  EXPECT_FALSE(parser.started());

  rest.remove_prefix(parser.feed(rest));
  ASSERT_TRUE(parser.complete());
  EXPECT_TRUE(parser.http10());
  EXPECT_TRUE(parser.keep_alive());
  EXPECT_EQ(parser.take().body, "");

  rest.remove_prefix(parser.feed(rest));
  ASSERT_TRUE(parser.complete());
  EXPECT_FALSE(parser.keep_alive());
  EXPECT_FALSE(parser.http10());
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.feed("more"), 0u);
  EXPECT_TRUE(rest.empty());
}

TEST(HasToken, IgnoresCaseAndSpaces) {
  EXPECT_TRUE(has_token("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(has_token("Upgrade", "upgrade"));
  EXPECT_FALSE(has_token("upgraded, x", "upgrade"));
  EXPECT_FALSE(has_token("", "upgrade"));
}

}  // namespace
}  // namespace weft::net::http1
