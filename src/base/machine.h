#pragma once

#include <cstdint>

namespace weft {

// Memory that this process may use, in bytes: the machine's, or the limit of its control group
// (cgroup v2, as containers set it) when that is less.
std::uint64_t machine_memory_bytes();

}  // namespace weft
