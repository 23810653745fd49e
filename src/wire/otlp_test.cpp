#include "wire/otlp.h"

#include <gtest/gtest.h>

#include "model/limits.h"
#include "base/protozero.h"
#include "wire/samples/samples.h"

namespace weft::wire {
namespace {

using protozero::pbf_writer;
using samples::describe;

TEST(OtlpTraces, WhatIsEncodedComesBack) {
  SpanBatch sent;
  samples::fill(sent);
  std::string body = encode_otlp_traces(sent);
  SpanBatch got;
  std::vector<RejectedSpan> rejected;
  for (int round = 0; round < 3; ++round) {
    auto decoded = decode_otlp_traces(body, got, rejected);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(describe(got), describe(sent));
    EXPECT_TRUE(rejected.empty());
    EXPECT_EQ(got.resources.size(), 2U);
    EXPECT_EQ(got.scopes.size(), 3U);
  }
  EXPECT_EQ(encode_otlp_traces(got), body);
}

TEST(OtlpTraces, SpansAreGroupedByResourceThenScopeInOrder) {
  SpanBatch batch;
  samples::fill(batch);
  std::uint32_t places[6][2] = {{1, 0}, {0, 1}, {1, 0}, {0, 0}, {0, 1}, {1, 2}};
  std::string names = "abcdef";
  for (std::size_t i = 0; i < 6; ++i) {
    batch.spans[i].resource = places[i][0];
    batch.spans[i].scope = places[i][1];
    batch.spans[i].name = std::string_view(names).substr(i, 1);
  }
  std::string body = encode_otlp_traces(batch);
  SpanBatch got;
  std::vector<RejectedSpan> rejected;
  ASSERT_TRUE(decode_otlp_traces(body, got, rejected));
  std::string order;
  for (const Span& span : got.spans) order += span.name;
  EXPECT_EQ(order, "dbeacf");
  EXPECT_EQ(got.resources.size(), 2U);
  EXPECT_EQ(got.scopes.size(), 4U);
}

// A request of spans with these ids.
std::string spans_with_ids(std::vector<std::pair<std::string, std::string>> ids) {
  std::string body;
  pbf_writer request(body);
  pbf_writer resource(request, 1);
  pbf_writer scope(resource, 2);
  for (auto& [trace, own] : ids) {
    pbf_writer span(scope, 2);
    span.add_bytes(1, trace);
    span.add_bytes(2, own);
  }
  return body;
}

TEST(OtlpTraces, SpansWithBadIdsAreListedWithTheirPosition) {
  std::string trace(16, 'a');
  std::string own(8, 'b');
  std::string body = spans_with_ids({{trace, own},
                                     {"12345678", own},
                                     {"", own},
                                     {trace, ""},
                                     {trace, "1234"},
                                     {trace, std::string(8, '\0')},
                                     {std::string(16, '\0'), own},
                                     {trace, own}});
  body += spans_with_ids({{trace, own}, {trace + "x", own}});
  SpanBatch batch;
  std::vector<RejectedSpan> rejected;
  ASSERT_TRUE(decode_otlp_traces(body, batch, rejected));
  EXPECT_EQ(batch.spans.size(), 3U);
  std::string list;
  for (const RejectedSpan& r : rejected) list += std::to_string(r.position) + " " + r.error + "\n";
  EXPECT_EQ(list,
            "1 trace ids must be 128 bit, received 64 bits\n"
            "2 trace ids must be 128 bit, received 0 bits\n"
            "3 span ids must be 64 bit and not all zero, received 0 bits\n"
            "4 span ids must be 64 bit and not all zero, received 32 bits\n"
            "5 span ids must be 64 bit and not all zero, received 64 bits\n"
            "6 trace ids must be 128 bit and not all zero, received 128 bits\n"
            "9 trace ids must be 128 bit, received 136 bits\n");
}

TEST(OtlpTraces, UnknownFieldsAndOtherOrdersAreRead) {
  std::string body;
  {
    pbf_writer request(body);
    request.add_string(77, "future");
    pbf_writer resource(request, 1);
    resource.add_string(3, "schema");
    {
      pbf_writer scope(resource, 2);
      {
        pbf_writer span(scope, 2);
        span.add_string(5, "name");
        {
          pbf_writer attribute(span, 9);
          {
            pbf_writer value(attribute, 2);
            value.add_string(1, "first");
            value.add_int64(3, 5);   // the last of a oneof counts
            value.add_int32(8, 17);  // string_value_strindex of newer protocols
          }
          attribute.add_int32(3, 4);  // key_strindex
          attribute.add_string(1, "k");
        }
        span.add_bytes(1, std::string(16, 'a'));
        span.add_bytes(2, std::string(8, 'b'));
        span.add_bytes(4, "odd");
        span.add_int32(6, 99);
        span.add_fixed32(300, 1);
      }
      pbf_writer owner(scope, 1);
      owner.add_string(1, "late scope");
    }
    pbf_writer owner(resource, 1);
    pbf_writer entity(owner, 3);
    entity.add_string(1, "entity reference");
  }
  SpanBatch batch;
  std::vector<RejectedSpan> rejected;
  ASSERT_TRUE(decode_otlp_traces(body, batch, rejected));
  ASSERT_EQ(batch.spans.size(), 1U);
  EXPECT_EQ(batch.scopes[0].name, "late scope");
  EXPECT_EQ(batch.resources[0].schema_url, "schema");
  EXPECT_EQ(describe(batch.spans[0].attributes), "{k={\"intValue\":\"5\"} }");
  EXPECT_TRUE(batch.spans[0].parent_id.is_zero());
  EXPECT_EQ(batch.spans[0].kind, SpanKind::unspecified);
}

// An attribute whose value is `depth` arrays or maps in one another.
std::string nested(int depth, bool maps) {
  std::string value;
  for (int i = 0; i < depth; ++i) {
    std::string outer;
    {
      pbf_writer any(outer);
      pbf_writer list(any, maps ? 6 : 5);
      if (maps) {
        pbf_writer entry(list, 1);
        entry.add_message(2, value);
      } else {
        list.add_message(1, value);
      }
    }
    value = outer;
  }
  std::string body;
  {
    pbf_writer request(body);
    pbf_writer resource(request, 1);
    pbf_writer owner(resource, 1);
    pbf_writer attribute(owner, 1);
    attribute.add_message(2, value);
  }
  return body;
}

TEST(OtlpTraces, NestingIsBounded) {
  SpanBatch batch;
  std::vector<RejectedSpan> rejected;
  for (bool maps : {false, true}) {
    EXPECT_TRUE(decode_otlp_traces(nested(kNestingMax - 1, maps), batch, rejected));
    for (int depth : {kNestingMax, 10'000}) {
      auto decoded = decode_otlp_traces(nested(depth, maps), batch, rejected);
      ASSERT_FALSE(decoded) << depth;
      EXPECT_EQ(decoded.error().code(), Code::invalid_argument);
      EXPECT_EQ(decoded.error().message(), "attribute value is nested deeper than 64 levels");
    }
  }
}

TEST(OtlpTraces, TruncationAtEveryByteNeverCrashes) {
  SpanBatch sent;
  samples::fill(sent);
  std::string body = encode_otlp_traces(sent);
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < body.size(); ++size) {
    std::string cut = body.substr(0, size);
    SpanBatch batch;
    std::vector<RejectedSpan> rejected;
    auto decoded = decode_otlp_traces(cut, batch, rejected);
    accepted += bool(decoded);
    if (!decoded) {
      EXPECT_EQ(decoded.error().code(), Code::invalid_argument);
    }
  }
  EXPECT_EQ(accepted, 2U);  // nothing, and the first resource alone
}

TEST(OtlpTraces, GarbageIsRefused) {
  SpanBatch batch;
  std::vector<RejectedSpan> rejected;
  for (std::string_view body : {"{\"resourceSpans\":[]}", "\x0A\xFF", "\x0F", "hello"})
    EXPECT_FALSE(decode_otlp_traces(body, batch, rejected)) << body;
}

TEST(OtlpLogs, WhatIsEncodedComesBack) {
  OtlpLogs sent;
  samples::fill(sent);
  std::string body = encode_otlp_logs(sent);
  OtlpLogs got;
  for (int round = 0; round < 3; ++round) {
    auto decoded = decode_otlp_logs(body, got);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(describe(got), describe(sent));
  }
  for (std::size_t size = 0; size < body.size(); ++size) {
    std::string cut = body.substr(0, size);
    OtlpLogs logs;
    EXPECT_EQ(bool(decode_otlp_logs(cut, logs)), size == 0) << size;
  }
}

TEST(OtlpLogs, AnEmptyRecordIsARecord) {
  OtlpLogs sent;
  sent.resources.emplace_back();
  sent.scopes.emplace_back();
  sent.records.resize(2);
  std::string body = encode_otlp_logs(sent);
  OtlpLogs got;
  ASSERT_TRUE(decode_otlp_logs(body, got));
  EXPECT_EQ(got.records.size(), 2U);
}

TEST(OtlpLogs, IdsOfAnyLengthAreHandedOn) {
  std::string body;
  {
    pbf_writer request(body);
    pbf_writer resource(request, 1);
    pbf_writer scope(resource, 2);
    pbf_writer record(scope, 2);
    record.add_bytes(9, "short");
    record.add_bytes(10, std::string(8, '\0'));
  }
  OtlpLogs logs;
  ASSERT_TRUE(decode_otlp_logs(body, logs));
  EXPECT_EQ(logs.records[0].trace_id, "short");
  EXPECT_EQ(logs.records[0].span_id, std::string(8, '\0'));
  EXPECT_EQ(logs.records[0].body.type, Value::Type::nil);
}

TEST(OtlpAnswers, RpcStatus) {
  EXPECT_EQ(encode_rpc_status(3, "bad"),
            "\x08\x03\x12\x03"
            "bad");
  EXPECT_EQ(encode_rpc_status(0, ""), "");
  std::string url = "type.googleapis.com/google.rpc.RetryInfo";
  std::string detail =
      "\x0A" + std::string(1, static_cast<char>(url.size())) + url + "\x12\x04\x0A\x02\x08\x05";
  std::string with_retry = encode_rpc_status(8, "slow down", 5);
  protozero::pbf_reader status(with_retry);
  ASSERT_TRUE(status.next(1));
  EXPECT_EQ(status.get_int32(), 8);
  ASSERT_TRUE(status.next(2));
  EXPECT_EQ(status.get_view(), "slow down");
  ASSERT_TRUE(status.next(3));
  EXPECT_EQ(status.get_view(), detail);
}

TEST(OtlpAnswers, PartialSuccess) {
  EXPECT_EQ(encode_partial_success(0, ""), "");
  EXPECT_EQ(encode_partial_success(5, "why"), "\x0A\x07\x08\x05\x12\x03why");
  EXPECT_EQ(encode_partial_success(0, "warning"), "\x0A\x09\x12\x07warning");
}

}  // namespace
}  // namespace weft::wire
