#include <future>

#include "api/testing/api_fixture.h"
#include "net/grpc.h"

namespace weft::api {
namespace {

const std::string kCheck = "/grpc.health.v1.Health/Check";
constexpr std::string_view kServing = "\x08\x01", kNotServing = "\x08\x02";

// A HealthCheckRequest.
std::string asking(const std::string& service) {
  if (service.empty()) return "";
  return std::string("\x0a") + static_cast<char>(service.size()) + service;
}

class Admin : public Api {
 protected:
  // Every message of a watch, framed, when it has ended; its grpc-status behind a '|'.
  std::string watch(const std::string& service) {
    net::Client client;
    net::ClientRequest request;
    request.method = "POST";
    request.url = base_ + "/grpc.health.v1.Health/Watch";
    request.http2 = true;
    request.headers = {{"content-type", "application/grpc"}};
    request.body = net::grpc_frame(asking(service));
    auto r = client.send(request);
    if (!r) return r.error().message();
    return r->body + "|" + std::string(net::header(r->headers, "grpc-status"));
  }
  // Until the server holds that many.
  void await_watches(int count) {
    std::string line = "weft_health_watches " + std::to_string(count) + "\n";
    while (metrics_.render().find(line) == std::string::npos) std::this_thread::yield();
  }
  std::string frames(std::initializer_list<std::string_view> messages) {
    std::string out;
    for (std::string_view m : messages) out += net::grpc_frame(m);
    return out;
  }
};

TEST_F(Admin, StatusPages) {
  EXPECT_TRUE(get("/status/version").body.starts_with("weft, version 0.0.0 (revision: test)\n"));
  EXPECT_EQ(get("/status/services").body, "ingest => Running\nstorage => Running\nquery => Running\n");
  EXPECT_EQ(get("/services").body, get("/status/services").body);
  EXPECT_EQ(get("/status/config").body, "server: {}\n");
  auto endpoints = get("/status/endpoints").body;
  EXPECT_NE(endpoints.find("\nGET       /status/endpoints\n"), std::string::npos) << endpoints;
  EXPECT_NE(endpoints.find("\nGET,POST  /loki/api/v1/query_range\n"), std::string::npos) << endpoints;
  auto all = get("/status").body;
  for (const char* page : {"/status/version", "/status/services", "/status/endpoints", "/status/config"})
    EXPECT_NE(all.find("---\n" + get(page).body), std::string::npos) << page;
  EXPECT_EQ(get("/status/buildinfo").body, get("/api/status/buildinfo").body);
  EXPECT_EQ(get("/status/overrides").body,
            "no tenant has limits of its own; those of all tenants are in /status/config\n");
  EXPECT_EQ(get("/status/overrides/shop").body,
            "tenant shop has no limits of its own; those of all tenants are in /status/config\n");
  EXPECT_EQ(ask("POST", "/status").status, 405);
}

TEST_F(Admin, LimitsThatUsersSetAreNotEnabled) {
  for (const char* method : {"GET", "POST", "PATCH", "DELETE"})
    EXPECT_EQ(ask(method, "/api/overrides").status, 404) << method;
}

TEST_F(Admin, AStoppingServerSaysSo) {
  stopping_ = true;
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(get("/status/services").body, "ingest => Stopping\nstorage => Stopping\nquery => Stopping\n");
  auto check = client_.grpc(base_, kCheck, "");
  ASSERT_TRUE(check) << check.error().message();
  EXPECT_EQ(*check, kNotServing);
}

TEST_F(Admin, HealthOfServices) {
  for (const char* service : {"", "tempopb.StreamingQuerier", "grpc.health.v1.Health",
                              "opentelemetry.proto.collector.trace.v1.TraceService"}) {
    auto check = client_.grpc(base_, kCheck, asking(service));
    ASSERT_TRUE(check) << check.error().message();
    EXPECT_EQ(*check, kServing) << service;
  }
  for (const char* service : {"tempopb.Streaming", "loki/api/v1", "tempopb.StreamingQuerier/Search"}) {
    auto check = client_.grpc(base_, kCheck, asking(service));
    ASSERT_FALSE(check) << service;
    EXPECT_EQ(check.error().code(), Code::not_found);
  }
  auto wrong = client_.grpc(base_, kCheck, "\x0a\x05x");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), Code::invalid_argument);
}

TEST_F(Admin, HealthNeedsNoTenant) {
  start(true);
  EXPECT_TRUE(client_.grpc(base_, kCheck, ""));
}

TEST_F(Admin, HealthIsOnTheOtlpPortToo) {
  auto otlp = net::Server::listen({}, make_handler(*services_, Surface::otlp_grpc), metrics_);
  ASSERT_TRUE(otlp) << otlp.error().message();
  auto check = client_.grpc("http://127.0.0.1:" + std::to_string((*otlp)->port()), kCheck, "");
  ASSERT_TRUE(check) << check.error().message();
  EXPECT_EQ(*check, kServing);
}

TEST_F(Admin, WhoWatchesIsToldWhatChanges) {
  auto one = std::async(std::launch::async, [&] { return watch(""); });
  auto other = std::async(std::launch::async, [&] { return watch("tempopb.StreamingQuerier"); });
  auto unknown = std::async(std::launch::async, [&] { return watch("nosuch"); });
  await_watches(3);
  stopping_ = true;
  std::string end = "|14";  // unavailable
  // Between being counted and being told first the server may already stop.
  for (auto* watched : {&one, &other}) {
    std::string seen = watched->get();
    EXPECT_TRUE(seen == frames({kServing, kNotServing}) + end || seen == frames({kNotServing}) + end) << seen;
  }
  EXPECT_EQ(unknown.get(), frames({"\x08\x03"}) + end);
  await_watches(0);
}

TEST_F(Admin, AWatchEndsWithItsServer) {
  auto watched = std::async(std::launch::async, [&] { return watch(""); });
  await_watches(1);
  server_.reset();
  EXPECT_EQ(watched.get().find("|0"), std::string::npos);
  EXPECT_NE(metrics_.render().find("weft_health_watches 0\n"), std::string::npos);
}

}  // namespace
}  // namespace weft::api
