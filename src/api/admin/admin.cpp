#include "api/admin/admin.h"

#include <array>

#include "api/parameters.h"
#include "base/log.h"
#include "text/json_writer.h"

namespace weft::api {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};

void send_buildinfo(Call& call, std::string_view version) {
  std::string out;
  text::JsonWriter w(out);
  w.begin_object().key("version").string(version).key("revision").string(call.services.revision);
  w.key("branch").string("main").key("buildUser").string("weft").key("buildDate").string("");
  w.key("goVersion").string("weft-" + call.services.version).end_object();
  send_json(call.responder, std::move(out));
}

}  // namespace

void admin_ready(Call& call) {
  if (call.services.stopping()) return send_text(call.responder, 503, "Application is stopping\n");
  if (!call.services.store.writable())
    return send_text(call.responder, 503, "storage: the write-ahead log takes no writes; see the log\n");
  send_text(call.responder, 200, "ready\n");
}

void admin_metrics(Call& call) {
  call.responder.send(
      {200, {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}}, call.services.metrics.render()});
}

void admin_config(Call& call) {
  send_text(call.responder, 200, call.services.config_yaml);
}
void admin_buildinfo(Call& call) {
  send_buildinfo(call, kTempoVersion);
}
void loki_buildinfo(Call& call) {
  send_buildinfo(call, kLokiVersion);
}
void admin_echo(Call& call) {
  send_text(call.responder, 200, "echo");
}
void admin_log_level(Call& call) {
  std::string current(kLevels[static_cast<std::size_t>(log_level())]);
  if (call.request.method == "GET")
    return send_text(call.responder, 200, "{\"message\":\"Current log level is " + current + "\"}");
  std::string wanted(Parameters(call.request).get("log_level"));
  for (std::size_t i = 0; i < kLevels.size(); ++i)
    if (kLevels[i] == wanted) {
      set_log_level(static_cast<LogLevel>(i));
      return send_text(call.responder, 200, "{\"message\":\"Log level set to " + wanted + "\"}");
    }
  send_text(call.responder, 400,
            "unrecognized log level \"" + wanted + "\": give log_level=debug, info, warn or error\n");
}

void admin_index(Call& call) {
  send_text(call.responder, 200,
            "weft " + call.services.version +
                ": traces and logs, tied together\n\n"
                "Grafana: add a Tempo and a Loki data source, both with this URL.\n\n"
                "  /ready  /metrics  /config\n"
                "  Loki API    /loki/api/v1/query_range?query={service_name=~\".%2B\"}\n"
                "  Tempo API   /api/search?q={}   /api/traces/<id>\n"
                "  OTLP        /v1/traces  /v1/logs  (also on the OTLP ports)\n");
}

}  // namespace weft::api
