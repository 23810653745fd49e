#include "net/server.h"

#include <atomic>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "base/compress.h"
#include "net/client.h"
#include "net/server/testing.h"

// HTTP/1.1 over real sockets. Limits are in server_limits_test.cpp.

namespace weft::net {
namespace {

// Answers with what it got.
void echo(const Request& r, const Responder& out) {
  out.send(
      {200, {{"content-type", "text/plain"}}, r.method + " " + r.path + "?" + r.query + " " + r.body, {}});
}

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST(Server, KeepsConnections) {
  TestServer s([](Request r, Responder out) { out.send({200, {}, r.peer + " " + r.path, {}}); });
  RawSocket socket(s.server->port());
  socket.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string first = body_of(socket.read_answer());
  socket.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body_of(socket.read_answer()), first);
  EXPECT_TRUE(first.starts_with("127.0.0.1:"));
  EXPECT_EQ(s.metric("weft_http_connections"), 1);
  EXPECT_GT(s.metric("weft_http_bytes_received_total"), 0);
}

TEST(Server, ClosesWhenAsked) {
  TestServer s(echo);
  RawSocket close(s.server->port());
  close.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  std::string answer = close.read_all();
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("GET /a? "));
  RawSocket old(s.server->port());
  old.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().ends_with("GET /a? "));
  RawSocket half(s.server->port());
  half.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  half.end_input();
  EXPECT_TRUE(half.read_all().ends_with("GET /a? "));
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  TestServer s(echo);
  RawSocket socket(s.server->port());
  std::string requests;
  for (int i = 0; i < 500; ++i)
    requests += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  ASSERT_TRUE(socket.send(requests));
  for (int i = 0; i < 500; ++i)
    EXPECT_EQ(body_of(socket.read_answer()), "POST /" + std::to_string(i) + "? abc");
}

TEST(Server, TakesRequestsByteByByte) {
  TestServer s(echo);
  RawSocket socket(s.server->port());
  for (char c :
       std::string("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"))
    ASSERT_TRUE(socket.send(std::string_view(&c, 1)));
  EXPECT_EQ(body_of(socket.read_answer()), "POST /a? ab");
}

TEST(Server, SendsContinue) {
  TestServer s(echo);
  RawSocket socket(s.server->port());
  socket.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("ab");
  EXPECT_EQ(body_of(socket.read_answer()), "POST /a? ab");
}

TEST(Server, HeadHasTheLengthButNoBody) {
  TestServer s([](Request r, Responder out) {
    if (r.path == "/whole") return out.send({200, {}, "hello", {}});
    out.begin(200, {});
    EXPECT_TRUE(out.write("hello"));
    out.end();
  });
  RawSocket socket(s.server->port());
  for (std::string path : {"/whole", "/stream", "/whole"}) {
    socket.send("HEAD " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    std::string head = socket.read_until("\r\n\r\n");
    EXPECT_EQ(head.find("content-length: 5") != std::string::npos, path == "/whole") << head;
  }
  EXPECT_EQ(socket.ask("GET /whole HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
}

TEST(Server, DropsWhatCannotBeSent) {
  TestServer s([](Request, Responder out) {
    out.send(
        {200,
         {{"x-good", "1"}, {"x-bad", "a\r\nx-injected: 1"}, {"bad name", "1"}, {"connection", "upgrade"}},
         "",
         {}});
  });
  RawSocket socket(s.server->port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string head = socket.read_answer();
  EXPECT_NE(head.find("x-good: 1\r\n"), std::string::npos);
  EXPECT_EQ(head.find("injected"), std::string::npos);
  EXPECT_EQ(head.find("bad name"), std::string::npos);
  EXPECT_EQ(head.find("upgrade"), std::string::npos);
}

TEST(Server, CompressesWhenAccepted) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i) + "\n";
  TestServer s([&](Request, Responder out) { out.send({200, {{"content-type", "text/plain"}}, text, {}}); });
  RawSocket socket(s.server->port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip, br\r\n\r\n");
  std::string answer = socket.read_answer();
  EXPECT_NE(answer.find("content-encoding: gzip\r\n"), std::string::npos);
  EXPECT_LT(answer.size(), text.size());
  auto plain = decompress(Codec::gzip, body_of(answer), {});
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, text);
  socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body_of(socket.read_answer()), text);
  Client client;
  for (bool http2 : {false, true}) {
    auto got = client.send({.url = s.url(), .headers = {{"accept-encoding", "gzip"}}, .http2 = http2});
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(header(got->headers, "content-encoding"), "gzip");
    EXPECT_EQ(got->body, text);
  }
}

TEST(Server, StreamsInChunks) {
  TestServer s([](Request r, Responder out) {
    out.begin(200, {{"content-type", "text/plain"}});
    EXPECT_TRUE(out.write("hello "));
    EXPECT_TRUE(out.write(""));
    EXPECT_TRUE(out.write(r.path));
    out.end({{"x-trailer", "t"}});
  });
  RawSocket socket(s.server->port());
  for (int i = 0; i < 2; ++i) {
    socket.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(socket.read_until("\r\n\r\n").find("transfer-encoding: chunked"), std::string::npos);
    EXPECT_EQ(socket.read_until("\r\n\r\n"), "6\r\nhello \r\n2\r\n/a\r\n0\r\nx-trailer: t\r\n\r\n");
  }
  RawSocket old(s.server->port());
  old.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().ends_with("\r\n\r\nhello /a"));
}

TEST(Server, StreamingWaitsForASlowReader) {
  constexpr std::size_t kPiece = 256 * 1024;
  constexpr std::size_t kPieces = 256;                      // 64 MiB
  constexpr std::size_t kAheadMax = std::size_t{16} << 20;  // our 1 MiB, a piece, the kernel's buffers
  std::atomic<std::size_t> written{0};
  TestServer s([&](Request, Responder out) {
    out.begin(200, {{"content-length", std::to_string(kPiece * kPieces)}});
    for (std::size_t i = 0; i < kPieces; ++i) {
      if (!out.write(std::string(kPiece, static_cast<char>('a' + i % 26)))) return;
      written += kPiece;
    }
    out.end();
  });
  RawSocket socket(s.server->port(), 64 * 1024);
  socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  socket.read_until("\r\n\r\n");
  for (std::size_t i = 0; i < kPieces; ++i) {
    EXPECT_LE(written, i * kPiece + kAheadMax);
    EXPECT_EQ(socket.read(kPiece), std::string(kPiece, static_cast<char>('a' + i % 26))) << i;
  }
  socket.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(socket.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(Server, TellsThatTheClientVanished) {
  std::promise<void> started, noticed;
  TestServer s([&](Request, Responder out) {
    started.set_value();
    while (!out.cancelled()) std::this_thread::yield();
    noticed.set_value();
  });
  auto socket = std::make_unique<RawSocket>(s.server->port());
  socket->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  started.get_future().wait();
  socket.reset();
  noticed.get_future().wait();
}

TEST(Server, WriteFailsWhenTheClientVanished) {
  std::promise<void> started, noticed;
  TestServer s([&](Request, Responder out) {
    out.begin(200, {});
    started.set_value();
    while (out.write(std::string(100'000, 'x'))) {
    }
    EXPECT_TRUE(out.cancelled());
    noticed.set_value();
  });
  auto socket = std::make_unique<RawSocket>(s.server->port());
  socket->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  started.get_future().wait();
  socket.reset();
  noticed.get_future().wait();
}

TEST(Server, AnswersAfterTheHandlerReturned) {
  std::promise<Responder> kept;
  TestServer s([&](Request, Responder out) { kept.set_value(out); });
  RawSocket socket(s.server->port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  Responder out = kept.get_future().get();
  EXPECT_EQ(s.metric("weft_http_requests_in_flight"), 1);
  out.send({201, {}, "late", {}});
  EXPECT_EQ(body_of(socket.read_answer()), "late");
  out.send({200, {}, "twice", {}});  // is ignored
  EXPECT_EQ(s.metric("weft_http_requests_in_flight"), 0);
}

TEST(Server, AResponderMayOutliveTheServer) {
  std::promise<Responder> kept;
  auto s = std::make_unique<TestServer>([&](Request, Responder out) { kept.set_value(out); });
  RawSocket socket(s->server->port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  Responder out = kept.get_future().get();
  s->server.reset();
  EXPECT_TRUE(out.cancelled());
  EXPECT_FALSE(out.write("x"));
  out.send({200, {}, "late", {}});
  EXPECT_EQ(socket.read_all(), "");
}

TEST(Server, FailuresOfHandlersBecomeAnswers) {
  TestServer s([](Request r, Responder out) {
    if (r.path == "/bug") throw std::runtime_error("a bug");
    if (r.path == "/memory") throw std::bad_alloc();
    if (r.path == "/forgot") return;
    out.begin(200, {});
    out.write("half");
    if (r.path == "/late") throw std::runtime_error("a late bug");
  });
  RawSocket socket(s.server->port());
  EXPECT_EQ(socket.ask("GET /bug HTTP/1.1\r\nHost: h\r\n\r\n"), 500);
  EXPECT_EQ(socket.ask("GET /memory HTTP/1.1\r\nHost: h\r\n\r\n"), 503);
  EXPECT_EQ(socket.ask("GET /forgot HTTP/1.1\r\nHost: h\r\n\r\n"), 500);
  for (std::string path : {"/late", "/dropped"}) {  // the answer must not look whole
    RawSocket broken(s.server->port());
    broken.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_FALSE(broken.read_all().ends_with("0\r\n\r\n"));
  }
  EXPECT_EQ(s.refused("failed"), 5);
}

TEST(Server, ServesBelowThePrefixAndWithout) {
  TestServer s(echo, {.path_prefix = "weft/"});
  Client client;
  for (std::string path : {"/weft/api", "/api", "//weft//api/"}) {
    auto got = client.send({.url = s.url() + path});
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->body, "GET /api? ");
  }
}

TEST(Server, ManyRequestsFromManyThreads) {
  TestServer s(echo);
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        Client client;
        for (int i = 0; i < 50; ++i) {
          std::string body(static_cast<std::size_t>(i) * 997, static_cast<char>('a' + t));
          auto got =
              client.send({.method = "POST", .url = s.url() + "/p", .body = body, .http2 = i % 2 == 1});
          if (got && got->body == "POST /p? " + body) ++right;
        }
      });
  }
  EXPECT_EQ(right, 400);
  EXPECT_EQ(s.metric("weft_http_requests_in_flight"), 0);
}

TEST(Server, StopLetsRequestsInFlightEnd) {
  std::promise<void> started, released;
  TestServer s([&](Request, Responder out) {
    started.set_value();
    released.get_future().wait();
    out.send({200, {}, "done", {}});
  });
  RawSocket idle(s.server->port());
  RawSocket busy(s.server->port());
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  started.get_future().wait();
  std::jthread stopper([&] { s.server->stop(60'000'000'000); });
  EXPECT_EQ(idle.read_all(), "");  // closed at once
  EXPECT_THROW(
      {
        for (;;) RawSocket(s.server->port());
      },
      std::runtime_error);  // nobody listens any more
  released.set_value();
  std::string answer = busy.read_all();
  EXPECT_TRUE(answer.ends_with("done"));
  stopper.join();
  s.server->stop(0);
  EXPECT_EQ(s.metric("weft_http_connections"), 0);
}

TEST(Server, StopWithoutGraceEndsWaitingHandlers) {
  std::promise<void> started;
  TestServer s([&](Request, Responder out) {
    out.begin(200, {});
    started.set_value();
    while (out.write(std::string(1'000'000, 'x'))) {
    }
  });
  RawSocket socket(s.server->port());  // reads nothing
  socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  started.get_future().wait();
  s.server->stop(0);
  EXPECT_EQ(s.metric("weft_http_requests_in_flight"), 0);
}

TEST(Server, NamesTheAddressThatIsTaken) {
  TestServer s(echo);
  Registry metrics;
  auto second = Server::listen({.port = s.server->port()}, echo, metrics);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::unavailable);
  EXPECT_NE(second.error().message().find("127.0.0.1:" + std::to_string(s.server->port())),
            std::string::npos);
  auto nowhere = Server::listen({.address = "192.0.2.1"}, echo, metrics);
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message().find("192.0.2.1"), std::string::npos);
}

}  // namespace
}  // namespace weft::net
