#include "wire/zipkin.h"

#include <gtest/gtest.h>

#include "wire/samples/samples.h"

namespace weft::wire {
namespace {

struct Decoded {
  SpanBatch batch;
  std::vector<RejectedSpan> rejected;
  Result<void> result;
  explicit Decoded(const std::string& json) : result(decode_zipkin_json(json, batch, rejected)) {}
};

// One span with ids and these further members.
std::string span_with(const std::string& members) {
  return std::string(R"([{"traceId":"a1","id":"b2")") + (members.empty() ? "" : ",") + members + "}]";
}

std::string attributes_of(const std::string& members) {
  Decoded d(span_with(members));
  EXPECT_TRUE(d.result) << d.result.error().message();
  std::string out;
  for (const Attribute& a : d.batch.spans.at(0).attributes) {
    out += (out.empty() ? "" : " ") + std::string(a.key) + "=";
    append_plain_json(out, a.value);
  }
  return out;
}

TEST(Zipkin, AWholeSpan) {
  Decoded d(R"([{"traceId":"5982fe77008310cc80f1da5e10147517","id":"90394f6bcffb5d13",
    "parentId":"1a2b3c4d5e6f7a8b","kind":"SERVER","name":"get /","timestamp":1795172390000001,"duration":1500,
    "localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1","port":8080},
    "remoteEndpoint":{"serviceName":"gate","ipv6":"2001:db8::c001"},
    "tags":{"http.path":"/","error":"500"},"debug":true,"shared":true,
    "annotations":[{"timestamp":1795172390000900,"value":"ws"}]}])");
  ASSERT_TRUE(d.result) << d.result.error().message();
  ASSERT_EQ(d.batch.spans.size(), 1u);
  const Span& s = d.batch.spans[0];
  EXPECT_EQ(to_hex(s.trace_id), "5982fe77008310cc80f1da5e10147517");
  EXPECT_EQ(to_hex(s.span_id), "90394f6bcffb5d13");
  EXPECT_EQ(to_hex(s.parent_id), "1a2b3c4d5e6f7a8b");
  EXPECT_EQ(s.kind, SpanKind::server);
  EXPECT_EQ(s.name, "get /");
  EXPECT_EQ(s.start_ns, 1'795'172'390'000'001'000u);
  EXPECT_EQ(s.end_ns, 1'795'172'390'001'501'000u);
  EXPECT_EQ(s.status, SpanStatus::error);
  EXPECT_EQ(s.status_message, "500");
  ASSERT_EQ(s.events.size(), 1u);
  EXPECT_EQ(s.events[0].name, "ws");
  EXPECT_EQ(s.events[0].time_ns, 1'795'172'390'000'900'000u);
  Attributes resource = d.batch.resources.at(s.resource).attributes;
  ASSERT_EQ(resource.size(), 1u);
  EXPECT_EQ(resource[0].key, "service.name");
  EXPECT_EQ(resource[0].value.as_text(), "shop");
}

TEST(Zipkin, Endpoints) {
  EXPECT_EQ(attributes_of(R"("localEndpoint":{"serviceName":"a","ipv4":"10.0.0.1","port":80})"),
            R"(net.host.port=80 net.host.ip="10.0.0.1")");
  EXPECT_EQ(attributes_of(R"("remoteEndpoint":{"ipv6":"::1","ipv4":"1.2.3.4","serviceName":"db","port":0})"),
            R"(net.peer.ip="1.2.3.4" peer.service="db")");
  EXPECT_EQ(attributes_of(R"("localEndpoint":null,"remoteEndpoint":{})"), "");
}

TEST(Zipkin, OneResourceForEachService) {
  Decoded d(R"([{"traceId":"1","id":"1","localEndpoint":{"serviceName":"a"}},
                {"traceId":"1","id":"2","localEndpoint":{"serviceName":"b"}},
                {"traceId":"1","id":"3","localEndpoint":{"serviceName":"a"},"tags":{"otel.scope.name":"x"}},
                {"traceId":"1","id":"4"}])");
  ASSERT_TRUE(d.result);
  std::string seen;
  for (const Span& s : d.batch.spans)
    seen += std::string(d.batch.resources.at(s.resource).attributes[0].value.as_text()) + "/" +
            std::string(d.batch.scopes.at(s.scope).name) + " ";
  EXPECT_EQ(seen, "a/ b/ a/x unknown_service/ ");
  EXPECT_EQ(d.batch.resources.size(), 3u);
  EXPECT_EQ(d.batch.scopes.size(), 2u);
}

TEST(Zipkin, IdsArePaddedAndSharedOnesStay) {
  Decoded d(R"([{"traceId":"A3CE929D0E0E4736","id":"1","kind":"CLIENT"},
                {"traceId":"a3ce929d0e0e4736","id":"1","kind":"SERVER","shared":true}])");
  ASSERT_TRUE(d.result);
  ASSERT_EQ(d.batch.spans.size(), 2u);
  for (const Span& s : d.batch.spans) {
    EXPECT_EQ(to_hex(s.trace_id), "0000000000000000a3ce929d0e0e4736");
    EXPECT_EQ(to_hex(s.span_id), "0000000000000001");
    EXPECT_TRUE(s.parent_id.is_zero());
  }
}

TEST(Zipkin, SpansWithABadIdAreLeftOut) {
  Decoded d(R"([{"traceId":"xyz","id":"1"},{"traceId":"1","id":"2"},{"traceId":"1","id":"0"},{"id":"1"}])");
  ASSERT_TRUE(d.result);
  ASSERT_EQ(d.batch.spans.size(), 1u);
  ASSERT_EQ(d.rejected.size(), 3u);
  EXPECT_EQ(d.rejected[0].position, 0u);
  EXPECT_EQ(d.rejected[0].error, "trace ids must be 1 to 32 hex digits and not all zero, received \"xyz\"");
  EXPECT_EQ(d.rejected[1].position, 2u);
  EXPECT_EQ(d.rejected[1].error, "span ids must be 1 to 16 hex digits and not all zero, received \"0\"");
  EXPECT_EQ(d.rejected[2].position, 3u);
}

TEST(Zipkin, KindsAndStatus) {
  struct Case {
    const char* members;
    SpanKind kind;
    SpanStatus status;
    const char* message;
    const char* attributes;
  };
  const Case cases[] = {
      {R"("kind":"CLIENT")", SpanKind::client, SpanStatus::unset, "", ""},
      {R"("kind":"PRODUCER")", SpanKind::producer, SpanStatus::unset, "", ""},
      {R"("kind":"CONSUMER")", SpanKind::consumer, SpanStatus::unset, "", ""},
      {R"("kind":"OTHER")", SpanKind::unspecified, SpanStatus::unset, "", ""},
      {R"("tags":{"span.kind":"internal"})", SpanKind::internal, SpanStatus::unset, "", ""},
      {R"("tags":{"span.kind":"odd"})", SpanKind::unspecified, SpanStatus::unset, "", R"(span.kind="odd")"},
      {R"("tags":{"error":""})", SpanKind::unspecified, SpanStatus::error, "", ""},
      {R"("tags":{"error":"true"})", SpanKind::unspecified, SpanStatus::error, "", ""},
      {R"("tags":{"error":"false"})", SpanKind::unspecified, SpanStatus::unset, "", R"(error="false")"},
      {R"("tags":{"error":"no money"})", SpanKind::unspecified, SpanStatus::error, "no money",
       R"(error="no money")"},
      {R"("tags":{"otel.status_code":"OK","error":"x"})", SpanKind::unspecified, SpanStatus::ok, "",
       R"(error="x")"},
      {R"("tags":{"otel.status_code":"ERROR","otel.status_description":"d","n":5})", SpanKind::unspecified,
       SpanStatus::error, "d", R"(n="5")"},
  };
  for (const Case& c : cases) {
    Decoded d(span_with(c.members));
    ASSERT_TRUE(d.result) << c.members;
    const Span& s = d.batch.spans.at(0);
    EXPECT_EQ(s.kind, c.kind) << c.members;
    EXPECT_EQ(s.status, c.status) << c.members;
    EXPECT_EQ(s.status_message, c.message) << c.members;
    EXPECT_EQ(attributes_of(c.members), c.attributes);
  }
}

TEST(Zipkin, Times) {
  auto span = [](const std::string& members) {
    Decoded d(span_with(members));
    EXPECT_TRUE(d.result) << members;
    return std::pair(d.batch.spans.at(0).start_ns, d.batch.spans.at(0).end_ns);
  };
  using Times = std::pair<std::uint64_t, std::uint64_t>;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(span(R"("timestamp":5,"duration":2)"), Times(5000, 7000));
  EXPECT_EQ(span(R"("timestamp":"5")"), Times(5000, 5000));
  EXPECT_EQ(span(""), Times(0, 0));
  EXPECT_EQ(span(R"("annotations":[{"timestamp":9,"value":"a"},{"timestamp":7,"value":"b"}],"duration":1)"),
            Times(7000, 8000));
  EXPECT_EQ(span(R"("timestamp":18446744073709551615,"duration":1)"), Times(kMax, kMax));
}

TEST(Zipkin, BadRequests) {
  for (const char* body :
       {"", "{}", "[", "[1]", "[{}", "[] x", R"([{"traceId":5}])", R"([{"traceId":"1","id":"1","tags":[]}])",
        R"([{"traceId":"1","id":"1","timestamp":-1}])", R"([{"traceId":"1","id":"1","annotations":{}}])",
        R"([{"traceId":"1","id":"1","localEndpoint":"shop"}])", R"([{"traceId":"1","id":"1","name":1}])"}) {
    Decoded d(body);
    ASSERT_FALSE(d.result) << body;
    EXPECT_EQ(d.result.error().code(), Code::invalid_argument) << body;
  }
  EXPECT_TRUE(Decoded("[]").result);
  EXPECT_TRUE(Decoded(" [ null ] ").rejected.size() == 1);
}

TEST(Zipkin, UnknownMembersOfAnyDepthAreSkipped) {
  std::string deep = std::string(2000, '[') + std::string(2000, ']');
  Decoded d(span_with(R"("later":)" + deep + R"(,"name":"n")"));
  if (d.result) EXPECT_EQ(d.batch.spans.at(0).name, "n");  // or refused as too deep; never a crash
}

}  // namespace
}  // namespace weft::wire
