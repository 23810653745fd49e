#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/compress.h"
#include "ingest/pipeline.h"
#include "net/server.h"
#include "storage/frame.h"

// What the write side's handlers read from a request and answer with, apart from sending it: pure
// functions from plain data to plain data.

namespace weft::api {

// A write request taken apart, ready for ingest.
struct Push {
  storage::FrameKind kind;
  Codec encoding = Codec::identity;
  std::string body;
  bool json = false;  // what errors are written in
};
// Or the answer that says why it cannot be.
using PushOrAnswer = std::variant<Push, net::Response>;

// Loki's push: JSON or snappy protobuf. Takes the request's body.
PushOrAnswer read_loki_push(net::Request& request);

enum class OtlpSignal : unsigned char { traces, logs };

// OTLP/HTTP (both paths). Takes the request's body.
PushOrAnswer read_otlp(OtlpSignal signal, net::Request& request);

// Zipkin v2 as JSON, also when the content type is missing or is what curl says. Takes the request's body.
PushOrAnswer read_zipkin(net::Request& request);

// Loki's words about what became of a push.
net::Response loki_answer(const ingest::Outcome& outcome);
// The same for its OTLP endpoint: errors are a google.rpc.Status.
net::Response loki_otlp_answer(const ingest::Outcome& outcome);
// OTLP/HTTP's: 200 with what was refused as partial success, or a google.rpc.Status in the
// request's encoding.
net::Response otlp_answer(OtlpSignal signal, bool json, const ingest::Outcome& outcome);

// 202, or what is wrong as text.
net::Response zipkin_answer(const ingest::Outcome& outcome);

// True when what was kept makes the outcome a success that may be partial.
bool is_success(const ingest::Outcome& outcome);
// The status for an outcome that is an error. A limit that waiting cannot help is the body's size.
int push_status(const ingest::Outcome& outcome);

// The media type of a Content-Type header in lower case, without parameters; nothing when the
// header is missing or is no media type.
std::optional<std::string> media_type(std::string_view content_type);

}  // namespace weft::api
