#include "net/http1/session.h"

#include <gtest/gtest.h>

#include "net/server/scripted_host.h"

// What depends on the clock or on the order of events: no sockets.

namespace weft::net::http1 {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

struct Fixture {
  void answer(std::string body) {
    auto answer = host.waiting.back().second;
    host.waiting.pop_back();
    session.send(*answer, {200, {}, std::move(body), {}});
  }

  ServerOptions options;
  std::string prefix;
  ScriptedHost host;
  Http1Session session{host, options, prefix};
};

TEST(Http1Session, Deadlines) {
  Fixture f;
  std::int64_t start = f.host.now;
  EXPECT_EQ(f.session.deadline_ns(), start + f.options.idle_timeout_ns);
  f.host.now = start + 5 * kSecond;
  f.session.input("POST / HTTP/1.1\r\n");  // the clock of the headers begins with their first byte
  EXPECT_EQ(f.session.deadline_ns(), start + 15 * kSecond);
  f.host.now = start + 8 * kSecond;
  f.session.input("Host: h\r\nContent-Length: 10000\r\n\r\n");
  EXPECT_EQ(f.session.deadline_ns(), start + 18 * kSecond);
  f.session.input(std::string(2048, 'x'));  // worth two seconds
  EXPECT_EQ(f.session.deadline_ns(), start + 20 * kSecond);
  f.session.input(std::string(10000 - 2048, 'x'));
  EXPECT_EQ(f.session.deadline_ns(), kNever);  // the answer takes the time that it takes
  f.host.now = start + 100 * kSecond;
  f.answer("");
  EXPECT_EQ(f.session.deadline_ns(), start + 100 * kSecond + f.options.idle_timeout_ns);
  f.session.timeout();
  EXPECT_TRUE(f.host.finished);
  EXPECT_EQ(f.host.refused, 0u);
}

TEST(Http1Session, StopEndsAfterTheRequestUnderWay) {
  Fixture f;
  f.session.input("GET /a HTTP/1.1\r\nHo");
  f.session.stop();
  EXPECT_FALSE(f.host.finished);
  EXPECT_FALSE(f.session.idle());
  f.session.input("st: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(f.host.waiting.size(), 1u);
  f.answer("done");
  EXPECT_TRUE(f.host.finished);
  EXPECT_TRUE(f.session.idle());
  EXPECT_TRUE(f.host.waiting.empty());  // the pipelined one is not begun any more
}

TEST(Http1Session, StopEndsAnIdleConnectionAtOnce) {
  Fixture f;
  f.session.input(kGet);
  f.answer("done");
  EXPECT_FALSE(f.host.finished);
  f.session.stop();
  EXPECT_TRUE(f.host.finished);
}

TEST(Http1Session, AHalfClosedClientStillGetsItsAnswer) {
  Fixture f;
  f.session.input(kGet);
  auto answer = f.host.waiting.back().second;
  f.session.end_of_input();
  EXPECT_TRUE(answer->gone);
  EXPECT_FALSE(answer->settled);
  EXPECT_FALSE(f.host.finished);
  f.answer("done");
  EXPECT_GT(f.host.output().size(), 0u);
  EXPECT_TRUE(f.host.finished);
}

TEST(Http1Session, PipelinedRequestsWaitInABoundedBuffer) {
  Fixture f;
  f.session.input(kGet);
  while (f.session.wants_input()) f.session.input(kGet);
  EXPECT_EQ(f.host.waiting.size(), 1u);
  std::size_t answered = 0;
  while (!f.host.waiting.empty()) {
    f.answer("done");
    ++answered;
  }
  EXPECT_GT(answered, 64u * 1024 / kGet.size());
  EXPECT_TRUE(f.session.wants_input());
  EXPECT_TRUE(f.session.idle());
}

}  // namespace
}  // namespace weft::net::http1
