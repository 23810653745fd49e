#include "api/tempo/trace_groups.h"
#include "api/testing/api_fixture.h"

namespace weft::api {
namespace {

const net::Headers kLlm = {{"Accept", "application/vnd.grafana.llm"}};

class Trace : public Api {
 protected:
  void push(const std::string& json) {
    auto r = ask("POST", "/v1/traces", json, {{"content-type", "application/json"}});
    ASSERT_EQ(r.status, 200) << r.body;
  }
};

TEST_F(Trace, ForLanguageModels) {
  push(R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},
    {"key":"replicas","value":{"intValue":"3"}}]},"scopeSpans":[{"scope":{"name":"http","version":"1.2"},"spans":[
    {"traceId":"0000000000000000a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"GET /","kind":2,
     "startTimeUnixNano":"1795172390000000000","endTimeUnixNano":"1795172390001500000"},
    {"traceId":"0000000000000000a3ce929d0e0e4736","spanId":"00f067aa0ba902b8","parentSpanId":"00f067aa0ba902b7",
     "name":"pay","kind":3,"startTimeUnixNano":"1795172390000000100","endTimeUnixNano":"1795172390000000100",
     "attributes":[{"key":"ok","value":{"boolValue":false}},{"key":"list","value":{"arrayValue":{"values":[
       {"stringValue":"a"},{"doubleValue":0.5}]}}}],
     "events":[{"timeUnixNano":"1795172390000000100","name":"exception","attributes":[
       {"key":"exception.message","value":{"stringValue":"no \"money\""}}]}],
     "links":[{"traceId":"000000000000000000000000000000aa","spanId":"00000000000000bb"}],
     "status":{"code":2,"message":"declined"}}]}]}]})");
  auto r = get("/api/v2/traces/a3ce929d0e0e4736", kLlm);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(net::header(r.headers, "content-type"), "application/vnd.grafana.llm+json");
  EXPECT_EQ(
      r.body,
      R"({"trace":{"traceId":"0000000000000000a3ce929d0e0e4736","services":[{"serviceName":"shop",)"
      R"("resource":{"replicas":3,"service.name":"shop"},"scopes":[{"name":"http","version":"1.2","spans":[)"
      R"({"spanId":"00f067aa0ba902b7","name":"GET /","parentSpanId":"","kind":"SPAN_KIND_SERVER",)"
      R"("startTimeUnixNano":"1795172390000000000","endTimeUnixNano":"1795172390001500000","durationMs":1.5,)"
      R"("status":{"code":"STATUS_CODE_UNSET","message":""}},)"
      R"({"spanId":"00f067aa0ba902b8","name":"pay","parentSpanId":"00f067aa0ba902b7",)"
      R"("kind":"SPAN_KIND_CLIENT","startTimeUnixNano":"1795172390000000100",)"
      R"("endTimeUnixNano":"1795172390000000100","durationMs":0,"attributes":{"list":["a",0.5],"ok":false},)"
      R"("events":[{"name":"exception","timeUnixNano":"1795172390000000100",)"
      R"("attributes":{"exception.message":"no \"money\""}}],)"
      R"("links":[{"traceId":"000000000000000000000000000000aa","spanId":"00000000000000bb"}],)"
      R"("status":{"code":"STATUS_CODE_ERROR","message":"declined"}}]}]}]},)"
      R"("metrics":{},"status":"COMPLETE","message":""})");
  EXPECT_EQ(get("/api/v2/traces/1", kLlm).body,
            R"({"trace":{},"metrics":{},"status":"COMPLETE","message":""})");
  // v1 has no such form.
  EXPECT_TRUE(get("/api/traces/a3ce929d0e0e4736", kLlm).body.starts_with(R"({"batches":[)"));
}

TEST(TraceGroups, FollowTheFirstSpanOfEach) {
  SpanBatch trace;
  trace.resources.resize(2);
  trace.scopes.resize(2);
  for (auto [resource, scope] : {std::pair{1u, 1u}, {0u, 0u}, {1u, 0u}, {1u, 1u}, {0u, 0u}}) {
    Span& s = trace.spans.emplace_back();
    s.resource = resource;
    s.scope = scope;
  }
  std::string text;
  for (const tempo::ResourceGroup& r : tempo::group_spans(trace)) {
    text += "r" + std::to_string(r.resource);
    for (const tempo::ScopeGroup& s : r.scopes) {
      text += " s" + std::to_string(s.scope) + ":";
      for (const Span* span : s.spans) text += std::to_string(span - trace.spans.data());
    }
    text += "; ";
  }
  EXPECT_EQ(text, "r1 s1:03 s0:2; r0 s0:14; ");
  EXPECT_TRUE(tempo::group_spans(SpanBatch()).empty());
}

}  // namespace
}  // namespace weft::api
