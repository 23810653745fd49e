#include "api/otlp/answers.h"

#include <algorithm>

#include "api/services.h"
#include "net/grpc.h"
#include "text/json_writer.h"
#include "wire/otlp.h"

namespace weft::api {
namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kJson = "application/json";

net::Response text_response(int status, std::string text) {
  return {status,
          {{"content-type", "text/plain; charset=utf-8"}, {"x-content-type-options", "nosniff"}},
          std::move(text)};
}

void add_retry_after(net::Response& response, int seconds) {
  if (seconds > 0 && (response.status == 429 || response.status == 503))
    response.headers.emplace_back("retry-after", std::to_string(seconds));
}

// A google.rpc.Status in the encoding of the request.
net::Response status_response(int http, int code, std::string_view message, bool json,
                              int retry_seconds = 0) {
  net::Response response{http, {}, {}};
  if (json) {
    text::JsonWriter w(response.body);
    w.begin_object().key("code").integer(code).key("message").string(message).end_object();
  } else {
    response.body = wire::encode_rpc_status(code, message, retry_seconds);
  }
  response.headers.emplace_back("content-type", json ? kJson : kProtobuf);
  add_retry_after(response, retry_seconds);
  return response;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7F && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string partial_success_json(OtlpSignal signal, const ingest::Outcome& outcome) {
  std::string body;
  text::JsonWriter w(body);
  w.begin_object().key("partialSuccess").begin_object();
  if (outcome.rejected > 0) {
    w.key(signal == OtlpSignal::traces ? "rejectedSpans" : "rejectedLogRecords");
    w.string(std::to_string(outcome.rejected));
    w.key("errorMessage").string(outcome.result ? "" : outcome.result.error().message());
  }
  w.end_object().end_object();
  return body;
}

}  // namespace

std::optional<std::string> media_type(std::string_view content_type) {
  std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  std::size_t slash = type.find('/');
  if (slash == std::string_view::npos || !is_token(type.substr(0, slash)) ||
      !is_token(type.substr(slash + 1)))
    return std::nullopt;
  std::string lower(type);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

PushOrAnswer read_loki_push(net::Request& request) {
  std::string_view header = request.header("content-type");
  auto type = media_type(header);
  // Go's words, which clients' tests look for.
  if (!type)
    return text_response(
        400, header.empty() ? "mime: no media type\n" : "mime: expected slash after first token\n");
  bool json = *type == kJson;
  auto encoding = codec_from_name(trim(request.header("content-encoding")), Codec::snappy_block);
  if (!encoding)
    return text_response(
        400, "Content-Encoding \"" + std::string(request.header("content-encoding")) + "\" not supported\n");
  Push push{json ? storage::FrameKind::loki_json : storage::FrameKind::loki_protobuf, *encoding,
            std::move(request.body), json};
  if (json) return push;
  // A protobuf push is always a snappy block, whether it says so or not; another encoding is around
  // that and is taken off here, since a stored request has one encoding.
  if (*encoding != Codec::identity && *encoding != Codec::snappy_block) {
    auto inner = decompress(*encoding, push.body, DecompressLimits{});
    if (!inner) {
      ingest::Outcome outcome;
      outcome.result = inner.error();
      return loki_answer(outcome);
    }
    push.body = std::move(*inner);
  }
  push.encoding = Codec::snappy_block;
  return push;
}

PushOrAnswer read_otlp(OtlpSignal signal, net::Request& request) {
  if (request.method != "POST") {
    net::Response response = text_response(405, "405 method not allowed, supported: [POST]");
    response.headers.emplace_back("allow", "POST");
    return response;
  }
  auto type = media_type(request.header("content-type"));
  if (!type || (*type != kJson && *type != kProtobuf && *type != "application/protobuf"))
    return text_response(415,
                         "415 unsupported media type, supported: [application/json, application/x-protobuf]");
  bool json = *type == kJson;
  auto encoding = codec_from_name(trim(request.header("content-encoding")), Codec::snappy_block);
  if (!encoding)
    return status_response(400, net::grpc_status(Code::invalid_argument),
                           "unsupported Content-Encoding: " + std::string(request.header("content-encoding")),
                           json);
  // Some clients say snappy and mean the framed form, which begins like this.
  if (*encoding == Codec::snappy_block &&
      request.body.starts_with(std::string_view("\xff\x06\x00\x00sNaPpY", 10)))
    *encoding = Codec::snappy_framed;
  using enum storage::FrameKind;
  storage::FrameKind kind = signal == OtlpSignal::traces ? (json ? otlp_traces_json : otlp_traces_protobuf)
                                                         : (json ? otlp_logs_json : otlp_logs_protobuf);
  return Push{kind, *encoding, std::move(request.body), json};
}

PushOrAnswer read_zipkin(net::Request& request) {
  auto type = media_type(request.header("content-type"));
  if (type && (type->find("protobuf") != std::string::npos || type->find("thrift") != std::string::npos))
    return text_response(415, "Zipkin spans are read as JSON only: send them as application/json\n");
  auto encoding = codec_from_name(trim(request.header("content-encoding")), Codec::snappy_block);
  if (!encoding)
    return text_response(
        400, "Content-Encoding \"" + std::string(request.header("content-encoding")) + "\" not supported\n");
  return Push{storage::FrameKind::zipkin_json, *encoding, std::move(request.body), true};
}

bool is_success(const ingest::Outcome& outcome) {
  return outcome.result || outcome.accepted > 0;
}

int push_status(const ingest::Outcome& outcome) {
  Code code = outcome.result.error().code();
  if (code == Code::resource_exhausted && outcome.retry_after_seconds == 0) return 413;
  return http_status(code);
}

net::Response loki_answer(const ingest::Outcome& outcome) {
  if (!outcome.result) {
    net::Response response = text_response(push_status(outcome), outcome.result.error().message() + "\n");
    add_retry_after(response, outcome.retry_after_seconds);
    return response;
  }
  if (outcome.accepted == 0)
    return text_response(422, "error at least one valid stream is required for ingestion\n");
  return {204, {}, {}};
}

net::Response loki_otlp_answer(const ingest::Outcome& outcome) {
  if (outcome.result) return {204, {}, {}};
  int status = push_status(outcome);
  if (status == 500) status = 503;  // collectors retry it
  return status_response(status, 0, outcome.result.error().message(), false, outcome.retry_after_seconds);
}

net::Response zipkin_answer(const ingest::Outcome& outcome) {
  if (is_success(outcome)) return {202, {}, {}};
  net::Response response = text_response(push_status(outcome), outcome.result.error().message() + "\n");
  add_retry_after(response, outcome.retry_after_seconds);
  return response;
}

net::Response otlp_answer(OtlpSignal signal, bool json, const ingest::Outcome& outcome) {
  if (is_success(outcome)) {
    std::string message = outcome.result ? std::string() : outcome.result.error().message();
    return {200,
            {{"content-type", std::string(json ? kJson : kProtobuf)}},
            json ? partial_success_json(signal, outcome)
                 : wire::encode_partial_success(static_cast<std::int64_t>(outcome.rejected), message)};
  }
  const Error& error = outcome.result.error();
  int status = push_status(outcome);
  if (status == 499 || status == 501 || status == 504)
    status = error.code() == Code::unimplemented ? 404 : 503;
  return status_response(status, net::grpc_status(error.code()), error.message(), json,
                         outcome.retry_after_seconds);
}

}  // namespace weft::api
