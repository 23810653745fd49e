#pragma once

#include <cstdint>

#include "storage/manifest/manifest.h"

namespace weft::storage {

// A block that differs from every other in every field; the same for the same number.
inline Block some_block(std::uint64_t number, std::uint8_t level = 0) {
  Block block;
  block.id = {number * 0x9e3779b97f4a7c15ULL, number};
  block.level = level;
  block.size = 1000 + number;
  block.index_offset = 500 + number;
  block.footer_offset = 900 + number;
  block.footer_bytes = 52;
  block.hash = ~number;
  block.rows = 10 * number;
  block.raw_bytes = 100'000 * number;
  block.traces = number;
  block.first_ns = static_cast<std::int64_t>(number) * 1000;
  block.last_ns = block.first_ns + 999;
  block.sources = {{"node-a", number, number + 1}};
  return block;
}

}  // namespace weft::storage
