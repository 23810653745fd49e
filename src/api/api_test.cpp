// The HTTP and gRPC surface on a real store, over real sockets.

#include <gtest/gtest.h>

#include "api/testing/api_fixture.h"
#include "base/protozero.h"
#include "wire/otlp.h"

namespace weft::api {
namespace {

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
