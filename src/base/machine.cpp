#include "base/machine.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace weft {

std::uint64_t machine_memory_bytes() {
  auto bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
               static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  // Seen from inside a container its own group is the root of what is mounted.
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/memory.max", "r")) {
    unsigned long long limit = 0;  // the file may also say "max"
    if (std::fscanf(file, "%llu", &limit) == 1 && limit > 0) bytes = std::min<std::uint64_t>(bytes, limit);
    std::fclose(file);
  }
  return bytes;
}

}  // namespace weft
