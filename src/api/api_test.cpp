// The HTTP and gRPC surface on a real store, over real sockets.

#include <cstdlib>
#include <future>

#include <gtest/gtest.h>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "api/routes.h"
#include "net/client.h"
#include "wire/otlp.h"

namespace weft::api {
namespace {

constexpr std::int64_t kNow = 1'795'172'400'000'000'000;

class FixedClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return kNow; }
};

class Api : public ::testing::Test {
 protected:
  void SetUp() override { start(false); }

  void start(bool auth) {
    server_.reset();
    services_.reset();
    pipeline_.reset();
    store_.reset();
    char path[] = "/tmp/weft-api-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    storage::Options options;
    options.path = directory_ = path;
    auto store = storage::Store::open(options, files_, clock_, metrics_);
    ASSERT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    ASSERT_TRUE(store_->recover([](const storage::Frame&) -> Result<void> { return {}; }));
    pipeline_ = std::make_unique<ingest::Pipeline>(ingest::Options{}, *store_, clock_, metrics_);
    services_ =
        std::make_unique<Services>(Services{*store_, *pipeline_, clock_, metrics_, Limits{}, auth, auth,
                                            "server: {}\n", "0.0.0", "test", [] { return false; }});
    auto server = net::Server::listen({}, make_handler(*services_, Surface::all), metrics_);
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    base_ = "http://127.0.0.1:" + std::to_string(server_->port());
  }

  void TearDown() override {
    server_.reset();
    services_.reset();
    pipeline_.reset();
    store_.reset();
    ASSERT_EQ(std::system(("rm -rf " + directory_).c_str()), 0);
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

  void push_span(net::Headers headers = {}) {
    headers.emplace_back("content-type", "application/json");
    std::string span =
        R"({"traceId":"0000000000000000a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"charge",)"
        R"("kind":2,"startTimeUnixNano":")" +
        std::to_string(kNow - 5'000'000) + R"(","endTimeUnixNano":")" + std::to_string(kNow) +
        R"(","attributes":[{"key":"http.status_code","value":{"intValue":"200"}}],"status":{"code":2}})";
    auto r = ask("POST", "/v1/traces",
                 R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":)"
                 R"({"stringValue":"pay"}}]},"scopeSpans":[{"spans":[)" +
                     span + "]}]}]}",
                 headers);
    ASSERT_EQ(r.status, 200) << r.body;
  }

  static inline const std::string kQuery = "/loki/api/v1/query_range?query=%7Bapp%3D%22api%22%7D";

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

TEST_F(Api, Operations) {
  EXPECT_EQ(get("/ready").body, "ready\n");
  EXPECT_EQ(get("/api/echo").body, "echo");
  EXPECT_NE(get("/metrics").body.find("weft_http_request_seconds_count"), std::string::npos);
  EXPECT_NE(get("/loki/api/v1/status/buildinfo").body.find("\"version\":\"3."), std::string::npos);
  EXPECT_EQ(get("/nosuch").status, 404);
  EXPECT_NE(get("/metrics").body.find("weft_http_responses_total{status=\"4xx\"} 1\n"), std::string::npos);
  EXPECT_EQ(ask("DELETE", "/ready").status, 405);
  EXPECT_EQ(get("//api//echo/").body, "echo");
}

TEST_F(Api, ALogLineComesBack) {
  push_log("hello");
  auto r = get(kQuery);
  EXPECT_EQ(r.status, 200);
  EXPECT_NE(r.body.find("\"hello\""), std::string::npos) << r.body;
  EXPECT_LT(r.body.find("resultType"), r.body.find("\"result\":"));
  EXPECT_LT(r.body.find("\"result\":"), r.body.find("\"stats\""));
  EXPECT_EQ(get("/loki/api/v1/label/app/values").body, "{\"status\":\"success\",\"data\":[\"api\"]}\n");
  EXPECT_EQ(get("/loki/api/v1/label/nosuch/values").body, "{\"status\":\"success\"}\n");
  EXPECT_NE(get("/loki/api/v1/index/stats?query=%7Bapp%3D%22api%22%7D").body.find("\"entries\":1"),
            std::string::npos);
}

TEST_F(Api, CategoriesOnlyWhenAskedFor) {
  push_log("level=error hello");
  EXPECT_EQ(get(kQuery).body.find("structuredMetadata"), std::string::npos);
  auto r = get(kQuery, {{"X-Loki-Response-Encoding-Flags", "categorize-labels"}});
  EXPECT_NE(r.body.find(R"({"structuredMetadata":{"detected_level":"error"}})"), std::string::npos) << r.body;
  EXPECT_NE(r.body.find(R"("encodingFlags":["categorize-labels"],"result")"), std::string::npos);
}

TEST_F(Api, LogErrorsArePlainText) {
  auto r = get("/loki/api/v1/query_range?query=%7Bapp");
  EXPECT_EQ(r.status, 400);
  EXPECT_TRUE(r.body.starts_with("parse error at line 1, col 5")) << r.body;
  EXPECT_TRUE(net::header(r.headers, "content-type").starts_with("text/plain"));
}

TEST_F(Api, GrafanasHealthCheck) {
  auto r = get("/loki/api/v1/query?direction=backward&query=vector(1)%2Bvector(1)&time=4000000000");
  EXPECT_NE(r.body.find(R"("result":[{"metric":{},"value":[4000000000,"2"]}])"), std::string::npos) << r.body;
}

TEST_F(Api, ATraceInEveryForm) {
  push_span();
  auto v1 = get("/api/traces/A3CE929D0E0E4736");
  EXPECT_EQ(v1.status, 200);
  EXPECT_NE(v1.body.find(R"("batches":[{"resource":{"attributes":[{"key":"service.name")"),
            std::string::npos);
  EXPECT_NE(v1.body.find(R"("traceId":"AAAAAAAAAACjzpKdDg5HNg==")"), std::string::npos) << v1.body;
  EXPECT_NE(v1.body.find(R"("scope":{})"), std::string::npos);

  auto protobuf = get("/api/traces/a3ce929d0e0e4736", {{"Accept", "application/protobuf"}});
  SpanBatch spans;
  std::vector<wire::RejectedSpan> rejected;
  ASSERT_TRUE(wire::decode_otlp_traces(protobuf.body, spans, rejected));
  ASSERT_EQ(spans.spans.size(), 1u);
  EXPECT_EQ(spans.spans[0].name, "charge");

  auto v2 = get("/api/v2/traces/a3ce929d0e0e4736", {{"Accept", "application/protobuf"}});
  protozero::pbf_reader reader(v2.body);
  ASSERT_TRUE(reader.next(1));
  EXPECT_EQ(reader.get_string(), protobuf.body);
}

TEST_F(Api, ATraceThatIsNotThere) {
  EXPECT_EQ(get("/api/traces/1").status, 404);
  EXPECT_EQ(get("/api/v2/traces/1").body, R"({"trace":{},"metrics":{}})");
  auto v2 = get("/api/v2/traces/1", {{"Accept", "application/protobuf"}});
  protozero::pbf_reader reader(v2.body);
  ASSERT_TRUE(reader.next(1));  // Grafana dereferences it
  EXPECT_EQ(get("/api/traces/zz").status, 400);
  EXPECT_EQ(get("/api/traces/" + std::string(33, 'a')).status, 400);
}

TEST_F(Api, SearchOverHttpAndGrpc) {
  push_span();
  auto r = get("/api/search?q=%7B%20status%20%3D%20error%20%7D");
  EXPECT_NE(r.body.find(R"("traceID":"a3ce929d0e0e4736")"), std::string::npos) << r.body;
  EXPECT_NE(r.body.find(R"("serviceStats":{"pay":{"spanCount":1,"errorCount":1}})"), std::string::npos);

  std::string message;
  protozero::pbf_writer request(message);
  request.add_string(8, "{ status = error }");
  request.add_uint32(4, 20);
  auto answer = client_.grpc(base_, "/tempopb.StreamingQuerier/Search", message);
  ASSERT_TRUE(answer) << answer.error().message();
  protozero::pbf_reader reader(*answer);
  ASSERT_TRUE(reader.next(1));
  protozero::pbf_reader trace = reader.get_message();
  ASSERT_TRUE(trace.next(1));
  EXPECT_EQ(trace.get_string(), "a3ce929d0e0e4736");

  auto refused = client_.grpc(base_, "/tempopb.StreamingQuerier/Search", std::string("\x42\x03{ x", 5));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid_argument);
}

TEST_F(Api, AnEmptySearchStreamHasOneMessageWithMetrics) {
  std::string message;
  protozero::pbf_writer(message).add_string(8, "{}");
  auto answer = client_.grpc(base_, "/tempopb.StreamingQuerier/Search", message);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_TRUE(protozero::pbf_reader(*answer).next(2));
}

TEST_F(Api, TenantsNeverSeeEachOther) {
  start(true);
  net::Headers a = {{"X-Scope-OrgID", "a"}}, b = {{"X-Scope-OrgID", "b"}};
  push_log("secret of a", a);
  push_span(a);
  EXPECT_EQ(get(kQuery).status, 401);
  EXPECT_EQ(get(kQuery).body, "no org id");
  EXPECT_NE(get(kQuery, a).body.find("secret of a"), std::string::npos);
  EXPECT_EQ(get(kQuery, b).body.find("secret of a"), std::string::npos);
  EXPECT_EQ(get("/api/traces/a3ce929d0e0e4736", a).status, 200);
  EXPECT_EQ(get("/api/traces/a3ce929d0e0e4736", b).status, 404);
  EXPECT_EQ(get("/api/search?q=%7B%7D", b).body.find("traceID"), std::string::npos);
  EXPECT_EQ(get(kQuery, {{"X-Scope-OrgID", "../a"}}).status, 400);
  EXPECT_EQ(get("/ready").status, 200);
}

}  // namespace
}  // namespace weft::api
