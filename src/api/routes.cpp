#include "api/routes.h"

#include <array>

#include "api/admin/admin.h"
#include "api/loki/loki.h"
#include "api/otlp/otlp.h"
#include "api/tempo/tempo.h"
#include "base/check.h"
#include "base/log.h"
#include "net/grpc.h"

namespace weft::api {
namespace {

enum class Tenant : unsigned char { none, logs, traces };
enum Methods : unsigned { kGet = 1, kPost = 2, kGetPost = 3, kAnyMethod = 4 };
enum Surfaces : unsigned { kMain = 1, kOtlpGrpc = 2, kOtlpHttp = 4 };

// One endpoint. `pattern` is a path; {} stands for one segment, {*} for anything (slashes too).
struct Route {
  std::string_view pattern;
  unsigned methods;
  unsigned surfaces;
  Tenant tenant;
  HandlerFunction handler;
};

// Every endpoint of weft, in one table.
constexpr auto kRoutes = std::to_array<Route>({
    // Loki
    {"/loki/api/v1/push", kAnyMethod, kMain, Tenant::logs, loki_push},
    {"/api/prom/push", kAnyMethod, kMain, Tenant::logs, loki_push},
    {"/otlp/v1/logs", kAnyMethod, kMain, Tenant::logs, loki_otlp_logs},
    {"/loki/api/v1/query_range", kGetPost, kMain, Tenant::logs, loki_query_range},
    {"/loki/api/v1/query", kGetPost, kMain, Tenant::logs, loki_query},
    {"/loki/api/v1/labels", kGetPost, kMain, Tenant::logs, loki_labels},
    {"/loki/api/v1/label", kGetPost, kMain, Tenant::logs, loki_labels},
    {"/loki/api/v1/label/{}/values", kGetPost, kMain, Tenant::logs, loki_label_values},
    {"/loki/api/v1/series", kGetPost, kMain, Tenant::logs, loki_series},
    {"/loki/api/v1/index/stats", kGetPost, kMain, Tenant::logs, loki_index_stats},
    {"/loki/api/v1/index/volume", kGetPost, kMain, Tenant::logs, loki_index_volume},
    {"/loki/api/v1/index/volume_range", kGetPost, kMain, Tenant::logs, loki_index_volume_range},
    {"/loki/api/v1/index/shards", kGetPost, kMain, Tenant::logs, loki_index_shards},
    {"/loki/api/v1/detected_fields", kGetPost, kMain, Tenant::logs, loki_detected_fields},
    {"/loki/api/v1/detected_field/{}/values", kGetPost, kMain, Tenant::logs, loki_detected_field_values},
    {"/loki/api/v1/detected_labels", kGetPost, kMain, Tenant::logs, loki_detected_labels},
    {"/loki/api/v1/patterns", kGetPost, kMain, Tenant::logs, loki_patterns},
    {"/loki/api/v1/drilldown-limits", kGet, kMain, Tenant::logs, loki_drilldown_limits},
    {"/loki/api/v1/rules", kGet, kMain, Tenant::logs, loki_rules},
    {"/loki/api/v1/rules/{*}", kGet, kMain, Tenant::logs, loki_rules},
    {"/api/prom/rules", kGet, kMain, Tenant::logs, loki_rules},
    {"/api/prom/rules/{*}", kGet, kMain, Tenant::logs, loki_rules},
    {"/prometheus/api/v1/rules", kGet, kMain, Tenant::logs, loki_prometheus_rules},
    {"/prometheus/api/v1/alerts", kGet, kMain, Tenant::logs, loki_prometheus_alerts},
    {"/api/prom/query", kGetPost, kMain, Tenant::logs, loki_legacy_query},
    {"/api/prom/label", kGetPost, kMain, Tenant::logs, loki_legacy_labels},
    {"/api/prom/label/{}/values", kGetPost, kMain, Tenant::logs, loki_legacy_label_values},
    {"/api/prom/series", kGetPost, kMain, Tenant::logs, loki_series},
    {"/loki/api/v1/tail", kGet, kMain, Tenant::logs, loki_tail},
    {"/api/prom/tail", kGet, kMain, Tenant::logs, loki_tail},
    {"/loki/api/v1/format_query", kGetPost, kMain, Tenant::none, loki_format_query},
    {"/loki/api/v1/status/buildinfo", kGet, kMain, Tenant::none, loki_buildinfo},
    // Tempo
    {"/api/traces/{}", kGet, kMain, Tenant::traces, tempo_trace_v1},
    {"/api/v2/traces/{}", kGet, kMain, Tenant::traces, tempo_trace_v2},
    {"/api/search", kGet, kMain, Tenant::traces, tempo_search},
    {"/api/search/tags", kGet, kMain, Tenant::traces, tempo_tags_v1},
    {"/api/v2/search/tags", kGet, kMain, Tenant::traces, tempo_tags_v2},
    {"/api/search/tag/{*}/values", kGet, kMain, Tenant::traces, tempo_tag_values_v1},
    {"/api/v2/search/tag/{*}/values", kGet, kMain, Tenant::traces, tempo_tag_values_v2},
    {"/api/metrics/query_range", kGet, kMain, Tenant::traces, tempo_metrics_range},
    {"/api/metrics/query", kGet, kMain, Tenant::traces, tempo_metrics_instant},
    {"/tempopb.StreamingQuerier/Search", kPost, kMain, Tenant::traces, tempo_stream_search},
    {"/tempopb.StreamingQuerier/SearchTags", kPost, kMain, Tenant::traces, tempo_stream_tags_v1},
    {"/tempopb.StreamingQuerier/SearchTagsV2", kPost, kMain, Tenant::traces, tempo_stream_tags_v2},
    {"/tempopb.StreamingQuerier/SearchTagValues", kPost, kMain, Tenant::traces, tempo_stream_tag_values_v1},
    {"/tempopb.StreamingQuerier/SearchTagValuesV2", kPost, kMain, Tenant::traces, tempo_stream_tag_values_v2},
    {"/tempopb.StreamingQuerier/MetricsQueryRange", kPost, kMain, Tenant::traces, tempo_stream_metrics_range},
    {"/tempopb.StreamingQuerier/MetricsQueryInstant", kPost, kMain, Tenant::traces,
     tempo_stream_metrics_instant},
    // OTLP
    {"/v1/traces", kAnyMethod, kMain | kOtlpHttp, Tenant::traces, otlp_http_traces},
    {"/v1/logs", kAnyMethod, kMain | kOtlpHttp, Tenant::logs, otlp_http_logs},
    {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", kPost, kMain | kOtlpGrpc, Tenant::traces,
     otlp_grpc_traces},
    {"/opentelemetry.proto.collector.logs.v1.LogsService/Export", kPost, kMain | kOtlpGrpc, Tenant::logs,
     otlp_grpc_logs},
    // Zipkin
    {"/api/v2/spans", kPost, kMain, Tenant::traces, zipkin_spans},
    {"/api/v1/spans", kPost, kMain, Tenant::traces, zipkin_v1_spans},
    // Operations
    {"/ready", kGet, kMain, Tenant::none, admin_ready},
    {"/metrics", kGet, kMain, Tenant::none, admin_metrics},
    {"/config", kGet, kMain, Tenant::none, admin_config},
    {"/status/config", kGet, kMain, Tenant::none, admin_config},
    {"/api/status/buildinfo", kGet, kMain, Tenant::none, admin_buildinfo},
    {"/api/echo", kGet, kMain, Tenant::none, admin_echo},
    {"/status", kGet, kMain, Tenant::none, admin_status},
    {"/status/version", kGet, kMain, Tenant::none, admin_status_version},
    {"/status/services", kGet, kMain, Tenant::none, admin_services},
    {"/status/endpoints", kGet, kMain, Tenant::none, admin_status_endpoints},
    {"/status/overrides", kGet, kMain, Tenant::none, admin_status_overrides},
    {"/status/overrides/{}", kGet, kMain, Tenant::none, admin_status_overrides},
    {"/status/buildinfo", kGet, kMain, Tenant::none, admin_buildinfo},
    {"/grpc.health.v1.Health/Check", kPost, kMain | kOtlpGrpc, Tenant::none, admin_health_check},
    {"/grpc.health.v1.Health/Watch", kPost, kMain | kOtlpGrpc, Tenant::none, admin_health_watch},
    {"/log_level", kGetPost, kMain, Tenant::none, admin_log_level},
    {"/services", kGet, kMain, Tenant::none, admin_services},
    {"/", kGet, kMain, Tenant::none, admin_index},
});

// The text that the pattern's hole matched ("" for a pattern without one), or nothing.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  std::size_t open = pattern.find('{');
  if (open == std::string_view::npos)
    return pattern == path ? std::optional(std::string_view()) : std::nullopt;
  std::string_view prefix = pattern.substr(0, open);
  std::string_view suffix = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= prefix.size() + suffix.size() || !path.starts_with(prefix) || !path.ends_with(suffix))
    return std::nullopt;
  std::string_view hole = path.substr(prefix.size(), path.size() - prefix.size() - suffix.size());
  bool any = pattern[open + 1] == '*';
  if (!any && hole.find('/') != std::string_view::npos) return std::nullopt;
  return hole;
}

bool allows(unsigned methods, std::string_view method) {
  if ((methods & kAnyMethod) != 0) return true;
  if (method == "GET" || method == "HEAD") return (methods & kGet) != 0;
  return method == "POST" && (methods & kPost) != 0;
}

unsigned surface_bit(Surface surface) {
  switch (surface) {
    case Surface::all: return kMain;
    case Surface::otlp_grpc: return kOtlpGrpc;
    case Surface::otlp_http: return kOtlpHttp;
  }
  return kMain;
}

void send_failure(const net::Request& request, const net::Responder& responder, const Error& error) {
  if (net::is_grpc(request)) return net::grpc_error(responder, error);
  send_error(responder, error);
}

// Counts and times every request by route, under the names that dashboards for the peers read.
class Router {
 public:
  Router(const Services& services, Surface surface)
      : services_(services),
        surface_(surface_bit(surface)),
        watches_({[&services] { return health(services); }, services.stopping}, services.metrics) {
    for (const Route& route : kRoutes)
      latency_.push_back(&services.metrics.histogram("weft_http_request_seconds", "Time to handle a request.",
                                                     latency_buckets(),
                                                     {{"route", std::string(route.pattern)}}));
  }

  void operator()(net::Request request, net::Responder responder) {
    bool known_path = false;
    for (std::size_t i = 0; i < kRoutes.size(); ++i) {
      const Route& route = kRoutes[i];
      if ((route.surfaces & surface_) == 0) continue;
      auto hole = match(route.pattern, request.path);
      if (!hole) continue;
      known_path = true;
      if (!allows(route.methods, request.method)) continue;
      TenantId tenant;
      if (route.tenant != Tenant::none) {
        auto resolved =
            resolve_tenant(services_, route.tenant == Tenant::logs ? Signal::logs : Signal::traces, request);
        if (!resolved) return send_failure(request, responder, resolved.error());
        tenant = std::move(*resolved);
      }
      std::string param = net::percent_decode(*hole, false);
      std::int64_t started = steady_ns();
      Call call{services_,         std::move(request), std::move(responder),
                std::move(tenant), std::move(param),   &watches_};
      route.handler(call);
      latency_[i]->observe(static_cast<double>(steady_ns() - started) / 1e9);
      return;
    }
    if (net::is_grpc(request))
      return net::grpc_error(responder, Error(Code::unimplemented, "unknown method " + request.path));
    if (known_path) return send_text(responder, 405, "405 method not allowed\n");
    send_text(responder, 404, "404 page not found\n");
  }

 private:
  const Services& services_;
  unsigned surface_;
  std::vector<Histogram*> latency_;
  HealthWatches watches_;
};

}  // namespace

std::vector<Endpoint> endpoints() {
  std::vector<Endpoint> out;
  for (const Route& r : kRoutes) {
    std::string_view methods = "*";
    if (r.methods == kGet) methods = "GET";
    if (r.methods == kPost) methods = "POST";
    if (r.methods == kGetPost) methods = "GET,POST";
    out.push_back({r.pattern, methods});
  }
  return out;
}

net::Handler make_handler(const Services& services, Surface surface) {
  return
      [router = std::make_shared<Router>(services, surface)](net::Request request, net::Responder responder) {
        (*router)(std::move(request), std::move(responder));
      };
}

}  // namespace weft::api
