#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

// Integers of `width` bits side by side. Blocks of 128 values are laid out for vectors: up to 32 bits
// wide, value i stands in lane i % 4 of 32-bit words; wider ones in lane i % 2 of 64-bit words. Each
// lane is a stream of bits, lowest first, and the words of the lanes alternate. Values after the
// last whole block are one stream of bits. Exact layout: docs/formats/block.md.

namespace weft::storage::block {

inline constexpr std::size_t kPackedBlock = 128;

constexpr std::size_t packed_bytes(std::size_t count, unsigned width) {
  return (count * width + 7) / 8;
}

// Appends packed_bytes(count, width) bytes. Requires width <= 64; bits of a value above that are lost.
void pack(const std::uint64_t* values, std::size_t count, unsigned width, std::string& out);

// out[i] = base + value i, modulo the type. Requires packed_bytes(count, width) bytes at `in`, and
// a width of no more bits than the type has.
void unpack(const char* in, std::size_t count, unsigned width, std::uint32_t base, std::uint32_t* out);
void unpack(const char* in, std::size_t count, unsigned width, std::uint64_t base, std::uint64_t* out);

}  // namespace weft::storage::block
