// Loki's endpoints beyond queries and push, over real sockets.

#include "api/testing/api_fixture.h"

namespace weft::api {
namespace {

class Loki : public Api {
 protected:
  // {"stream": labels, "values": [[time, line, metadata]]}
  void push(const std::string& labels, std::int64_t time_ns, const std::string& line,
            const std::string& metadata = "{}") {
    auto r = ask("POST", "/loki/api/v1/push",
                 R"({"streams":[{"stream":)" + labels + R"(,"values":[[")" + std::to_string(time_ns) +
                     R"(",")" + line + R"(",)" + metadata + "]]}]}",
                 {{"content-type", "application/json"}});
    ASSERT_EQ(r.status, 204) << r.body;
  }
  static constexpr std::int64_t kMinute = 60'000'000'000;
  static inline const std::string kApp = "?query=%7Bapp%3D%22a%22%7D";
};

TEST_F(Loki, DetectedFields) {
  push(R"({"app":"a","level":"info"})", kNow - 3, R"({\"level\":\"INFO\",\"n\":1,\"in\":{\"ms\":1.5}})",
       R"({"user":"u"})");
  EXPECT_EQ(get("/loki/api/v1/detected_fields" + kApp).body,
            R"({"fields":[{"label":"detected_level","type":"string","cardinality":1,"parsers":null},)"
            R"({"label":"in_ms","type":"float","cardinality":1,"parsers":["json"],"jsonPath":["in","ms"]},)"
            R"({"label":"level_extracted","type":"string","cardinality":1,"parsers":["json"],"jsonPath":["level"]},)"
            R"({"label":"n","type":"int","cardinality":1,"parsers":["json"],"jsonPath":["n"]},)"
            R"({"label":"user","type":"string","cardinality":1,"parsers":null}],"limit":1000})");
  EXPECT_EQ(get("/loki/api/v1/detected_fields?query=%7B").status, 400);
  EXPECT_EQ(get("/loki/api/v1/detected_fields" + kApp + "&line_limit=-1").body,
            "line_limit must be a positive value");
}

TEST_F(Loki, DetectedFieldValues) {
  push(R"({"app":"a"})", kNow - 2, "method=POST took=3s");
  push(R"({"app":"a"})", kNow - 1, "method=GET took=3s");
  EXPECT_EQ(get("/loki/api/v1/detected_field/method/values" + kApp).body,
            R"({"values":["GET","POST"],"limit":1000})");
  EXPECT_EQ(get("/loki/api/v1/detected_field/method/values" + kApp + "&limit=1").body,
            R"({"values":["GET"],"limit":1})");
  EXPECT_EQ(get("/loki/api/v1/detected_field/method/values" + kApp + "&line_limit=1").body,
            R"({"values":["GET"],"limit":1000})");
  EXPECT_EQ(get("/loki/api/v1/detected_field/nosuch/values" + kApp).body, R"({"values":[],"limit":1000})");
}

TEST_F(Loki, DetectedLabelsLeaveIdsOut) {
  push(R"({"app":"a","pod":"1","number":"17","flag":"0","id":"0b7d4cd0-4f2e-4a53-8b6f-6b1f3b0f2a11"})", kNow - 2,
       "x");
  push(R"({"app":"b"})", kNow - 1, "x");
  EXPECT_EQ(get("/loki/api/v1/detected_labels").body,
            R"({"detectedLabels":[{"label":"app","cardinality":2},{"label":"flag","cardinality":1},)"
            R"({"label":"pod","cardinality":1},{"label":"service_name","cardinality":2}]})");
  EXPECT_EQ(get("/loki/api/v1/detected_labels?query=%7Bapp%3D%22nosuch%22%7D").body,
            R"({"detectedLabels":[]})");
}

TEST_F(Loki, VolumeRange) {
  push(R"({"app":"a"})", kNow - 9 * kMinute, "12345");
  push(R"({"app":"a"})", kNow - kMinute, "1");
  push(R"({"app":"b"})", kNow - kMinute, "1234567");
  std::string start = std::to_string((kNow - 10 * kMinute) / 1'000'000'000);
  auto at = [](std::int64_t ns) { return std::to_string(ns / 1'000'000'000); };
  auto r = get("/loki/api/v1/index/volume_range?query=%7Bapp%3D~%22.%2B%22%7D&step=300&start=" + start);
  EXPECT_TRUE(r.body.starts_with(
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"app":"b"},"values":[[)" + at(kNow) +
      R"(,"7"]]},{"metric":{"app":"a"},"values":[[)" + at(kNow - 5 * kMinute) + R"(,"5"],[)" + at(kNow) +
      R"(,"1"]]}],"stats":)"))
      << r.body;
  EXPECT_TRUE(get("/loki/api/v1/index/volume_range" + kApp + "&step=1h&start=" + start)
                  .body.starts_with(R"({"status":"success","data":{"resultType":"vector","result":[)"
                                    R"({"metric":{"app":"a"},"value":[)" +
                                    at(kNow) + R"(,"6"]}])"));
  EXPECT_EQ(get("/loki/api/v1/index/volume_range" + kApp + "&step=0").status, 400);
  EXPECT_EQ(get("/loki/api/v1/index/volume_range" + kApp + "&step=1ms").status, 400);
}

TEST_F(Loki, OneShard) {
  push(R"({"app":"a"})", kNow - 1, "12345");
  auto r = get("/loki/api/v1/index/shards" + kApp + "&targetBytesPerShard=600MB");
  EXPECT_TRUE(r.body.starts_with(
      R"({"shards":[{"bounds":{"min":"0000000000000000","max":"ffffffffffffffff"},)"
      R"("stats":{"streams":1,"chunks":1,"bytes":5,"entries":1}}],"statistics":{"summary":{)"))
      << r.body;
  EXPECT_EQ(get("/loki/api/v1/index/shards" + kApp).status, 400);
}

TEST_F(Loki, WhatIsNotThereSaysSo) {
  EXPECT_EQ(get("/loki/api/v1/patterns" + kApp).status, 404);
  EXPECT_EQ(get("/loki/api/v1/rules").status, 404);
  EXPECT_EQ(get("/loki/api/v1/rules").body, "no rule groups found");
  EXPECT_EQ(get("/loki/api/v1/rules/namespace/group").status, 404);
  EXPECT_EQ(get("/prometheus/api/v1/rules").body,
            R"({"status":"success","data":{"groups":[]},"errorType":"","error":""})");
  EXPECT_EQ(get("/prometheus/api/v1/alerts").body,
            R"({"status":"success","data":{"alerts":[]},"errorType":"","error":""})");
}

TEST_F(Loki, DrilldownLimits) {
  auto r = get("/loki/api/v1/drilldown-limits");
  EXPECT_TRUE(r.body.starts_with(R"({"limits":{"discover_log_levels":true,"discover_service_name":["service",)"));
  EXPECT_NE(r.body.find(R"("max_query_length":"30d1h")"), std::string::npos) << r.body;
  EXPECT_NE(r.body.find(R"("query_timeout":"1m","retention_period":"0s")"), std::string::npos) << r.body;
  EXPECT_NE(r.body.find(R"("pattern_ingester_enabled":false,"version":"3.)"), std::string::npos) << r.body;
}

TEST_F(Loki, LegacyReads) {
  push(R"({"app":"a"})", kNow - 2, "one");
  push(R"({"app":"a"})", kNow - 1, "two");
  EXPECT_EQ(get("/api/prom/query" + kApp + "&regexp=tw.").body,
            R"({"streams":[{"labels":"{app=\"a\", detected_level=\"unknown\", service_name=\"a\"}",)"
            R"("entries":[{"ts":"2026-11-20T10:59:59.999999999Z","line":"two"}]}]})");
  EXPECT_EQ(get("/api/prom/query?query=vector(1)").status, 400);
  EXPECT_EQ(get("/api/prom/label").body, R"({"values":["app","service_name"]})");
  EXPECT_EQ(get("/api/prom/label/app/values").body, R"({"values":["a"]})");
  EXPECT_EQ(get("/api/prom/label/nosuch/values").body, R"({"values":[]})");
  EXPECT_EQ(get("/api/prom/series?match=%7Bapp%3D%22a%22%7D").body,
            "{\"status\":\"success\",\"data\":[{\"app\":\"a\",\"service_name\":\"a\"}]}\n");
}

}  // namespace
}  // namespace weft::api
