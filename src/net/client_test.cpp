#include "net/client.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "net/server/testing.h"
#include "net/websocket/frame.h"

namespace weft::net {
namespace {

TEST(Client, SendsMethodsHeadersAndBodies) {
  TestServer s([](Request r, Responder out) {
    out.send({202, {{"X-Got", r.method + " " + std::string(r.header("x-tenant"))}}, r.query + r.body, {}});
  });
  Client client;
  for (bool http2 : {false, true})
    for (std::string method : {"GET", "POST", "PUT", "DELETE"}) {
      auto got = client.send({.method = method,
                              .url = s.url() + "/?q=1",
                              .headers = {{"X-Tenant", "t"}},
                              .body = method == "GET" ? "" : "body",
                              .http2 = http2});
      ASSERT_TRUE(got) << got.error().message();
      EXPECT_EQ(got->status, 202);
      EXPECT_EQ(header(got->headers, "x-got"), method + " t");
      EXPECT_EQ(got->body, method == "GET" ? "q=1" : "q=1body");
    }
  auto head = client.send({.method = "HEAD", .url = s.url()});
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(header(head->headers, "x-got"), "HEAD ");
}

TEST(Client, SaysWhyThereIsNoAnswer) {
  Registry metrics;
  std::string url;
  {
    TestServer s([](Request, Responder) {});
    url = s.url();
  }
  Client client;
  for (bool http2 : {false, true}) {
    auto got = client.send({.url = url, .http2 = http2});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::unavailable);
    EXPECT_NE(got.error().message().find(url.substr(7)), std::string::npos) << got.error().message();
  }
  EXPECT_EQ(client.send({.url = "nonsense://x"}).error().code(), Code::invalid_argument);
  EXPECT_EQ(client.send({.url = url, .headers = {{"x", "a\r\nb: c"}}}).error().code(),
            Code::invalid_argument);
}

TEST(Client, GivesUpInTime) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  TestServer s([released](Request, Responder) { released.wait(); });
  Client client;
  for (bool http2 : {false, true}) {
    auto got = client.send({.url = s.url(), .timeout_ns = 20'000'000, .http2 = http2});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::deadline_exceeded);
  }
  release.set_value();
}

TEST(Client, ConnectsAgainWhenTheServerHasClosed) {
  TestServer s([](Request, Responder out) { out.send({200, {}, "ok", {}}); },
               {.idle_timeout_ns = 10'000'000});
  Client client;
  for (int i = 0; i < 3; ++i)
    for (bool http2 : {false, true}) {
      auto got = client.send({.url = s.url(), .http2 = http2});
      ASSERT_TRUE(got) << got.error().message();
      EXPECT_EQ(got->body, "ok");
      while (s.metric("weft_http_connections") != 0) std::this_thread::yield();
    }
}

TEST(WebSocket, FollowsUntilTheEnd) {
  TestServer s([](Request r, Responder out) {
    out.upgrade([path = r.path](std::shared_ptr<WebSocket> socket) {
      for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(socket->send_text("message " + std::to_string(i)) || path == "/some");
      if (path == "/normal") socket->close(1000, "done");
      if (path == "/failed") socket->close(1011, "tail limit reached");
      EXPECT_TRUE(path == "/dropped" || path == "/some" || socket->closed());
      socket->close(1000, "is ignored");
    });
  });
  Client client;
  auto follow = [&](const std::string& path, int count, int& seen) {
    return client.websocket("ws" + s.url().substr(4) + path, {}, [&](std::string_view text) {
      EXPECT_EQ(text, "message " + std::to_string(seen));
      return ++seen < count;
    });
  };
  int seen = 0;
  EXPECT_TRUE(follow("/normal", 5000, seen));
  EXPECT_EQ(seen, 1000);
  seen = 0;
  auto failed = follow("/failed", 5000, seen);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "tail limit reached");
  EXPECT_EQ(seen, 1000);
  seen = 0;
  EXPECT_TRUE(follow("/some", 10, seen));  // the reader has enough
  EXPECT_EQ(seen, 10);
  seen = 0;
  EXPECT_TRUE(follow("/dropped", 5000, seen));
}

TEST(WebSocket, NeedsAnUpgrade) {
  TestServer s([](Request r, Responder out) {
    if (r.path == "/no") return out.send({401, {}, "no tenant\n", {}});
    out.upgrade([](std::shared_ptr<WebSocket>) {});
  });
  Client client;
  auto got = client.send({.url = s.url()});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 400);
  auto refused = client.websocket(s.url() + "/no", {}, [](std::string_view) { return true; });
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("401"), std::string::npos) << refused.error().message();
  EXPECT_NE(refused.error().message().find("no tenant"), std::string::npos);
  EXPECT_EQ(client.websocket("wss://h/", {}, {}).error().code(), Code::unimplemented);
}

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

std::string from_client(websocket::Opcode opcode, std::string_view payload) {
  std::string out;
  websocket::append_frame(out, opcode, payload, 0x12345678u);
  return out;
}

std::string from_server(websocket::Opcode opcode, std::string_view payload) {
  std::string out;
  websocket::append_frame(out, opcode, payload);
  return out;
}

TEST(WebSocket, AnswersPingsAndClose) {
  std::promise<std::shared_ptr<WebSocket>> opened;
  TestServer s([&](Request, Responder out) {
    out.upgrade([&](std::shared_ptr<WebSocket> socket) { opened.set_value(std::move(socket)); });
  });
  RawSocket raw(s.server->port());
  using enum websocket::Opcode;
  // A ping may come with the upgrade already; text is ignored.
  raw.send(std::string(kUpgrade) + from_client(ping, "early"));
  EXPECT_NE(raw.read_until("\r\n\r\n").find("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            std::string::npos);
  EXPECT_EQ(raw.read(7), from_server(pong, "early"));
  auto socket = opened.get_future().get();
  EXPECT_FALSE(socket->closed());
  EXPECT_TRUE(socket->send_text("hi"));
  EXPECT_EQ(raw.read(4), from_server(text, "hi"));
  raw.send(from_client(text, "dropped") + from_client(ping, "again"));
  EXPECT_EQ(raw.read(7), from_server(pong, "again"));
  raw.send(from_client(close, websocket::close_payload(1001, "bye")));
  EXPECT_EQ(raw.read_all(), from_server(close, websocket::close_payload(1001, "")));
  EXPECT_TRUE(socket->closed());
  EXPECT_FALSE(socket->send_text("late"));
}

TEST(WebSocket, ClosesOnAMalformedFrame) {
  TestServer s([&](Request, Responder out) {
    out.upgrade([](std::shared_ptr<WebSocket> socket) {
      while (!socket->closed()) std::this_thread::yield();
    });
  });
  RawSocket raw(s.server->port());
  raw.send(kUpgrade);
  raw.read_until("\r\n\r\n");
  raw.send(from_server(websocket::Opcode::text, "not masked"));
  EXPECT_EQ(raw.read_all(),
            from_server(websocket::Opcode::close, websocket::close_payload(1002, "malformed frame")));
  EXPECT_EQ(s.refused("malformed"), 1);
}

TEST(WebSocket, StopClosesWithGoingAway) {
  std::promise<std::shared_ptr<WebSocket>> opened;
  TestServer s([&](Request, Responder out) {
    out.upgrade([&](std::shared_ptr<WebSocket> socket) { opened.set_value(std::move(socket)); });
  });
  RawSocket raw(s.server->port());
  raw.send(kUpgrade);
  raw.read_until("\r\n\r\n");
  auto socket = opened.get_future().get();
  s.server->stop(60'000'000'000);
  EXPECT_EQ(raw.read_all(),
            from_server(websocket::Opcode::close, websocket::close_payload(1001, "server is shutting down")));
  EXPECT_TRUE(socket->closed());
}

TEST(WebSocket, ASlowReaderMissesMessages) {
  std::promise<std::size_t> sent;
  TestServer s([&](Request, Responder out) {
    out.upgrade([&](std::shared_ptr<WebSocket> socket) {
      std::size_t bytes = 0;
      while (socket->send_text(std::string(100'000, 'x'))) bytes += 100'000;
      EXPECT_FALSE(socket->closed());
      sent.set_value(bytes);
    });
  });
  RawSocket raw(s.server->port(), 64 * 1024);
  raw.send(kUpgrade);
  std::size_t bytes = sent.get_future().get();
  EXPECT_GE(bytes, std::size_t{4} << 20);
  EXPECT_GT(raw.read_all().size(), bytes);  // what was taken arrives, framed
}

TEST(WebSocket, TellsThatThePeerVanished) {
  std::promise<void> opened, noticed;
  TestServer s([&](Request, Responder out) {
    out.upgrade([&](std::shared_ptr<WebSocket> socket) {
      opened.set_value();
      while (!socket->closed()) std::this_thread::yield();
      noticed.set_value();
    });
  });
  auto raw = std::make_unique<RawSocket>(s.server->port());
  raw->send(kUpgrade);
  opened.get_future().wait();
  raw.reset();
  noticed.get_future().wait();
}

}  // namespace
}  // namespace weft::net
