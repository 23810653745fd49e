#include "api/otlp/answers.h"
#include "api/testing/api_fixture.h"
#include "base/compress.h"

namespace weft::api {
namespace {

const std::string kSpan =
    R"({"traceId":"a3ce929d0e0e4736","id":"00f067aa0ba902b7","name":"charge","kind":"SERVER",)"
    R"("timestamp":1795172399000000,"duration":1500,"localEndpoint":{"serviceName":"pay"},)"
    R"("tags":{"error":"no money"}})";

class Zipkin : public Api {
 protected:
  net::ClientResponse push(const std::string& body, net::Headers headers = {}) {
    return ask("POST", "/api/v2/spans", body, std::move(headers));
  }
};

TEST_F(Zipkin, ASpanComesBack) {
  auto r = push("[" + kSpan + "]", {{"content-type", "application/json"}});
  EXPECT_EQ(r.status, 202) << r.body;
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(
      get("/api/traces/a3ce929d0e0e4736").body,
      R"({"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pay"}}]},)"
      R"("scopeSpans":[{"scope":{},"spans":[{"traceId":"AAAAAAAAAACjzpKdDg5HNg==",)"
      R"("spanId":"APBnqgupArc=","name":"charge","kind":"SPAN_KIND_SERVER",)"
      R"("startTimeUnixNano":"1795172399000000000","endTimeUnixNano":"1795172399001500000",)"
      R"("attributes":[{"key":"error","value":{"stringValue":"no money"}}],)"
      R"("status":{"message":"no money","code":"STATUS_CODE_ERROR"}}]}]}]})");
  auto found = get("/api/search?q=%7B%20status%20%3D%20error%20%7D");
  EXPECT_NE(found.body.find(R"("traceID":"a3ce929d0e0e4736")"), std::string::npos) << found.body;
}

TEST_F(Zipkin, SpansOutliveARestart) {
  std::vector<storage::FrameKind> kinds;
  ASSERT_EQ(push("[" + kSpan + "]").status, 202);
  server_.reset();
  ASSERT_TRUE(store_->close());
  services_.reset();
  pipeline_.reset();
  store_.reset();
  storage::Options options;
  options.path = directory_;
  auto store = storage::Store::open(options, files_, clock_, metrics_);
  ASSERT_TRUE(store) << store.error().message();
  store_ = std::move(*store);
  pipeline_ = std::make_unique<ingest::Pipeline>(ingest::Options{}, *store_, clock_, metrics_);
  auto report = store_->recover([&](const storage::Frame& frame) {
    kinds.push_back(frame.kind);
    return pipeline_->replay(frame);
  });
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(kinds, std::vector{storage::FrameKind::zipkin_json});
  SpanBatch trace;
  auto snapshot = store_->snapshot();
  ASSERT_TRUE(snapshot->trace(TenantId("fake"), *parse_trace_id("a3ce929d0e0e4736"), trace));
  EXPECT_EQ(trace.spans.at(0).name, "charge");
}

TEST_F(Zipkin, CompressedAndEmptyRequests) {
  auto gzip = compress(Codec::gzip, "[" + kSpan + "]");
  ASSERT_TRUE(gzip);
  EXPECT_EQ(push(*gzip, {{"content-encoding", "gzip"}}).status, 202);
  EXPECT_EQ(get("/api/traces/a3ce929d0e0e4736").status, 200);
  EXPECT_EQ(push("[]").status, 202);
}

TEST_F(Zipkin, OneBadSpanDoesNotRefuseItsNeighbours) {
  EXPECT_EQ(push(R"([{"traceId":"xyz","id":"1"},)" + kSpan + "]").status, 202);
  EXPECT_EQ(get("/api/traces/a3ce929d0e0e4736").status, 200);
  auto none = push(R"([{"traceId":"xyz","id":"1"}])");
  EXPECT_EQ(none.status, 400);
  EXPECT_NE(none.body.find("trace ids must be 1 to 32 hex digits"), std::string::npos) << none.body;
}

TEST_F(Zipkin, WhatCannotBeRead) {
  auto bad = push("[{");
  EXPECT_EQ(bad.status, 400);
  EXPECT_TRUE(bad.body.starts_with("body is not valid JSON")) << bad.body;
  EXPECT_EQ(push("{}").body, "body must be a JSON array\n");
  auto protobuf = push("x", {{"content-type", "application/x-protobuf"}});
  EXPECT_EQ(protobuf.status, 415);
  EXPECT_EQ(protobuf.body, "Zipkin spans are read as JSON only: send them as application/json\n");
  EXPECT_EQ(push("[]", {{"content-encoding", "odd"}}).status, 400);
  EXPECT_EQ(push("x", {{"content-type", "application/x-thrift"}}).status, 415);
  auto v1 = ask("POST", "/api/v1/spans", "[]");
  EXPECT_EQ(v1.status, 415);
  EXPECT_EQ(v1.body, "Zipkin v1 spans are not read here: send v2 JSON to /api/v2/spans\n");
  EXPECT_EQ(get("/api/v2/spans").status, 405);
}

TEST_F(Zipkin, SpansBelongToTheirTenant) {
  start(true);
  EXPECT_EQ(push("[" + kSpan + "]").status, 401);
  EXPECT_EQ(push("[" + kSpan + "]", {{"x-scope-orgid", "a"}}).status, 202);
  EXPECT_EQ(get("/api/traces/a3ce929d0e0e4736", {{"x-scope-orgid", "a"}}).status, 200);
  EXPECT_EQ(get("/api/traces/a3ce929d0e0e4736", {{"x-scope-orgid", "b"}}).status, 404);
}

TEST(ZipkinAnswer, SaysWhenToComeAgain) {
  ingest::Outcome busy;
  busy.result = Error(Code::resource_exhausted, "too fast");
  busy.retry_after_seconds = 5;
  net::Response r = zipkin_answer(busy);
  EXPECT_EQ(r.status, 429);
  EXPECT_EQ(r.body, "too fast\n");
  EXPECT_EQ(net::header(r.headers, "retry-after"), "5");
}

}  // namespace
}  // namespace weft::api
