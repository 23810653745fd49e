// The ruler's read side (reference/loki.md §2.12) of a server that has no rules: what Grafana's
// alerting page needs to show an empty list instead of an error.

#include "api/loki/loki.h"

namespace weft::api {

void loki_rules(Call& call) {
  send_text(call.responder, 404, "no rule groups found");
}
void loki_prometheus_rules(Call& call) {
  send_json(call.responder, R"({"status":"success","data":{"groups":[]},"errorType":"","error":""})");
}
void loki_prometheus_alerts(Call& call) {
  send_json(call.responder, R"({"status":"success","data":{"alerts":[]},"errorType":"","error":""})");
}

}  // namespace weft::api
