#include <atomic>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/client.h"
#include "net/grpc.h"
#include "net/http2/client.h"
#include "net/http2/session.h"
#include "net/server.h"
#include "net/server/session.h"
#include "net/server/testing.h"

// HTTP/2 over real sockets, by our own client, which can hold several streams.

namespace weft::net {
namespace {

using http2::Http2Client;

constexpr std::int64_t kForever = kNever - 1;

std::unique_ptr<Http2Client> connect(const TestServer& s) {
  auto address = parse_address(s.url());
  auto made = Http2Client::connect(*address, kForever);
  if (!made) throw std::runtime_error(made.error().message());
  return std::move(*made);
}

ClientRequest post(std::string body) {
  return {.method = "POST", .body = std::move(body)};
}

TEST(Http2, ManyStreamsOnOneConnection) {
  TestServer s([](Request r, Responder out) {
    EXPECT_TRUE(r.http2);
    out.send({200, {{"X-Path", r.path}}, r.body, {}});
  });
  auto client = connect(s);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 100; ++i) {
    auto id =
        client->submit(post(std::string(static_cast<std::size_t>(i) * 5000, 'x')), "/" + std::to_string(i));
    ASSERT_TRUE(id);
    ids.push_back(*id);
  }
  std::size_t at = 0;
  auto ran = client->run_until(
      [&] {
        while (at < ids.size() && client->stream(ids[at]).closed) ++at;
        return at == ids.size();
      },
      kForever);
  ASSERT_TRUE(ran) << ran.error().message();
  for (int i = 0; i < 100; ++i) {
    const auto& stream = client->stream(ids[static_cast<std::size_t>(i)]);
    EXPECT_EQ(stream.response.status, 200);
    EXPECT_EQ(header(stream.response.headers, "x-path"), "/" + std::to_string(i));
    EXPECT_EQ(stream.response.body.size(), static_cast<std::size_t>(i) * 5000);
  }
  EXPECT_EQ(s.metric("weft_http_connections"), 1);
}

TEST(Http2, ASlowStreamDoesNotHoldUpOthers) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  TestServer s([released](Request r, Responder out) {
    if (r.path == "/slow") released.wait();
    out.send({200, {}, r.path, {}});
  });
  auto client = connect(s);
  std::int32_t slow = *client->submit({}, "/slow");
  auto fast = client->exchange({}, "/fast", kForever);
  ASSERT_TRUE(fast);
  EXPECT_EQ(fast->body, "/fast");
  EXPECT_FALSE(client->stream(slow).closed);
  release.set_value();
  ASSERT_TRUE(client->run_until([&] { return client->stream(slow).closed; }, kForever));
  EXPECT_EQ(client->stream(slow).response.body, "/slow");
}

TEST(Http2, StreamsAnswersAndTrailers) {
  constexpr std::size_t kPieces = 200;
  TestServer s([](Request, Responder out) {
    out.begin(200, {{"content-type", "text/plain"}});
    for (std::size_t i = 0; i < kPieces; ++i)
      EXPECT_TRUE(out.write(std::string(100'000, static_cast<char>('a' + i % 26))));
    out.end({{"X-Trailer", "t"}});
  });
  auto client = connect(s);
  auto got = client->exchange({}, "/", kForever);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->body.size(), kPieces * 100'000);
  EXPECT_EQ(got->body[150'000], 'b');
  EXPECT_EQ(header(got->headers, "x-trailer"), "t");
}

TEST(Http2, HeadAndNoContent) {
  TestServer s([](Request r, Responder out) { out.send({r.path == "/none" ? 204 : 200, {}, "hello", {}}); });
  auto client = connect(s);
  auto head = client->exchange({.method = "HEAD"}, "/", kForever);
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(header(head->headers, "content-length"), "5");
  EXPECT_EQ(head->body, "");
  auto none = client->exchange({}, "/none", kForever);
  ASSERT_TRUE(none) << none.error().message();
  EXPECT_EQ(none->status, 204);
  EXPECT_EQ(none->body, "");
}

TEST(Http2, AResetStreamIsCancelled) {
  std::promise<void> started, noticed;
  TestServer s([&](Request r, Responder out) {
    if (r.path == "/other") return out.send({200, {}, "ok", {}});
    started.set_value();
    while (!out.cancelled()) std::this_thread::yield();
    EXPECT_FALSE(out.write("x"));
    noticed.set_value();
  });
  auto client = connect(s);
  std::int32_t id = *client->submit({}, "/");
  auto has_started = started.get_future();
  ASSERT_TRUE(client->run_until([] { return true; }, kForever));
  has_started.wait();
  client->reset(id);
  ASSERT_TRUE(client->run_until([&] { return client->stream(id).closed; }, kForever));
  noticed.get_future().wait();
  auto other = client->exchange({}, "/other", kForever);
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_EQ(other->body, "ok");
}

TEST(Http2, RapidResetsEndTheConnection) {
  TestServer s([](Request, Responder out) { out.send({200, {}, "", {}}); });
  auto client = connect(s);
  Result<void> ran;
  int resets = 0;
  auto flush = [&] { ran = client->run_until([] { return true; }, kForever); };
  while (ran && resets < 100'000 && client->usable()) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 100; ++i)
      if (auto id = client->submit({}, "/")) ids.push_back(*id);
    flush();
    for (std::int32_t id : ids) client->reset(id);
    resets += 100;
    if (ran) flush();
  }
  if (ran) ran = client->run_until([] { return false; }, kForever);
  EXPECT_FALSE(ran);
  EXPECT_LT(resets, 100'000);
}

TEST(Http2, Limits) {
  TestServer s([](Request r, Responder out) { out.send({200, {}, r.body, {}}); },
               {.header_bytes_max = 2000, .body_bytes_max = 1000, .header_timeout_ns = 20'000'000});
  auto client = connect(s);
  auto headers = client->exchange({.headers = {{"x", std::string(3000, 'y')}}}, "/", kForever);
  ASSERT_TRUE(headers) << headers.error().message();
  EXPECT_EQ(headers->status, 431);
  auto body = client->exchange(post(std::string(2000, 'x')), "/", kForever);
  ASSERT_TRUE(body) << body.error().message();
  EXPECT_EQ(body->status, 413);
  auto target = client->exchange({}, "*", kForever);
  EXPECT_TRUE(!target || target->status >= 400);
  auto fine = connect(s)->exchange(post("hello"), "/", kForever);
  ASSERT_TRUE(fine) << fine.error().message();
  EXPECT_EQ(fine->body, "hello");
  EXPECT_EQ(s.refused("headers"), 1);
  EXPECT_EQ(s.refused("body"), 1);
}

TEST(Http2, TooManyStreamsAreRefused) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> most{0}, now{0};
  TestServer s(
      [&, released](Request, Responder out) {
        int n = ++now;
        if (n > most) most = n;
        released.wait();
        --now;
        out.send({200, {}, "", {}});
      },
      {.workers = 50, .http2_streams_max = 3});
  auto client = connect(s);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(*client->submit({}, "/"));
  ASSERT_TRUE(client->run_until([] { return true; }, kForever));
  while (now < 3) std::this_thread::yield();
  release.set_value();
  for (std::int32_t id : ids)
    ASSERT_TRUE(client->run_until([&] { return client->stream(id).closed; }, kForever));
  EXPECT_LE(most, 3);
}

TEST(Http2, ThePrefaceMayComeInPieces) {
  TestServer s([](Request r, Responder out) { out.send({200, {}, r.method, {}}); });
  RawSocket socket(s.server->port());
  for (char c : http2::kPreface) ASSERT_TRUE(socket.send(std::string_view(&c, 1)));
  EXPECT_EQ(socket.read(9).substr(3, 1), "\x04");  // SETTINGS
  RawSocket other(s.server->port());
  for (char c : std::string("PRINT / HTTP/1.1\r\nHost: h\r\n\r\n"))
    ASSERT_TRUE(other.send(std::string_view(&c, 1)));
  EXPECT_TRUE(other.read_answer().ends_with("PRINT"));
}

TEST(Http2, NonsenseAfterThePrefaceEndsTheConnection) {
  TestServer s([](Request, Responder out) { out.send({200, {}, "", {}}); });
  for (std::string_view after : {std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12),
                                 std::string_view("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
                                 std::string_view("\x00\x00\x00\x01\x05\x00\x00\x00\x01", 9)}) {
    RawSocket socket(s.server->port());
    socket.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.send(after);
    EXPECT_FALSE(socket.read_all().empty());  // SETTINGS and GOAWAY, then the end
  }
}

TEST(Http2, StopSendsGoawayAndLetsStreamsEnd) {
  std::promise<void> started, released;
  TestServer s([&](Request, Responder out) {
    started.set_value();
    released.get_future().wait();
    out.send({200, {}, "done", {}});
  });
  auto client = connect(s);
  std::int32_t id = *client->submit({}, "/");
  ASSERT_TRUE(client->run_until([] { return true; }, kForever));
  started.get_future().wait();
  std::jthread stopper([&] { s.server->stop(60'000'000'000); });
  while (client->usable()) {  // until GOAWAY
    ASSERT_TRUE(client->run_until([] { return true; }, kForever));
  }
  released.set_value();
  auto ran = client->run_until([&] { return client->stream(id).closed; }, kForever);
  ASSERT_TRUE(ran) << ran.error().message();
  EXPECT_EQ(client->stream(id).response.body, "done");
}

TEST(Http2, FailuresOfHandlers) {
  TestServer s([](Request r, Responder out) {
    if (r.path == "/bug") throw std::runtime_error("a bug");
    out.begin(200, {});
    out.write("half");
  });
  auto client = connect(s);
  auto bug = client->exchange({}, "/bug", kForever);
  ASSERT_TRUE(bug);
  EXPECT_EQ(bug->status, 500);
  EXPECT_FALSE(client->exchange({}, "/dropped", kForever));  // reset
}

}  // namespace
}  // namespace weft::net
