#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace weft::ingest {

// How many bytes each trace has received lately, for the limit on a trace's size. A fixed amount
// of memory: of many traces at once the smallest are forgotten, so the limit may be late for a
// trace, never early. One thread.
class LiveTraces {
 public:
  LiveTraces();

  // Adds to a trace and says whether it is still within `bytes_max`; if not, nothing is added.
  // `tenant_hash` keeps tenants apart. A trace that was idle for a minute begins anew.
  bool add(std::uint64_t tenant_hash, const TraceId& id, std::size_t bytes, std::size_t bytes_max,
           std::int64_t now_ns);

 private:
  struct Slot {
    TraceId id;
    std::uint64_t tenant_hash = 0;
    std::uint64_t bytes = 0;
    std::int64_t touched_ns = 0;
  };
  std::vector<Slot> slots_;  // sets of four
};

}  // namespace weft::ingest
