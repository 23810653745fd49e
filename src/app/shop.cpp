#include "app/shop.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app/shop_story.h"
#include "base/hash.h"
#include "model/time.h"

namespace weft::app {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::array<ShopService, 8> kServices{{
    {"gateway", "nginx", "1.27.3", "nginx", LogFormat::plain},
    {"storefront", "nodejs", "5.12.0", "web", LogFormat::json},
    {"catalog", "go", "2.8.1", "catalog", LogFormat::logfmt},
    {"cart", "go", "1.19.4", "cart", LogFormat::logfmt},
    {"checkout", "go", "3.3.0", "checkout", LogFormat::json},
    {"payment-service", "go", "1.4.2", "payment", LogFormat::json},
    {"inventory", "java", "7.0.9", "app", LogFormat::plain},
    {"notifications", "python", "0.9.3", "worker", LogFormat::otlp},
}};

std::string_view pod_name(Arena& arena, std::size_t service, std::size_t pod) {
  // Looks like a pod of a Kubernetes deployment, and is the same for every seed, so that links kept
  // from one run work in the next.
  const std::uint64_t hash = hash64(kServices[service].name, pod);
  return arena.copy(fmt::format("{}-{:08x}-{:05x}", kServices[service].name,
                                hash64(kServices[service].name, 99) >> 32, hash & 0xfffff));
}

void add_resources(SpanBatch& batch) {
  Arena& arena = batch.arena;
  for (std::size_t service = 0; service < kServices.size(); ++service) {
    for (std::size_t pod = 0; pod < kShopPods; ++pod) {
      const ShopService& s = kServices[service];
      const std::string_view name = pod_name(arena, service, pod);
      const std::array<Attribute, 13> attributes{{
          {"service.name", Value::of(s.name)},
          {"service.namespace", Value::of("shop"sv)},
          {"service.version", Value::of(s.version)},
          {"service.instance.id", Value::of(name)},
          {"k8s.namespace.name", Value::of(kShopNamespace)},
          {"k8s.pod.name", Value::of(name)},
          {"k8s.container.name", Value::of(s.container)},
          {"telemetry.sdk.language", Value::of(s.language)},
          {"deployment.environment", Value::of("production"sv)},
          // The labels of the logs under their own names: what Grafana's trace-to-logs link maps.
          {"app", Value::of(s.name)},
          {"namespace", Value::of(kShopNamespace)},
          {"pod", Value::of(name)},
          {"container", Value::of(s.container)},
      }};
      batch.resources.push_back({.attributes = arena.copy(std::span<const Attribute>(attributes))});
      batch.scopes.push_back({.name = arena.copy(fmt::format("shop/{}", s.name)), .version = s.version});
    }
  }
}

bool logs_by_otlp(const ShopLog& log) {
  return kServices[log.resource / kShopPods].format == LogFormat::otlp;
}

}  // namespace

std::span<const ShopService> shop_services() {
  return kServices;
}

void ShopScene::clear() {
  spans.clear();
  logs.clear();
  end_ns = 0;
  visits = 0;
  errors = 0;
}

void Shop::visit(std::int64_t start_ns, ShopScene& scene) {
  if (scene.spans.resources.empty()) add_resources(scene.spans);
  play_visit(random_, database_is_slow(start_ns), start_ns, scene);
  ++scene.visits;
}

std::int64_t Shop::pause_ns(double rate) {
  const double seconds = -std::log(1.0 - random_.unit()) / rate;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(seconds * 1e9));
}

bool Shop::database_is_slow(std::int64_t time_ns) const {
  constexpr std::int64_t kWindowNs = 600 * kNsPerSecond;
  Random random(hash_combine(seed_, static_cast<std::uint64_t>(time_ns / kWindowNs)));
  const std::int64_t begin = random.between(0, 479) * kNsPerSecond;
  const std::int64_t length = random.between(60, 120) * kNsPerSecond;
  const std::int64_t at = time_ns % kWindowNs;
  return begin <= at && at < begin + length;
}

void shop_log_streams(const ShopScene& scene, LogBatch& batch) {
  batch.clear();
  for (std::uint32_t resource = 0; resource < scene.spans.resources.size(); ++resource) {
    LogStream stream{.labels_begin = static_cast<std::uint32_t>(batch.labels.size()),
                     .entries_begin = static_cast<std::uint32_t>(batch.entries.size())};
    for (const ShopLog& log : scene.logs) {
      if (log.resource != resource || logs_by_otlp(log)) continue;
      batch.entries.push_back({.time_ns = log.time_ns, .line = log.line});
    }
    stream.entries_count = static_cast<std::uint32_t>(batch.entries.size()) - stream.entries_begin;
    if (stream.entries_count == 0) continue;
    std::sort(batch.entries.begin() + stream.entries_begin, batch.entries.end(),
              [](const LogEntry& a, const LogEntry& b) { return a.time_ns < b.time_ns; });
    const Attributes attributes = scene.spans.resources[resource].attributes;
    for (const std::string_view name : {"app", "container", "namespace", "pod"}) {
      batch.labels.push_back({name, find_attribute(attributes, name)->as_text()});
      ++stream.labels_count;
    }
    batch.streams.push_back(stream);
  }
}

void shop_otlp_logs(const ShopScene& scene, wire::OtlpLogs& logs) {
  logs.clear();
  logs.resources = scene.spans.resources;
  logs.scopes = scene.spans.scopes;
  for (const ShopLog& log : scene.logs) {
    if (!logs_by_otlp(log)) continue;
    const bool linked = !log.trace_id.is_zero();
    const auto bytes = [](const auto& id) {
      return std::string_view(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
    };
    const std::int32_t severity = log.level == "error"  ? 17
                                  : log.level == "warn" ? 13
                                  : log.level == "info" ? 9
                                                        : 5;
    logs.records.push_back({.time_ns = static_cast<std::uint64_t>(log.time_ns),
                            .observed_time_ns = static_cast<std::uint64_t>(log.time_ns),
                            .severity_number = severity,
                            .severity_text = log.level,
                            .body = Value::of(log.line),
                            .attributes = log.fields,
                            .flags = linked ? 1u : 0u,
                            .trace_id = linked ? bytes(log.trace_id) : std::string_view(),
                            .span_id = linked ? bytes(log.span_id) : std::string_view(),
                            .resource = log.resource,
                            .scope = log.resource});
  }
}

}  // namespace weft::app
