#include "net/grpc.h"

#include <gtest/gtest.h>

#include "net/client.h"
#include "net/http2/client.h"
#include "net/server/testing.h"

namespace weft::net {
namespace {

Request call(std::string body, std::string encoding = "") {
  Request request{.method = "POST", .body = std::move(body), .http2 = true};
  request.headers = {{"content-type", "application/grpc"}};
  if (!encoding.empty()) request.headers.emplace_back("grpc-encoding", std::move(encoding));
  return request;
}

std::string compressed_frame(Codec codec, std::string_view message) {
  std::string frame = grpc_frame(*compress(codec, message));
  frame[0] = 1;
  return frame;
}

TEST(Grpc, IsToldByContentType) {
  auto is = [](std::string type, std::string method, bool http2) {
    return is_grpc(
        {.method = std::move(method), .headers = {{"content-type", std::move(type)}}, .http2 = http2});
  };
  EXPECT_TRUE(is("application/grpc", "POST", true));
  EXPECT_TRUE(is("application/grpc+proto", "POST", true));
  EXPECT_TRUE(is("application/grpc;charset=utf-8", "POST", true));
  EXPECT_FALSE(is("application/grpc-web", "POST", true));
  EXPECT_FALSE(is("application/grpc", "GET", true));
  EXPECT_FALSE(is("application/grpc", "POST", false));
  EXPECT_FALSE(is("", "POST", true));
}

TEST(Grpc, UnpacksEveryEncoding) {
  std::string text(10'000, 'x');
  struct Case {
    std::string encoding;
    Codec codec;
  };
  for (const Case& c : {Case{"gzip", Codec::gzip}, {"zstd", Codec::zstd}, {"snappy", Codec::snappy_framed}}) {
    auto got = grpc_message(call(compressed_frame(c.codec, text), c.encoding), {});
    ASSERT_TRUE(got) << c.encoding << got.error().message();
    EXPECT_EQ(*got, text);
    got = grpc_message(call(grpc_frame("plain"), c.encoding), {});  // one message may be left as it is
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, "plain");
  }
  auto empty = grpc_message(call(grpc_frame("")), {});
  ASSERT_TRUE(empty);
  EXPECT_EQ(*empty, "");
}

TEST(Grpc, RefusesWhatIsNotOneMessage) {
  struct Case {
    Request request;
    Code code;
  };
  std::string flagged = grpc_frame("x");
  flagged[0] = 2;
  std::string lying = grpc_frame("x");
  lying[0] = 1;
  for (const Case& c :
       {Case{call(""), Code::invalid_argument},
        {call(std::string(4, '\0')), Code::invalid_argument},
        {call(grpc_frame("abc").substr(0, 7)), Code::invalid_argument},
        {call(grpc_frame("a") + grpc_frame("b")), Code::invalid_argument},
        {call(std::string("\0\xff\xff\xff\xff", 5)), Code::invalid_argument},
        {call(flagged), Code::invalid_argument},
        {call(lying), Code::invalid_argument},
        {call(lying, "gzip"), Code::invalid_argument},
        {call(grpc_frame("x"), "rot13"), Code::unimplemented},
        {call(compressed_frame(Codec::gzip, std::string(100'000, 'x')), "gzip"), Code::resource_exhausted}}) {
    auto got = grpc_message(c.request, {.output_bytes_max = 50'000});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), c.code) << got.error().message();
  }
}

TEST(Grpc, EveryErrorArrivesAsItself) {
  TestServer s([](Request r, Responder out) {
    auto message = grpc_message(r, {});
    if (!message) return grpc_error(out, message.error());
    if (message->empty()) return grpc_reply(out, "echo");
    grpc_error(out, Error(static_cast<Code>((*message)[0] - 'a'), "100% of \"ünits\"\n failed"), "details");
  });
  Client client;
  for (Code code : {Code::invalid_argument, Code::not_found, Code::already_exists, Code::permission_denied,
                    Code::unauthenticated, Code::resource_exhausted, Code::deadline_exceeded, Code::cancelled,
                    Code::unavailable, Code::unimplemented, Code::corrupted, Code::internal}) {
    auto got =
        client.grpc(s.url(), "/a.B/Call", std::string(1, static_cast<char>('a' + static_cast<int>(code))));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code(), code);
    EXPECT_EQ(got.error().message(), "100% of \"ünits\"\n failed");
  }
  auto got = client.grpc(s.url(), "/a.B/Call", "");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, "echo");
  EXPECT_EQ(s.metric("weft_http_connections"), 1);  // all of it
}

TEST(Grpc, ErrorsAreTrailersOnlyWithDetails) {
  TestServer s([](Request, Responder out) {
    grpc_error(out, Error(Code::not_found, "no"), std::string("\x08\x05\xff", 3));
  });
  Client client;
  auto got = client.send({.method = "POST",
                          .url = s.url() + "/a.B/Call",
                          .headers = {{"content-type", "application/grpc"}},
                          .body = grpc_frame(""),
                          .http2 = true});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(header(got->headers, "grpc-status"), "5");
  EXPECT_EQ(header(got->headers, "grpc-message"), "no");
  EXPECT_EQ(header(got->headers, "grpc-status-details-bin"), "CAX/");
  EXPECT_EQ(header(got->headers, "content-length"), "");
}

TEST(Grpc, FailuresOfTheServerHaveAStatus) {
  TestServer s(
      [](Request r, Responder) {
        if (r.path == "/bug") throw std::runtime_error("a bug");
      },
      {.body_bytes_max = 1000});
  Client client;
  EXPECT_EQ(client.grpc(s.url(), "/bug", "").error().code(), Code::internal);
  EXPECT_EQ(client.grpc(s.url(), "/forgot", "").error().code(), Code::internal);
  EXPECT_EQ(client.grpc(s.url(), "/big", std::string(2000, 'x')).error().code(), Code::resource_exhausted);
}

TEST(Grpc, StreamsMessages) {
  TestServer s([](Request r, Responder out) {
    GrpcStream stream(out);
    if (r.path == "/early") return stream.fail(Error(Code::invalid_argument, "early"));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(stream.message("message " + std::to_string(i)));
    if (r.path == "/late") return stream.fail(Error(Code::unavailable, "late"));
    stream.end();
  });
  Client client;
  auto status = [&](const std::string& path) {
    auto got = client.send({.method = "POST",
                            .url = s.url() + path,
                            .headers = {{"content-type", "application/grpc"}},
                            .body = grpc_frame(""),
                            .http2 = true});
    return got ? std::string(header(got->headers, "grpc-status")) + " " + got->body : got.error().message();
  };
  std::string three = grpc_frame("message 0") + grpc_frame("message 1") + grpc_frame("message 2");
  EXPECT_EQ(status("/fine"), "0 " + three);
  EXPECT_EQ(status("/late"), "14 " + three);
  EXPECT_EQ(status("/early"), "3 ");
}

TEST(Grpc, AnswersThatAreNotGrpc) {
  TestServer s([](Request, Responder out) { out.send({503, {}, "busy", {}}); });
  Client client;
  auto got = client.grpc(s.url(), "/a.B/Call", "");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::unavailable);
}

}  // namespace
}  // namespace weft::net
