#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "exec/context.h"
#include "ingest/pipeline.h"
#include "model/limits.h"
#include "model/tenant.h"
#include "net/server.h"
#include "storage/store.h"

namespace weft::api {

// The version of Loki whose API this is; clients ask for it.
inline constexpr std::string_view kLokiVersion = "3.7.6";

// What handlers work with. Everything outlives the servers.
struct Services {
  storage::Store& store;
  ingest::Pipeline& ingest;
  const Clock& clock;
  Registry& metrics;
  Limits limits;
  bool logs_auth = false;    // Loki's auth_enabled: X-Scope-OrgID is required
  bool traces_auth = false;  // Tempo's multitenancy_enabled
  std::string config_yaml;   // effective settings for /config, secrets masked
  std::string version;       // "0.1.0"
  std::string revision;      // git commit
  std::function<bool()> stopping;
};

class HealthWatches;

// Whose data a request is about.
enum class Signal : unsigned char { logs, traces };

// One request on its way through a handler. Handlers may keep a copy of `responder` and answer
// later; `request` is theirs to take apart.
struct Call {
  const Services& services;
  net::Request request;
  net::Responder responder;
  TenantId tenant;                   // resolved by the router according to the route's signal
  std::string param;                 // what {…} of the route's pattern matched, percent-decoded
  HealthWatches* watches = nullptr;  // of this port; the router sets it
};
using HandlerFunction = void (*)(Call& call);

// The tenant that a request names. Without authentication everything belongs to one tenant: "fake"
// for logs and for traces alike, so that the two can be tied together. Errors: unauthenticated
// "no org id", invalid_argument for an id with other characters than [0-9A-Za-z!_.*'()-].
Result<TenantId> resolve_tenant(const Services& services, Signal signal, const net::Request& request);

// The bounds of one query; it ends when the client goes away.
exec::Context::Options query_bounds(const Call& call);
// The same for work that outlives its request; `cancelled` is asked whether anybody still waits.
exec::Context::Options query_bounds(const Limits& limits, std::function<bool()> cancelled);

// The HTTP status for a Code; the one place where the two meet.
int http_status(Code code);

// Answers with plain text, as Loki and Tempo answer errors.
void send_text(const net::Responder& responder, int status, std::string text);
void send_error(const net::Responder& responder, const Error& error);
void send_json(const net::Responder& responder, std::string json);

}  // namespace weft::api
