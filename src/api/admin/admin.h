#pragma once

#include <string_view>

#include "api/admin/health.h"
#include "api/services.h"

namespace weft::api {

// Grafana switches features by the version of the peer.
inline constexpr std::string_view kTempoVersion = "3.0.3";

void admin_ready(Call& call);      // GET /ready
void admin_metrics(Call& call);    // GET /metrics
void admin_config(Call& call);     // GET /config, /status/config
void admin_buildinfo(Call& call);  // GET /api/status/buildinfo, /status/buildinfo
void loki_buildinfo(Call& call);   // GET /loki/api/v1/status/buildinfo
void admin_echo(Call& call);       // GET /api/echo
void admin_log_level(Call& call);  // GET|POST /log_level
void admin_services(Call& call);   // GET /services, /status/services
void admin_index(Call& call);      // GET /

void admin_status(Call& call);            // GET /status: the pages below in one
void admin_status_version(Call& call);    // GET /status/version
void admin_status_endpoints(Call& call);  // GET /status/endpoints
void admin_status_overrides(Call& call);  // GET /status/overrides, /status/overrides/{}

// grpc.health.v1.Health.
void admin_health_check(Call& call);
void admin_health_watch(Call& call);
// serving when it is ready: it takes writes and is not stopping.
Health health(const Services& services);

}  // namespace weft::api
