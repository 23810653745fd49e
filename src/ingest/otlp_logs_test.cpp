#include "ingest/otlp_logs.h"

#include <gtest/gtest.h>

namespace weft::ingest {
namespace {

Value text(std::string_view s) {
  return Value::of(s);
}

struct Mapped {
  wire::OtlpLogs logs;
  LogBatch batch;
  Refusals refusals;
  Limits limits;

  void map() { map_otlp_logs(logs, 77, limits, batch, refusals); }
  std::string labels(std::size_t stream) { return label_text(batch.labels_of(batch.streams[stream])); }
  std::string metadata(std::size_t entry) { return label_text(batch.metadata_of(batch.entries[entry])); }
};

TEST(OtlpLogs, IndexAttributesBecomeLabelsInTheListsOrder) {
  const Attribute attributes[] = {
      {"k8s.pod.name", text("pod-1")}, {"host.name", text("h")},
      {"service.name", text("shop")},  {"deployment.environment.name", text("prod")},
      {"cloud.region", text("")},      {"k8s.job.name", Value::of(std::int64_t{7})}};
  Mapped m;
  m.logs.resources.push_back({attributes});
  m.logs.scopes.push_back({.name = "lib", .version = "1", .dropped_attributes = 3});
  m.logs.records.push_back({.time_ns = 5, .body = text("x")});
  m.map();
  ASSERT_EQ(m.batch.streams.size(), 1u);
  EXPECT_EQ(
      m.labels(0),
      R"({service_name="shop", deployment_environment_name="prod", k8s_pod_name="pod-1", k8s_job_name="7"})");
  EXPECT_EQ(m.metadata(0),
            R"({host_name="h", scope_name="lib", scope_version="1", scope_dropped_attributes_count="3"})");
  EXPECT_EQ(m.batch.entries[0].time_ns, 5);
}

TEST(OtlpLogs, LabelsBeyondTheLimitBecomeMetadata) {
  const Attribute attributes[] = {
      {"k8s.job.name", text("j")}, {"service.name", text("s")}, {"k8s.pod.name", text("p")}};
  Mapped m;
  m.limits.label_names_per_stream_max = 2;
  m.logs.resources.push_back({attributes});
  m.logs.records.push_back({.time_ns = 5});
  m.map();
  EXPECT_EQ(m.labels(0), R"({service_name="s", k8s_pod_name="p"})");
  EXPECT_EQ(m.metadata(0), R"({k8s_job_name="j"})");
}

TEST(OtlpLogs, EverythingAboutARecord) {
  const Attribute inner[] = {{"k", text("v")}, {"deep", Value::of(std::span<const Attribute>())}};
  const Value items[] = {Value::of(std::int64_t{1}), text("b")};
  const Attribute attributes[] = {{"user.id", text("u")},
                                  {"nested", Value::of(std::span<const Attribute>(inner))},
                                  {"list", Value::of(std::span<const Value>(items))},
                                  {"n", Value::of(std::int64_t{-5})},
                                  {"f", Value::of(0.25)},
                                  {"b", Value::of(true)},
                                  {"nil", Value()},
                                  {"bytes", Value::of_bytes("hi")},
                                  {"1st", text("x")}};
  const std::string id(16, '\xab');
  const std::string span(8, '\xcd');
  Mapped m;
  m.logs.records.push_back({.time_ns = 5,
                            .observed_time_ns = 6,
                            .severity_number = 17,
                            .severity_text = "ERROR",
                            .body = Value::of(std::span<const Attribute>(attributes).subspan(3, 1)),
                            .attributes = attributes,
                            .dropped_attributes = 2,
                            .flags = 1,
                            .trace_id = id,
                            .span_id = span,
                            .event_name = "ev"});
  m.map();
  EXPECT_EQ(m.labels(0), "{}");
  EXPECT_EQ(m.batch.entries[0].line, R"({"n":-5})");
  EXPECT_EQ(
      m.metadata(0),
      R"({user_id="u", nested_k="v", list="[1,\"b\"]", n="-5", f="0.25", b="true", bytes="aGk=", key_1st="x", )"
      R"(observed_timestamp="6", severity_number="17", severity_text="ERROR", dropped_attributes_count="2", )"
      R"(flags="1", trace_id="abababababababababababababababab", span_id="cdcdcdcdcdcdcdcd", event_name="ev"})");
  EXPECT_EQ(to_hex(m.batch.entries[0].trace_id), "abababababababababababababababab");
  EXPECT_EQ(to_hex(m.batch.entries[0].span_id), "cdcdcdcdcdcdcdcd");
}

TEST(OtlpLogs, TimesFallBackToObservedThenNow) {
  Mapped m;
  m.logs.records.push_back({.time_ns = 5, .observed_time_ns = 6});
  m.logs.records.push_back({.observed_time_ns = 6});
  m.logs.records.push_back({});
  m.logs.records.push_back({.time_ns = UINT64_MAX});
  m.map();
  EXPECT_EQ(m.batch.entries[0].time_ns, 5);
  EXPECT_EQ(m.batch.entries[1].time_ns, 6);
  EXPECT_EQ(m.metadata(1), "{}");
  EXPECT_EQ(m.batch.entries[2].time_ns, 77);
  EXPECT_EQ(m.batch.entries[3].time_ns, INT64_MAX);
}

TEST(OtlpLogs, IdsThatAreNoneAreLeftOut) {
  const std::string zero(16, '\0'), short_id(15, 'a');
  for (const std::string& id : {std::string(), zero, short_id}) {
    Mapped m;
    m.logs.records.push_back({.time_ns = 5, .trace_id = id, .span_id = id});
    m.map();
    EXPECT_EQ(m.metadata(0), "{}");
    EXPECT_TRUE(m.batch.entries[0].trace_id.is_zero());
  }
}

TEST(OtlpLogs, StreamsFollowResources) {
  const Attribute a[] = {{"service.name", text("a")}};
  const Attribute b[] = {{"service.name", text("b")}};
  Mapped m;
  m.logs.resources = {{a}, {b}};
  m.logs.scopes = {{.name = "s"}, {.name = "t"}};
  for (auto [resource, scope] :
       std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 0}, {0, 1}, {1, 1}, {0, 0}})
    m.logs.records.push_back({.time_ns = 5, .resource = resource, .scope = scope});
  m.map();
  ASSERT_EQ(m.batch.streams.size(), 3u);
  EXPECT_EQ(m.batch.streams[0].entries_count, 2u);
  EXPECT_EQ(m.labels(1), R"({service_name="b"})");
  EXPECT_EQ(m.batch.streams[2].entries_begin, 3u);
  EXPECT_EQ(m.metadata(1), R"({scope_name="t"})");
  EXPECT_EQ(m.metadata(2), R"({scope_name="t"})");
  EXPECT_EQ(m.metadata(3), R"({scope_name="s"})");
}

TEST(OtlpLogs, ANameWithoutLettersRefusesItsRecord) {
  const Attribute bad[] = {{"...", text("x")}};
  const Attribute good[] = {{"ok", text("x")}};
  Mapped m;
  m.logs.resources = {{good}, {bad}};
  m.logs.records.push_back({.time_ns = 5, .attributes = good});
  m.logs.records.push_back({.time_ns = 5, .attributes = bad});
  m.logs.records.push_back({.time_ns = 5, .resource = 1});
  m.map();
  EXPECT_FALSE(m.refusals.refused(0));
  EXPECT_TRUE(m.refusals.refused(1));
  EXPECT_TRUE(m.refusals.refused(2));
  EXPECT_EQ(m.refusals.text(),
            "1 errors like: attribute name '...' has no letter or digit, so it cannot be a label's name; 1 "
            "errors like: "
            "attribute name '...' has no letter or digit, so it cannot be a label's name");
}

}  // namespace
}  // namespace weft::ingest
