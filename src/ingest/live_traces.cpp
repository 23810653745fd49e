#include "ingest/live_traces.h"

#include "base/hash.h"

namespace weft::ingest {
namespace {

constexpr std::size_t kSets = std::size_t{1} << 14;
constexpr std::size_t kWays = 4;
constexpr std::int64_t kIdleNs = 60'000'000'000;

}  // namespace

LiveTraces::LiveTraces() : slots_(kSets * kWays) {}

bool LiveTraces::add(std::uint64_t tenant_hash, const TraceId& id, std::size_t bytes, std::size_t bytes_max,
                     std::int64_t now_ns) {
  Slot* set = &slots_[hash_combine(tenant_hash, hash_of(id)) % kSets * kWays];
  Slot* chosen = set;
  for (Slot* s = set; s < set + kWays; ++s) {
    if (s->bytes != 0 && now_ns - s->touched_ns >= kIdleNs) s->bytes = 0;
    if (s->bytes != 0 && s->id == id && s->tenant_hash == tenant_hash) {
      s->touched_ns = now_ns;
      if (s->bytes + bytes > bytes_max) return false;
      s->bytes += bytes;
      return true;
    }
    if (s->bytes < chosen->bytes) chosen = s;
  }
  if (bytes > bytes_max) return false;
  *chosen = Slot{id, tenant_hash, bytes, now_ns};
  return true;
}

}  // namespace weft::ingest
