#include "net/server.h"

#include <gtest/gtest.h>

#include "net/client.h"
#include "net/grpc.h"

namespace weft::net {
namespace {

struct Fixture {
  explicit Fixture(Handler handler, ServerOptions options = {}) {
    auto made = Server::listen(std::move(options), std::move(handler), metrics);
    EXPECT_TRUE(made) << made.error().message();
    server = std::move(*made);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
  Registry metrics;
  std::unique_ptr<Server> server;
};

TEST(Server, AnswersGet) {
  Fixture f(
      [](Request r, Responder out) { out.send({200, {}, r.method + " " + r.path + "?" + r.query, {}}); });
  Client client;
  for (int i = 0; i < 3; ++i) {
    auto got = client.send({.url = f.url() + "//a//b/?x=1"});
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, "GET /a/b?x=1");
  }
  auto got = client.send({.url = f.url() + "/h2", .http2 = true});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->body, "GET /h2?");
}

TEST(Server, GrpcUnary) {
  Fixture f([](Request r, Responder out) {
    auto message = grpc_message(r, {});
    if (!message) return grpc_error(out, message.error());
    if (*message == "bad") return grpc_error(out, Error(Code::not_found, "no 100% ünit"));
    grpc_reply(out, "echo " + *message);
  });
  Client client;
  auto got = client.grpc(f.url(), "/pkg.Service/Call", "hello");
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, "echo hello");
  auto bad = client.grpc(f.url(), "/pkg.Service/Call", "bad");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), Code::not_found);
  EXPECT_EQ(bad.error().message(), "no 100% ünit");
}

}  // namespace
}  // namespace weft::net
