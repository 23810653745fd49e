#include "api/otlp/answers.h"
#include "api/otlp/otlp.h"

namespace weft::api {

void loki_push(Call& call) {
  PushOrAnswer read = read_loki_push(call.request);
  if (auto* answer = std::get_if<net::Response>(&read)) return call.responder.send(std::move(*answer));
  Push& push = std::get<Push>(read);
  call.services.ingest.push(
      push.kind, push.encoding, call.tenant, std::move(push.body),
      [responder = call.responder](const ingest::Outcome& outcome) { responder.send(loki_answer(outcome)); });
}

void loki_otlp_logs(Call& call) {
  PushOrAnswer read = read_otlp(OtlpSignal::logs, call.request);
  if (auto* answer = std::get_if<net::Response>(&read)) return call.responder.send(std::move(*answer));
  Push& push = std::get<Push>(read);
  call.services.ingest.push(push.kind, push.encoding, call.tenant, std::move(push.body),
                            [responder = call.responder](const ingest::Outcome& outcome) {
                              responder.send(loki_otlp_answer(outcome));
                            });
}

}  // namespace weft::api
