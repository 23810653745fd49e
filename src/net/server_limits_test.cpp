#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "net/client.h"
#include "net/server.h"
#include "net/server/testing.h"

namespace weft::net {
namespace {

void echo(const Request& r, const Responder& out) {
  out.send({200, {}, r.body, {}});
}

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(ServerLimits, HeadersAndBodies) {
  TestServer s(echo, {.header_bytes_max = 1000, .body_bytes_max = 100});
  struct Case {
    std::string request;
    int status;
  };
  for (const Case& c :
       {Case{"GET /" + std::string(2000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
        Case{"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", 431},
        Case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n", 413},
        Case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'), 413},
        Case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", 413},
        Case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Case{"nonsense\r\n\r\n", 400}, Case{"GET / HTTP/3.0\r\n\r\n", 505}}) {
    RawSocket socket(s.server->port());
    EXPECT_EQ(socket.ask(c.request), c.status) << c.request;
    EXPECT_EQ(socket.read_all(), "");  // and closed
  }
  EXPECT_EQ(s.refused("headers"), 2);
  EXPECT_EQ(s.refused("body"), 3);
  EXPECT_EQ(s.refused("malformed"), 3);
}

// The refusal must reach a client that is still sending.
TEST(ServerLimits, ABigUploadIsToldWhy) {
  TestServer s(echo, {.body_bytes_max = 1000});
  Client client;
  auto got = client.send({.method = "POST", .url = s.url(), .body = std::string(20'000'000, 'x')});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 413);
  auto h2 =
      client.send({.method = "POST", .url = s.url(), .body = std::string(20'000'000, 'x'), .http2 = true});
  ASSERT_TRUE(h2) << h2.error().message();
  EXPECT_EQ(h2->status, 413);
}

TEST(ServerLimits, SlowHeadersAndBodies) {
  TestServer s(echo, {.header_timeout_ns = 20'000'000, .body_bytes_per_second_min = 1'000'000});
  for (std::string_view begun : {"GET / HT", "GET / HTTP/1.1\r\nHost: h\r\n",
                                 "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc",
                                 "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"}) {
    RawSocket socket(s.server->port());
    socket.send(begun);
    EXPECT_TRUE(socket.read_all().starts_with("HTTP/1.1 408 ")) << begun;
  }
  EXPECT_EQ(s.refused("slow"), 4);
}

TEST(ServerLimits, IdleConnectionsAreClosed) {
  TestServer s(echo, {.idle_timeout_ns = 20'000'000});
  RawSocket fresh(s.server->port());
  EXPECT_EQ(fresh.read_all(), "");
  RawSocket used(s.server->port());
  EXPECT_EQ(used.ask(kGet), 200);
  EXPECT_EQ(used.read_all(), "");
}

TEST(ServerLimits, AReaderThatDoesNotReadIsDropped) {
  std::promise<void> done;
  TestServer s(
      [&](Request, Responder out) {
        out.begin(200, {});
        while (out.write(std::string(1'000'000, 'x'))) {
        }
        done.set_value();
      },
      {.idle_timeout_ns = 20'000'000});
  RawSocket socket(s.server->port());
  socket.send(kGet);
  done.get_future().wait();
  EXPECT_EQ(s.refused("slow"), 1);
}

TEST(ServerLimits, TheQueue) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  TestServer s(
      [released](Request r, Responder out) {
        released.wait();
        out.send({200, {}, r.body, {}});
      },
      {.workers = 1, .queue_max = 1});
  auto in_flight = [&](int n) {
    while (s.metric("weft_http_requests_in_flight") != n) std::this_thread::yield();
  };
  RawSocket running(s.server->port()), waiting(s.server->port()), refused(s.server->port());
  running.send(kGet);
  in_flight(1);
  // The one worker may not have taken the first yet, so the queue holds one or none of these.
  Client h2;
  int refusals = 0;
  while (refusals == 0) {
    if (s.metric("weft_http_requests_in_flight") < 2) {
      waiting.send(kGet);
      while (s.metric("weft_http_requests_in_flight") < 2 && s.refused("queue") == 0)
        std::this_thread::yield();
      if (s.refused("queue") > 0) {  // the worker was late: this one has got the 503
        EXPECT_NE(waiting.read_answer().find(" 503 "), std::string::npos);
        refusals = 1;
      }
    } else {
      EXPECT_EQ(refused.ask(kGet), 503);  // and the connection lives on
      EXPECT_EQ(refused.ask(kGet), 503);
      auto got = h2.send({.url = s.url(), .http2 = true});
      ASSERT_TRUE(got) << got.error().message();
      EXPECT_EQ(got->status, 503);
      refusals = 3;
    }
  }
  EXPECT_EQ(s.refused("queue"), refusals);
  release.set_value();
  EXPECT_NE(running.read_answer().find(" 200 "), std::string::npos);
}

TEST(ServerLimits, Connections) {
  TestServer s(echo, {.connections_max = 1});
  RawSocket first(s.server->port());
  EXPECT_EQ(first.ask(kGet), 200);
  RawSocket second(s.server->port());
  EXPECT_TRUE(second.read_all().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(s.refused("connections"), 1);
  first.close();
  while (s.metric("weft_http_connections") != 0) std::this_thread::yield();
  RawSocket third(s.server->port());
  EXPECT_EQ(third.ask(kGet), 200);
}

// Bodies of 16 times the greatest size may be held at once.
TEST(ServerLimits, MemoryForBodies) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  TestServer s(
      [released](Request, Responder out) {
        released.wait();
        out.send({200, {}, "", {}});
      },
      {.workers = 20, .body_bytes_max = 1000});
  std::string request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x');
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 16; ++i) {
    sockets.push_back(std::make_unique<RawSocket>(s.server->port()));
    sockets.back()->send(request);
  }
  while (s.metric("weft_http_requests_in_flight") != 16) std::this_thread::yield();
  RawSocket late(s.server->port());
  EXPECT_EQ(late.ask(request), 503);
  EXPECT_EQ(s.refused("memory"), 1);
  release.set_value();
  for (auto& socket : sockets) EXPECT_NE(socket->read_answer().find(" 200 "), std::string::npos);
  RawSocket again(s.server->port());
  // The budget is given back after the answer is out, by the worker.
  for (;;) {
    RawSocket retry(s.server->port());
    if (retry.ask(request) == 200) break;
  }
}

}  // namespace
}  // namespace weft::net
