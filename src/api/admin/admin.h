#pragma once

#include "api/services.h"

namespace weft::api {

void admin_ready(Call& call);      // GET /ready
void admin_metrics(Call& call);    // GET /metrics
void admin_config(Call& call);     // GET /config, /status/config
void admin_buildinfo(Call& call);  // GET /api/status/buildinfo
void loki_buildinfo(Call& call);   // GET /loki/api/v1/status/buildinfo
void admin_echo(Call& call);       // GET /api/echo
void admin_log_level(Call& call);  // GET|POST /log_level
void admin_services(Call& call);   // GET /services
void admin_index(Call& call);      // GET /

}  // namespace weft::api
