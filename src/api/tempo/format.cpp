#include "api/tempo/format.h"

namespace weft::api::tempo {

Format wanted(const net::Request& request) {
  std::string_view accept = request.header("accept");
  auto names = [&](std::string_view type) { return accept.find(type) != std::string_view::npos; };
  if (names("application/protobuf")) return Format::protobuf;
  if (names("application/json")) return Format::json;
  return names("application/vnd.grafana.llm") ? Format::llm : Format::json;
}

void send_protobuf(const net::Responder& responder, std::string body) {
  responder.send({200, {{"content-type", "application/protobuf"}}, std::move(body)});
}

void send_llm(const net::Responder& responder, std::string json) {
  responder.send({200, {{"content-type", "application/vnd.grafana.llm+json"}}, std::move(json)});
}

}  // namespace weft::api::tempo
