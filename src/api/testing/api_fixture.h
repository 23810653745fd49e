#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "api/routes.h"
#include "net/client.h"

// The HTTP and gRPC surface on a real store, over real sockets: what this module's tests share.

namespace weft::api {

inline constexpr std::int64_t kNow = 1'795'172'400'000'000'000;

class FixedClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return kNow; }
};

class Api : public ::testing::Test {
 protected:
  void SetUp() override { start(false); }

  // Starts anew, with nothing stored; `auth`: tenants must be named.
  void start(bool auth) {
    stop();
    char path[] = "/tmp/weft-api-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    storage::Options options;
    options.path = directory_ = path;
    auto store = storage::Store::open(options, files_, clock_, metrics_);
    ASSERT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    ASSERT_TRUE(store_->recover([](const storage::Frame&) -> Result<void> { return {}; }));
    pipeline_ = std::make_unique<ingest::Pipeline>(ingest::Options{}, *store_, clock_, metrics_);
    services_ = std::make_unique<Services>(Services{*store_, *pipeline_, clock_, metrics_, limits_, auth,
                                                    auth, "server: {}\n", "0.0.0", "test",
                                                    [this] { return stopping_.load(); }});
    auto server = net::Server::listen({}, make_handler(*services_, Surface::all), metrics_);
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    base_ = "http://127.0.0.1:" + std::to_string(server_->port());
  }

  void TearDown() override { stop(); }

  void stop() {
    server_.reset();
    services_.reset();
    pipeline_.reset();
    store_.reset();
    std::error_code error;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, error);
    ASSERT_FALSE(error) << error.message();
  }

  net::ClientResponse ask(std::string method, const std::string& path, std::string body = "",
                          net::Headers headers = {}) {
    net::ClientRequest request;
    request.method = std::move(method);
    request.url = base_ + path;
    request.body = std::move(body);
    request.headers = std::move(headers);
    auto response = client_.send(request);
    EXPECT_TRUE(response) << response.error().message();
    return response ? *response : net::ClientResponse{};
  }
  net::ClientResponse get(const std::string& path, net::Headers headers = {}) {
    return ask("GET", path, "", std::move(headers));
  }

  void push_log(const std::string& line, net::Headers headers = {}) {
    headers.emplace_back("content-type", "application/json");
    auto r = ask("POST", "/loki/api/v1/push",
                 R"({"streams":[{"stream":{"app":"api"},"values":[[")" + std::to_string(kNow - 1000) +
                     R"(",")" + line + R"("]]}]})",
                 headers);
    ASSERT_EQ(r.status, 204) << r.body;
  }

  // One server span "charge" of service "pay" that failed; `more` is JSON of further attributes.
  void push_span(net::Headers headers = {}, const std::string& more = "") {
    headers.emplace_back("content-type", "application/json");
    std::string span =
        R"({"traceId":"0000000000000000a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"charge",)"
        R"("kind":2,"startTimeUnixNano":")" +
        std::to_string(kNow - 5'000'000) + R"(","endTimeUnixNano":")" + std::to_string(kNow) +
        R"(","attributes":[{"key":"http.status_code","value":{"intValue":"200"}})" + more +
        R"(],"status":{"code":2}})";
    auto r = ask("POST", "/v1/traces",
                 R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":)"
                 R"({"stringValue":"pay"}}]},"scopeSpans":[{"spans":[)" +
                     span + "]}]}]}",
                 headers);
    ASSERT_EQ(r.status, 200) << r.body;
  }

  static inline const std::string kQuery = "/loki/api/v1/query_range?query=%7Bapp%3D%22api%22%7D";

  std::atomic<bool> stopping_ = false;
  Limits limits_;
  PosixFileSystem files_;
  FixedClock clock_;
  Registry metrics_;
  std::string directory_, base_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<ingest::Pipeline> pipeline_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<net::Server> server_;
  net::Client client_;
};

}  // namespace weft::api
