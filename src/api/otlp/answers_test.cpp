#include "api/otlp/answers.h"

#include <gtest/gtest.h>

#include "net/grpc.h"
#include "wire/otlp.h"

namespace weft::api {
namespace {

using storage::FrameKind;

net::Request request(std::string content_type, std::string content_encoding = "", std::string body = "body") {
  net::Request r;
  r.method = "POST";
  if (!content_type.empty()) r.headers.emplace_back("content-type", std::move(content_type));
  if (!content_encoding.empty()) r.headers.emplace_back("content-encoding", std::move(content_encoding));
  r.body = std::move(body);
  return r;
}

ingest::Outcome outcome(std::uint64_t accepted, std::uint64_t rejected) {
  ingest::Outcome o;
  o.accepted = accepted;
  o.rejected = rejected;
  return o;
}
ingest::Outcome outcome(std::uint64_t accepted, std::uint64_t rejected, Code code, std::string message,
                        int retry = 0) {
  ingest::Outcome o = outcome(accepted, rejected);
  o.result = Error(code, std::move(message));
  o.retry_after_seconds = retry;
  return o;
}

std::string_view header(const net::Response& r, std::string_view name) {
  return net::header(r.headers, name);
}

TEST(LokiPush, MediaTypesAndEncodings) {
  struct Case {
    std::string type, encoding;
    FrameKind kind;
    Codec codec;
  };
  const Case kCases[] = {
      {"application/json", "", FrameKind::loki_json, Codec::identity},
      {"application/json; charset=utf-8", "gzip", FrameKind::loki_json, Codec::gzip},
      {"APPLICATION/JSON", "deflate", FrameKind::loki_json, Codec::deflate},
      {"application/json", "snappy", FrameKind::loki_json, Codec::snappy_block},
      {"application/x-protobuf", "", FrameKind::loki_protobuf, Codec::snappy_block},
      {"application/x-protobuf", "snappy", FrameKind::loki_protobuf, Codec::snappy_block},
      {"text/plain", "", FrameKind::loki_protobuf, Codec::snappy_block},
  };
  for (const Case& c : kCases) {
    net::Request r = request(c.type, c.encoding);
    PushOrAnswer read = read_loki_push(r);
    ASSERT_TRUE(std::holds_alternative<Push>(read)) << c.type << c.encoding;
    const Push& push = std::get<Push>(read);
    EXPECT_EQ(push.kind, c.kind) << c.type;
    EXPECT_EQ(push.encoding, c.codec) << c.type << c.encoding;
    EXPECT_EQ(push.body, "body");
  }
}

TEST(LokiPush, AnEncodingAroundSnappyIsTakenOff) {
  net::Request r = request("application/x-protobuf", "gzip", *compress(Codec::gzip, "snappy block"));
  PushOrAnswer read = read_loki_push(r);
  ASSERT_TRUE(std::holds_alternative<Push>(read));
  EXPECT_EQ(std::get<Push>(read).body, "snappy block");
  EXPECT_EQ(std::get<Push>(read).encoding, Codec::snappy_block);
  r = request("application/x-protobuf", "gzip", "not gzip");
  read = read_loki_push(r);
  ASSERT_TRUE(std::holds_alternative<net::Response>(read));
  EXPECT_EQ(std::get<net::Response>(read).status, 400);
}

TEST(LokiPush, WhatIsNoPush) {
  for (auto [type, encoding, body] : std::vector<std::array<std::string, 3>>{
           {"", "", "mime: no media type\n"},
           {"json", "", "mime: expected slash after first token\n"},
           {"a/b/c", "", "mime: expected slash after first token\n"},
           {"application/json", "br", "Content-Encoding \"br\" not supported\n"}}) {
    net::Request r = request(type, encoding);
    PushOrAnswer read = read_loki_push(r);
    ASSERT_TRUE(std::holds_alternative<net::Response>(read)) << type;
    const net::Response& answer = std::get<net::Response>(read);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, body);
    EXPECT_EQ(header(answer, "content-type"), "text/plain; charset=utf-8");
  }
}

TEST(LokiPush, Answers) {
  struct Case {
    ingest::Outcome outcome;
    int status;
    std::string body;
    std::string retry_after;
  };
  const Case kCases[] = {
      {outcome(3, 0), 204, "", ""},
      {outcome(0, 0), 422, "error at least one valid stream is required for ingestion\n", ""},
      {outcome(2, 1, Code::invalid_argument, "bad entry"), 400, "bad entry\n", ""},
      {outcome(0, 0, Code::invalid_argument, "bad body"), 400, "bad body\n", ""},
      {outcome(0, 0, Code::resource_exhausted, "too large"), 413, "too large\n", ""},
      {outcome(0, 9, Code::resource_exhausted, "too fast", 3), 429, "too fast\n", "3"},
      {outcome(0, 0, Code::unavailable, "closing", 5), 503, "closing\n", "5"},
      {outcome(0, 0, Code::internal, "odd"), 500, "odd\n", ""},
  };
  for (const Case& c : kCases) {
    net::Response r = loki_answer(c.outcome);
    EXPECT_EQ(r.status, c.status);
    EXPECT_EQ(r.body, c.body);
    EXPECT_EQ(header(r, "retry-after"), c.retry_after);
    if (c.status != 204) {
      EXPECT_EQ(header(r, "content-type"), "text/plain; charset=utf-8");
      EXPECT_EQ(header(r, "x-content-type-options"), "nosniff");
    }
  }
}

TEST(Otlp, MediaTypesAndEncodings) {
  struct Case {
    OtlpSignal signal;
    std::string type, encoding, body;
    FrameKind kind;
    Codec codec;
  };
  const std::string framed = *compress(Codec::snappy_framed, "x");
  const Case kCases[] = {
      {OtlpSignal::traces, "application/x-protobuf", "", "b", FrameKind::otlp_traces_protobuf,
       Codec::identity},
      {OtlpSignal::traces, "application/json", "gzip", "b", FrameKind::otlp_traces_json, Codec::gzip},
      {OtlpSignal::logs, "application/x-protobuf", "zstd", "b", FrameKind::otlp_logs_protobuf, Codec::zstd},
      {OtlpSignal::logs, "application/json;charset=UTF-8", "lz4", "b", FrameKind::otlp_logs_json,
       Codec::lz4_frame},
      {OtlpSignal::traces, "application/x-protobuf", "zlib", "b", FrameKind::otlp_traces_protobuf,
       Codec::deflate},
      {OtlpSignal::traces, "application/x-protobuf", "snappy", "b", FrameKind::otlp_traces_protobuf,
       Codec::snappy_block},
      {OtlpSignal::traces, "application/x-protobuf", "snappy", framed, FrameKind::otlp_traces_protobuf,
       Codec::snappy_framed},
      {OtlpSignal::traces, "application/x-protobuf", "x-snappy-framed", framed,
       FrameKind::otlp_traces_protobuf, Codec::snappy_framed},
  };
  for (const Case& c : kCases) {
    net::Request r = request(c.type, c.encoding, c.body);
    PushOrAnswer read = read_otlp(c.signal, r);
    ASSERT_TRUE(std::holds_alternative<Push>(read)) << c.type << c.encoding;
    const Push& push = std::get<Push>(read);
    EXPECT_EQ(push.kind, c.kind) << c.type;
    EXPECT_EQ(push.encoding, c.codec) << c.encoding;
    EXPECT_EQ(push.body, c.body);
    EXPECT_EQ(push.json, c.type.find("json") != std::string::npos);
  }
}

TEST(Otlp, WhatIsNoExport) {
  net::Request r = request("application/x-protobuf");
  r.method = "GET";
  PushOrAnswer read = read_otlp(OtlpSignal::traces, r);
  ASSERT_TRUE(std::holds_alternative<net::Response>(read));
  EXPECT_EQ(std::get<net::Response>(read).status, 405);
  EXPECT_EQ(std::get<net::Response>(read).body, "405 method not allowed, supported: [POST]");
  EXPECT_EQ(header(std::get<net::Response>(read), "allow"), "POST");
  for (auto type : {"", "text/plain", "application/octet-stream"}) {
    r = request(type);
    read = read_otlp(OtlpSignal::traces, r);
    ASSERT_TRUE(std::holds_alternative<net::Response>(read)) << type;
    EXPECT_EQ(std::get<net::Response>(read).status, 415);
    EXPECT_EQ(std::get<net::Response>(read).body,
              "415 unsupported media type, supported: [application/json, application/x-protobuf]");
  }
  r = request("application/json", "br");
  read = read_otlp(OtlpSignal::traces, r);
  ASSERT_TRUE(std::holds_alternative<net::Response>(read));
  EXPECT_EQ(std::get<net::Response>(read).status, 400);
  EXPECT_EQ(std::get<net::Response>(read).body, R"({"code":3,"message":"unsupported Content-Encoding: br"})");
}

TEST(Otlp, AnswersInJson) {
  struct Case {
    OtlpSignal signal;
    ingest::Outcome outcome;
    int status;
    std::string body, retry_after;
  };
  const Case kCases[] = {
      {OtlpSignal::traces, outcome(2, 0), 200, R"({"partialSuccess":{}})", ""},
      {OtlpSignal::traces, outcome(0, 0), 200, R"({"partialSuccess":{}})", ""},
      {OtlpSignal::traces, outcome(2, 1, Code::invalid_argument, "bad \"id\""), 200,
       R"({"partialSuccess":{"rejectedSpans":"1","errorMessage":"bad \"id\""}})", ""},
      {OtlpSignal::logs, outcome(2, 4, Code::resource_exhausted, "streams", 5), 200,
       R"({"partialSuccess":{"rejectedLogRecords":"4","errorMessage":"streams"}})", ""},
      {OtlpSignal::traces, outcome(0, 1, Code::invalid_argument, "bad"), 400, R"({"code":3,"message":"bad"})",
       ""},
      {OtlpSignal::traces, outcome(0, 1, Code::resource_exhausted, "fast", 5), 429,
       R"({"code":8,"message":"fast"})", "5"},
      {OtlpSignal::traces, outcome(0, 0, Code::resource_exhausted, "large"), 413,
       R"({"code":8,"message":"large"})", ""},
      {OtlpSignal::traces, outcome(0, 0, Code::unavailable, "closing", 5), 503,
       R"({"code":14,"message":"closing"})", "5"},
      {OtlpSignal::traces, outcome(0, 0, Code::internal, "odd"), 500, R"({"code":13,"message":"odd"})", ""},
      {OtlpSignal::traces, outcome(0, 0, Code::unimplemented, "no"), 404, R"({"code":12,"message":"no"})",
       ""},
  };
  for (const Case& c : kCases) {
    net::Response r = otlp_answer(c.signal, true, c.outcome);
    EXPECT_EQ(r.status, c.status) << c.body;
    EXPECT_EQ(r.body, c.body);
    EXPECT_EQ(header(r, "content-type"), "application/json");
    EXPECT_EQ(header(r, "retry-after"), c.retry_after);
  }
}

TEST(Otlp, AnswersInProtobuf) {
  net::Response r = otlp_answer(OtlpSignal::traces, false, outcome(2, 0));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(header(r, "content-type"), "application/x-protobuf");
  r = otlp_answer(OtlpSignal::traces, false, outcome(2, 3, Code::invalid_argument, "bad"));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, wire::encode_partial_success(3, "bad"));
  EXPECT_EQ(r.body, std::string("\x0a\x07\x08\x03\x12\x03"
                                "bad"));
  r = otlp_answer(OtlpSignal::logs, false, outcome(0, 3, Code::resource_exhausted, "fast", 7));
  EXPECT_EQ(r.status, 429);
  EXPECT_EQ(header(r, "retry-after"), "7");
  EXPECT_EQ(r.body, wire::encode_rpc_status(8, "fast", 7));
}

TEST(LokiOtlp, Answers) {
  EXPECT_EQ(loki_otlp_answer(outcome(1, 0)).status, 204);
  EXPECT_EQ(loki_otlp_answer(outcome(0, 0)).status, 204);
  for (auto [code, retry, status] :
       std::vector<std::tuple<Code, int, int>>{{Code::invalid_argument, 0, 400},
                                               {Code::resource_exhausted, 5, 429},
                                               {Code::resource_exhausted, 0, 413},
                                               {Code::internal, 0, 503},
                                               {Code::unavailable, 5, 503}}) {
    net::Response r = loki_otlp_answer(outcome(4, 1, code, "why", retry));
    EXPECT_EQ(r.status, status);
    EXPECT_EQ(r.body, wire::encode_rpc_status(0, "why", retry));
    EXPECT_EQ(header(r, "retry-after"), retry > 0 ? std::to_string(retry) : "");
  }
}

}  // namespace
}  // namespace weft::api
