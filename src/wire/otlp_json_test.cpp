#include <gtest/gtest.h>

#include "model/limits.h"
#include "text/json_writer.h"
#include "wire/otlp.h"
#include "wire/samples/samples.h"

namespace weft::wire {
namespace {

using samples::describe;
using text::JsonWriter;

std::string attributes_json(Attributes attributes) {
  std::string out;
  JsonWriter to(out);
  to.begin_array();
  for (const Attribute& a : attributes) {
    std::string value;
    append_json(value, a.value);
    to.begin_object().key("key").string(a.key).key("value").raw(value).end_object();
  }
  to.end_array();
  return out;
}

// OTLP/JSON of a batch, one resource per span: the other half of the round trip.
std::string traces_json(const SpanBatch& batch) {
  std::string out;
  JsonWriter to(out);
  to.begin_object().key("resourceSpans").begin_array();
  for (const Span& s : batch.spans) {
    const Resource& resource = batch.resources[s.resource];
    const Scope& scope = batch.scopes[s.scope];
    to.begin_object()
        .key("resource")
        .begin_object()
        .key("attributes")
        .raw(attributes_json(resource.attributes));
    to.key("droppedAttributesCount").integer(resource.dropped_attributes).end_object();
    to.key("schemaUrl").string(resource.schema_url).key("scopeSpans").begin_array().begin_object();
    to.key("scope").begin_object().key("name").string(scope.name).key("version").string(scope.version);
    to.key("attributes").raw(attributes_json(scope.attributes));
    to.key("droppedAttributesCount").integer(scope.dropped_attributes).end_object();
    to.key("schemaUrl").string(scope.schema_url).key("spans").begin_array().begin_object();
    to.key("traceId").string(to_hex(s.trace_id)).key("spanId").string(to_hex(s.span_id));
    to.key("parentSpanId").string(s.parent_id.is_zero() ? "" : to_hex(s.parent_id));
    to.key("traceState").string(s.trace_state).key("name").string(s.name).key("kind").integer(int(s.kind));
    to.key("startTimeUnixNano").string(std::to_string(s.start_ns));
    to.key("endTimeUnixNano").unsigned_integer(s.end_ns).key("attributes").raw(attributes_json(s.attributes));
    to.key("droppedAttributesCount").integer(s.dropped_attributes);
    to.key("droppedEventsCount").integer(s.dropped_events).key("droppedLinksCount").integer(s.dropped_links);
    to.key("flags").integer(s.flags).key("events").begin_array();
    for (const SpanEvent& e : s.events) {
      to.begin_object().key("timeUnixNano").string(std::to_string(e.time_ns)).key("name").string(e.name);
      to.key("attributes").raw(attributes_json(e.attributes));
      to.key("droppedAttributesCount").integer(e.dropped_attributes).end_object();
    }
    to.end_array().key("links").begin_array();
    for (const SpanLink& l : s.links) {
      to.begin_object().key("traceId").string(to_hex(l.trace_id)).key("spanId").string(to_hex(l.span_id));
      to.key("traceState").string(l.trace_state).key("attributes").raw(attributes_json(l.attributes));
      to.key("droppedAttributesCount")
          .integer(l.dropped_attributes)
          .key("flags")
          .integer(l.flags)
          .end_object();
    }
    to.end_array().key("status").begin_object().key("message").string(s.status_message);
    to.key("code").integer(int(s.status)).end_object();
    to.end_object().end_array().end_object().end_array().end_object();
  }
  to.end_array().end_object();
  return out;
}

TEST(OtlpTracesJson, WhatIsWrittenComesBack) {
  SpanBatch sent;
  samples::fill(sent);
  std::string body = traces_json(sent);
  SpanBatch got;
  std::vector<RejectedSpan> rejected;
  for (int round = 0; round < 3; ++round) {
    auto decoded = decode_otlp_traces_json(body, got, rejected);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(describe(got), describe(sent));
    EXPECT_TRUE(rejected.empty());
  }
}

TEST(OtlpTracesJson, TruncationAtEveryByteIsRefused) {
  SpanBatch sent;
  samples::fill(sent);
  std::string body = traces_json(sent);
  for (std::size_t size = 0; size < body.size(); size += size < 3000 ? 1 : 97) {
    std::string cut = body.substr(0, size);
    SpanBatch batch;
    std::vector<RejectedSpan> rejected;
    EXPECT_FALSE(decode_otlp_traces_json(cut, batch, rejected)) << size;
  }
}

std::string with_span(std::string_view members) {
  return R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10",)"
         R"("spanId":"0102030405060708",)" +
         std::string(members) + "}]}]}]}";
}

// The only span, or the error.
std::string decode(std::string_view body, std::string_view (*show)(const Span&) = nullptr) {
  SpanBatch batch;
  std::vector<RejectedSpan> rejected;
  auto decoded = decode_otlp_traces_json(body, batch, rejected);
  if (!decoded) return "error: " + decoded.error().message();
  if (!rejected.empty()) return "rejected: " + rejected[0].error;
  if (batch.spans.empty()) return "no spans";
  const Span& s = batch.spans[0];
  if (show != nullptr) return std::string(show(s));
  return std::to_string(int(s.kind)) + " " + std::to_string(int(s.status)) + " " +
         std::to_string(s.start_ns) + " " + describe(s.attributes);
}

struct Case {
  std::string body;
  std::string expected;
};

TEST(OtlpTracesJson, WaysToWriteIt) {
  auto attribute = [](std::string_view value) {
    return with_span(R"("attributes":[{"key":"k","value":)" + std::string(value) + "}]");
  };
  const Case cases[] = {
      {R"({})", "no spans"},
      {R"({"resourceSpans":null,"future":{"x":[1,[2]]}})", "no spans"},
      {R"({"resourceSpans":[null,{}]})", "no spans"},
      {with_span(R"("kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"})"), "2 2 0 {}"},
      {with_span(R"("kind":3,"status":{"code":1})"), "3 1 0 {}"},
      {with_span(R"("kind":"3","status":null)"), "error: kind must be a number or a known name"},
      {with_span(R"("kind":99,"status":{})"), "0 0 0 {}"},
      {with_span(R"("startTimeUnixNano":"18446744073709551615")"), "0 0 18446744073709551615 {}"},
      {with_span(R"("startTimeUnixNano":1722500000000000001)"), "0 0 1722500000000000001 {}"},
      {with_span(R"("startTimeUnixNano":1.5e3)"), "0 0 1500 {}"},
      {with_span(R"("startTimeUnixNano":null,"attributes":null,"events":null,"name":null)"), "0 0 0 {}"},
      {with_span(R"("startTimeUnixNano":-1)"), "error: startTimeUnixNano must be an integer of 64 bits"},
      {with_span(R"("startTimeUnixNano":"")"), "error: startTimeUnixNano must be a number"},
      {with_span(R"("startTimeUnixNano":18446744073709551616)"),
       "error: startTimeUnixNano must be an integer of 64 bits"},
      {with_span(R"("startTimeUnixNano":1.5)"), "error: startTimeUnixNano must be an integer of 64 bits"},
      {with_span(R"("startTimeUnixNano":[1])"), "error: startTimeUnixNano must be a number"},
      {with_span(R"("flags":4294967296)"), "error: flags must be an integer of 32 bits"},
      {with_span(R"("name":5)"), "error: span name must be a string"},
      {with_span(R"("attributes":{"k":"v"})"), "error: attributes must be an array"},
      {with_span(R"("attributes":["k"])"), "error: attribute must be an object"},
      {attribute(R"({"stringValue":"x","unknown":{"y":[]}})"), R"(0 0 0 {k={"stringValue":"x"} })"},
      {attribute(R"({"intValue":"-5"})"), R"(0 0 0 {k={"intValue":"-5"} })"},
      {attribute(R"({"intValue":-5})"), R"(0 0 0 {k={"intValue":"-5"} })"},
      {attribute(R"({"intValue":"9223372036854775807"})"),
       R"(0 0 0 {k={"intValue":"9223372036854775807"} })"},
      {attribute(R"({"intValue":5.0})"), R"(0 0 0 {k={"intValue":"5"} })"},
      {attribute(R"({"intValue":9223372036854775808})"), "error: intValue must be an integer of 64 bits"},
      {attribute(R"({"intValue":true})"), "error: intValue must be a number"},
      {attribute(R"({"doubleValue":0.5})"), R"(0 0 0 {k={"doubleValue":0.5} })"},
      {attribute(R"({"doubleValue":"0.5"})"), R"(0 0 0 {k={"doubleValue":0.5} })"},
      {attribute(R"({"doubleValue":3})"), R"(0 0 0 {k={"doubleValue":3} })"},
      {attribute(R"({"doubleValue":"NaN"})"), R"(0 0 0 {k={"doubleValue":"NaN"} })"},
      {attribute(R"({"doubleValue":"-Infinity"})"), R"(0 0 0 {k={"doubleValue":"-Infinity"} })"},
      {attribute(R"({"doubleValue":{"values":[{"x":{}}]}})"), "error: doubleValue must be a number"},
      {attribute(R"({"doubleValue":[1]})"), "error: doubleValue must be a number"},
      {attribute(R"({"intValue":{"x":[]}})"), "error: intValue must be a number"},
      {attribute(R"({"doubleValue":"inf"})"), "error: doubleValue must be a number"},
      {attribute(R"({"boolValue":false})"), R"(0 0 0 {k={"boolValue":false} })"},
      {attribute(R"({"boolValue":"true"})"), "error: boolValue must be true or false"},
      {attribute(R"({"bytesValue":"AP8Q"})"), R"(0 0 0 {k={"bytesValue":"AP8Q"} })"},
      {attribute(R"({"bytesValue":"-_8"})"), R"(0 0 0 {k={"bytesValue":"+/8="} })"},
      {attribute(R"({"bytesValue":"A"})"), "error: bytesValue must be base64"},
      {attribute(R"({"bytesValue":"A*8="})"), "error: bytesValue must be base64"},
      {attribute(R"({"arrayValue":{"values":[{"intValue":1},{},null]}})"),
       R"(0 0 0 {k={"arrayValue":{"values":[{"intValue":"1"},{},{}]}} })"},
      {attribute(R"({"arrayValue":{}})"), R"(0 0 0 {k={"arrayValue":{"values":[]}} })"},
      {attribute(R"({"kvlistValue":{"values":[{"key":"x","value":{"boolValue":true}},{"key":"y"}]}})"),
       R"(0 0 0 {k={"kvlistValue":{"values":[{"key":"x","value":{"boolValue":true}},{"key":"y","value":{}}]}} })"},
      {attribute(R"({"stringValue":null})"), "0 0 0 {k={} }"},
      {attribute("null"), "0 0 0 {k={} }"},
      {attribute("\"x\""), "error: attribute value must be an object"},
      {R"([])", "error: body must be a JSON object"},
      {R"({"resourceSpans":{}})", "error: resourceSpans must be an array"},
  };
  for (const Case& c : cases) EXPECT_EQ(decode(c.body), c.expected) << c.body;
}

TEST(OtlpTracesJson, IdsAreHex) {
  auto ids = [](std::string_view trace, std::string_view span) {
    return R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":")" + std::string(trace) +
           R"(","spanId":")" + std::string(span) + R"("}]}]}]})";
  };
  const std::string trace = "0102030405060708090A0B0C0D0E0F10";
  EXPECT_EQ(decode(ids(trace, "0102030405060708")), "0 0 0 {}");
  EXPECT_EQ(decode(ids("0102030405060708", "0102030405060708")),
            "rejected: trace ids must be 128 bit, received 64 bits");
  EXPECT_EQ(decode(ids("", "0102030405060708")), "rejected: trace ids must be 128 bit, received 0 bits");
  EXPECT_EQ(decode(ids(trace, "")), "rejected: span ids must be 64 bit and not all zero, received 0 bits");
  EXPECT_EQ(decode(ids(trace, "0000000000000000")),
            "rejected: span ids must be 64 bit and not all zero, received 64 bits");
  EXPECT_EQ(decode(ids(trace, "xy")), "error: spanId must be hexadecimal");
  EXPECT_EQ(decode(ids("123", "0102030405060708")), "error: traceId must be hexadecimal");
}

TEST(OtlpTracesJson, MalformedJsonIsRefused) {
  for (std::string_view body :
       {"", "{", "{\"resourceSpans\":[}", "{\"resourceSpans\":[]", "{\"resourceSpans\":[]}}",
        "{\"resourceSpans\":[]} trailing", "{\"resourceSpans\":[{}{}]}", "{resourceSpans:[]}"})
    EXPECT_TRUE(decode(body).starts_with("error: ")) << body;
}

TEST(OtlpTracesJson, NestingIsBounded) {
  auto nested = [](std::size_t depth) {
    std::string value = "{\"intValue\":1}";
    std::string open;
    std::string close;
    for (std::size_t i = 1; i < depth; ++i) {
      open += "{\"arrayValue\":{\"values\":[";
      close += "]}}";
    }
    return with_span(R"("attributes":[{"key":"k","value":)" + open + value + close + "}]");
  };
  EXPECT_TRUE(decode(nested(kNestingMax)).starts_with("0 0 0 "));
  EXPECT_EQ(decode(nested(kNestingMax + 1)), "error: attribute value is nested deeper than 64 levels");
  EXPECT_EQ(decode(nested(100'000)), "error: attribute value is nested deeper than 64 levels");
  std::string open(100'000, '[');
  EXPECT_TRUE(decode(with_span("\"unknown\":" + open)).starts_with("error: "));
  EXPECT_EQ(decode(with_span("\"unknown\":" + open + std::string(100'000, ']'))), "0 0 0 {}");
}

TEST(OtlpLogsJson, EveryField) {
  std::string body =
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},)"
      R"("schemaUrl":"r","scopeLogs":[{"scope":{"name":"n","version":"v"},"schemaUrl":"s","logRecords":[)"
      R"({"timeUnixNano":"1722500000000000001","observedTimeUnixNano":2,"severityNumber":9,"severityText":"INFO",)"
      R"("body":{"stringValue":"line\u000a"},"attributes":[{"key":"a","value":{"boolValue":true}}],)"
      R"("droppedAttributesCount":3,"flags":1,"traceId":"30313233343536373839616263646566",)"
      R"("spanId":"3031323334353637","eventName":"e"},)"
      R"({"severityNumber":"SEVERITY_NUMBER_FATAL4","body":{"kvlistValue":{"values":[]}},"traceId":"3031"}]}]}]})";
  OtlpLogs logs;
  for (int round = 0; round < 2; ++round) {
    auto decoded = decode_otlp_logs_json(body, logs);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(
        describe(logs),
        "resource {service.name={\"stringValue\":\"shop\"} } 0 r\nscope n v {} 0 s\n"
        "record 1722500000000000001 2 9 INFO {\"stringValue\":\"line\\n\"} {a={\"boolValue\":true} } 3 1 "
        "0123456789abcdef 01234567 e\n"
        "resource {service.name={\"stringValue\":\"shop\"} } 0 r\nscope n v {} 0 s\n"
        "record 0 0 24  {\"kvlistValue\":{\"values\":[]}} {} 0 0 01  \n");
  }
  for (std::size_t size = 0; size < body.size(); ++size) {
    std::string cut = body.substr(0, size);
    EXPECT_FALSE(decode_otlp_logs_json(cut, logs)) << size;
  }
}

TEST(OtlpJsonValues, PlainJsonIsWhatGoPrints) {
  Arena arena;
  auto plain = [](const Value& value) {
    std::string out;
    append_plain_json(out, value);
    return out;
  };
  std::vector<Attribute> entries = {{"b", Value::of(std::int64_t{2})},
                                    {"a", Value::of(std::string_view("x<y"))},
                                    {"b", Value::of(true)},
                                    {"", Value()}};
  EXPECT_EQ(plain(Value::of(std::span<const Attribute>(entries))), R"({"":null,"a":"x<y","b":true})");
  std::vector<Value> items = {Value::of(std::int64_t{-1}), Value::of_bytes("\x01"), Value::of(1.5)};
  EXPECT_EQ(plain(Value::of(std::span<const Value>(items))), R"([-1,"AQ==",1.5])");
  EXPECT_EQ(plain(Value::of(100000.0)), "100000");
  EXPECT_EQ(plain(Value::of(1e20)), "100000000000000000000");
  EXPECT_EQ(plain(Value::of(1e21)), "1e+21");
  EXPECT_EQ(plain(Value::of(0.000001)), "0.000001");
  EXPECT_EQ(plain(Value::of(-0.0000012345678901234567)), "-0.0000012345678901234567");
  EXPECT_EQ(plain(Value::of(1e-7)), "1e-7");
  EXPECT_EQ(plain(Value::of(-2.5e-100)), "-2.5e-100");
  EXPECT_EQ(plain(Value::of(0.0)), "0");
  std::string out = "kept ";
  append_plain_json(out, Value::of(std::string_view("t")));
  EXPECT_EQ(out, "kept \"t\"");
}

}  // namespace
}  // namespace weft::wire
