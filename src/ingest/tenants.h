#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/guarded.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "ingest/active_streams.h"
#include "ingest/refusals.h"
#include "ingest/token_bucket.h"
#include "model/limits.h"
#include "model/tenant.h"

namespace weft::ingest {

// What the write path remembers of one tenant. Thread-safe.
struct Tenant {
  Tenant(std::string_view label, const Limits& limits, Registry& metrics);

  std::string label;  // of its metrics
  std::uint64_t hash;
  Guarded<TokenBucket> log_bytes_allowed;
  Guarded<TokenBucket> span_bytes_allowed;
  Guarded<ActiveStreams> streams;

  Counter& log_bytes;
  Counter& log_lines;
  Counter& span_bytes;
  Counter& spans;
};

// All tenants, made when first seen. Their number is the sender's choice, so beyond kTenantsMax
// the rest share one, limits and metrics included. Thread-safe.
class Tenants {
 public:
  static constexpr std::size_t kTenantsMax = 10'000;

  Tenants(const Limits& limits, Registry& metrics) : limits_(limits), metrics_(metrics) {}
  Tenant& get(const TenantId& id);

 private:
  using Map = std::unordered_map<std::string, std::unique_ptr<Tenant>, StringHash, std::equal_to<>>;
  const Limits& limits_;
  Registry& metrics_;
  Guarded<Map> tenants_;
};

}  // namespace weft::ingest
