#include "ingest/tenants.h"

namespace weft::ingest {
namespace {

constexpr std::string_view kOthers = "{others}";  // no tenant id has these characters

}  // namespace

Tenant::Tenant(std::string_view name, const Limits& limits, Registry& metrics)
    : label(name),
      hash(hash64(name)),
      log_bytes_allowed(limits.log_bytes_per_second, limits.log_burst_bytes),
      span_bytes_allowed(limits.span_bytes_per_second, limits.span_burst_bytes),
      log_bytes(metrics.counter("loki_distributor_bytes_received_total",
                                "Bytes of log lines and structured metadata received, refused ones included.",
                                {{"tenant", label}})),
      log_lines(metrics.counter("loki_distributor_lines_received_total",
                                "Log lines received, refused ones included.", {{"tenant", label}})),
      span_bytes(metrics.counter("tempo_distributor_bytes_received_total",
                                 "Bytes of trace requests received, decompressed.", {{"tenant", label}})),
      spans(metrics.counter("tempo_distributor_spans_received_total",
                            "Spans received, refused ones included.", {{"tenant", label}})) {}

Tenant& Tenants::get(const TenantId& id) {
  std::string name = id;
  {
    auto tenants = tenants_.lock();
    auto found = tenants->find(id);
    if (found == tenants->end() && tenants->size() >= kTenantsMax) {
      name = kOthers;
      found = tenants->find(kOthers);
    }
    if (found != tenants->end()) return *found->second;
  }
  auto tenant = std::make_unique<Tenant>(name, limits_, metrics_);  // the registry has a lock of its own
  return *tenants_.lock()->emplace(std::move(name), std::move(tenant)).first->second;
}

}  // namespace weft::ingest
