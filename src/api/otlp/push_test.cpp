#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "api/otlp/otlp.h"
#include "net/client.h"
#include "wire/otlp.h"

// The write side's handlers behind a real server, in front of a real store.

namespace weft::api {
namespace {

constexpr std::string_view kTraces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr std::string_view kLogs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

class Push : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "push-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    auto store = storage::Store::open({.path = directory_}, files_, clock_, metrics_);
    ASSERT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    ingest::Options options;
    options.limits.span_bytes_per_second = 1e6;
    options.limits.span_burst_bytes = 2000;
    pipeline_ = std::make_unique<ingest::Pipeline>(options, *store_, clock_, metrics_);
    services_ = std::make_unique<Services>(Services{*store_, *pipeline_, clock_, metrics_, Limits()});
    auto server = net::Server::listen(
        {}, [this](net::Request r, net::Responder to) { serve(std::move(r), to); }, metrics_);
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    base_ = "http://127.0.0.1:" + std::to_string(server_->port());
  }
  void TearDown() override {
    server_.reset();
    pipeline_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void serve(net::Request request, const net::Responder& responder) {
    const std::pair<std::string_view, HandlerFunction> kRoutes[] = {
        {"/v1/traces", otlp_http_traces}, {"/v1/logs", otlp_http_logs}, {"/otlp/v1/logs", loki_otlp_logs},
        {"/loki/api/v1/push", loki_push}, {kTraces, otlp_grpc_traces},  {kLogs, otlp_grpc_logs}};
    for (auto [path, handler] : kRoutes) {
      if (request.path != path) continue;
      Call call{*services_, std::move(request), responder, "fake", ""};
      return handler(call);
    }
  }

  net::ClientResponse post(const std::string& path, const std::string& type, std::string body,
                           const std::string& encoding = "") {
    net::ClientRequest request;
    request.method = "POST";
    request.url = base_ + path;
    request.headers = {{"content-type", type}};
    if (!encoding.empty()) request.headers.emplace_back("content-encoding", encoding);
    request.body = std::move(body);
    auto answer = client_.send(request);
    EXPECT_TRUE(answer) << answer.error().message();
    return answer ? *answer : net::ClientResponse();
  }

  std::string directory_;
  PosixFileSystem files_;
  SystemClock clock_;
  Registry metrics_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<ingest::Pipeline> pipeline_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<net::Server> server_;
  std::string base_;
  net::Client client_;
};

SpanBatch span_batch(std::string_view name) {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  Span span;
  span.trace_id = *parse_trace_id("4bf92f3577b34da6a3ce929d0e0e4736");
  span.span_id = *parse_span_id("00f067aa0ba902b7");
  span.name = name;
  batch.spans.push_back(span);
  return batch;
}

TEST_F(Push, Loki) {
  std::string now = std::to_string(clock_.now_ns());
  std::string body = R"({"streams":[{"stream":{"app":"x"},"values":[[")" + now + R"(","a line"]]}]})";
  net::ClientResponse r = post("/loki/api/v1/push", "application/json", body);
  EXPECT_EQ(r.status, 204);
  EXPECT_EQ(r.body, "");
  r = post("/loki/api/v1/push", "application/json", *compress(Codec::gzip, body), "gzip");
  EXPECT_EQ(r.status, 204);
  r = post("/loki/api/v1/push", "application/json",
           R"({"streams":[{"stream":{"app":"x"},"values":[["0","old"]]}]})");
  EXPECT_EQ(r.status, 400);
  EXPECT_TRUE(
      r.body.starts_with("entry for stream '{app=\"x\", service_name=\"x\"}' has timestamp too old: 1970"))
      << r.body;
  EXPECT_TRUE(r.body.ends_with("Z\n"));
  r = post("/loki/api/v1/push", "application/json", R"({"streams":[]})");
  EXPECT_EQ(r.status, 422);
}

TEST_F(Push, OtlpHttp) {
  std::string body = wire::encode_otlp_traces(span_batch("one"));
  net::ClientResponse r = post("/v1/traces", "application/x-protobuf", body);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "");
  r = post("/v1/traces", "application/x-protobuf", *compress(Codec::zstd, body), "zstd");
  EXPECT_EQ(r.status, 200);
  r = post("/v1/traces", "application/json", "{}");
  EXPECT_EQ(r.body, R"({"partialSuccess":{}})");
  r = post("/v1/traces", "application/x-protobuf",
           wire::encode_otlp_traces(span_batch(std::string(3000, 'x'))));
  EXPECT_EQ(r.status, 429);
  EXPECT_EQ(net::header(r.headers, "retry-after"), "5");
  SpanBatch out;
  EXPECT_TRUE(store_->snapshot()->trace("fake", *parse_trace_id("4bf92f3577b34da6a3ce929d0e0e4736"), out));
  EXPECT_EQ(post("/v1/logs", "application/json", "{}").body, R"({"partialSuccess":{}})");
  EXPECT_EQ(post("/otlp/v1/logs", "application/json", "{}").status, 204);
}

TEST_F(Push, OtlpGrpc) {
  auto r = client_.grpc(base_, std::string(kTraces), wire::encode_otlp_traces(span_batch("one")));
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(*r, "");
  r = client_.grpc(base_, std::string(kTraces), "\x0a\xff");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code(), Code::invalid_argument);
  r = client_.grpc(base_, std::string(kTraces), wire::encode_otlp_traces(span_batch(std::string(3000, 'x'))));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code(), Code::resource_exhausted);
  EXPECT_TRUE(r.error().message().starts_with("RATE_LIMITED: batch size (")) << r.error().message();
  wire::OtlpLogs logs;
  logs.resources.emplace_back();
  logs.scopes.emplace_back();
  logs.records.push_back({.time_ns = 5, .body = Value::of(std::string_view("old"))});
  logs.records.push_back({.body = Value::of(std::string_view("new"))});
  r = client_.grpc(base_, std::string(kLogs), wire::encode_otlp_logs(logs));
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_NE(r->find("has timestamp too old"), std::string::npos);  // partial success
}

}  // namespace
}  // namespace weft::api
