#include "base/machine.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Machine, HasMemory) {
  EXPECT_GE(machine_memory_bytes(), std::uint64_t{64} << 20);
  EXPECT_LE(machine_memory_bytes(), std::uint64_t{1} << 50);
}

}  // namespace
}  // namespace weft
