#include "api/otlp/otlp.h"

#include "api/otlp/answers.h"
#include "net/grpc.h"
#include "wire/otlp.h"

namespace weft::api {
namespace {

void otlp_http(Call& call, OtlpSignal signal) {
  PushOrAnswer read = read_otlp(signal, call.request);
  if (auto* answer = std::get_if<net::Response>(&read)) return call.responder.send(std::move(*answer));
  Push& push = std::get<Push>(read);
  call.services.ingest.push(push.kind, push.encoding, call.tenant, std::move(push.body),
                            [responder = call.responder, signal, json = push.json](ingest::Outcome outcome) {
                              responder.send(otlp_answer(signal, json, outcome));
                            });
}

void otlp_grpc(Call& call, storage::FrameKind kind) {
  auto message = net::grpc_message(call.request, DecompressLimits{});
  if (!message) return net::grpc_error(call.responder, message.error());
  call.services.ingest.push(
      kind, Codec::identity, call.tenant, std::move(*message),
      [responder = call.responder](const ingest::Outcome& outcome) {
        if (is_success(outcome)) {
          std::string_view words = outcome.result ? std::string_view() : outcome.result.error().message();
          return net::grpc_reply(
              responder, wire::encode_partial_success(static_cast<std::int64_t>(outcome.rejected), words));
        }
        const Error& error = outcome.result.error();
        // Without RetryInfo an SDK gives up on what is exhausted.
        std::string details;
        if (outcome.retry_after_seconds > 0)
          details = wire::encode_rpc_status(net::grpc_status(error.code()), error.message(),
                                            outcome.retry_after_seconds);
        net::grpc_error(responder, error, details);
      });
}

}  // namespace

void otlp_http_traces(Call& call) {
  otlp_http(call, OtlpSignal::traces);
}
void otlp_http_logs(Call& call) {
  otlp_http(call, OtlpSignal::logs);
}

void zipkin_spans(Call& call) {
  PushOrAnswer read = read_zipkin(call.request);
  if (auto* answer = std::get_if<net::Response>(&read)) return call.responder.send(std::move(*answer));
  Push& push = std::get<Push>(read);
  call.services.ingest.push(push.kind, push.encoding, call.tenant, std::move(push.body),
                            [responder = call.responder](const ingest::Outcome& outcome) {
                              responder.send(zipkin_answer(outcome));
                            });
}
void zipkin_v1_spans(Call& call) {
  send_text(call.responder, 415, "Zipkin v1 spans are not read here: send v2 JSON to /api/v2/spans\n");
}

void otlp_grpc_traces(Call& call) {
  otlp_grpc(call, storage::FrameKind::otlp_traces_protobuf);
}
void otlp_grpc_logs(Call& call) {
  otlp_grpc(call, storage::FrameKind::otlp_logs_protobuf);
}

}  // namespace weft::api
