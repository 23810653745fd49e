#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include <emmintrin.h>
#include <tmmintrin.h>

namespace weft::ingest {

// 64 bytes of a text as four registers; questions about them are answered by one bit a byte, the
// first byte being bit 0. SSSE3 suffices: a log line is three or four blocks, so that wider
// registers would be spent on the tail.
class Block64 {
 public:
  // The block that begins at `at` (< text.size()); bytes past the end are zero.
  static Block64 load(std::string_view text, std::size_t at) {
    std::size_t left = text.size() - at;
    if (left >= 64) return Block64(text.data() + at);
    alignas(16) char tail[64] = {};
    std::memcpy(tail, text.data() + at, left);
    return Block64(tail);
  }

  // One bit for each byte of which `is(register)` says 0xFF.
  template <class Is>
  std::uint64_t mask(Is is) const {
    auto bits = [&](__m128i part) { return static_cast<std::uint64_t>(_mm_movemask_epi8(is(part))); };
    return bits(parts_[0]) | bits(parts_[1]) << 16 | bits(parts_[2]) << 32 | bits(parts_[3]) << 48;
  }

  std::uint64_t equal(char c) const {
    __m128i wanted = _mm_set1_epi8(c);
    return mask([&](__m128i part) { return _mm_cmpeq_epi8(part, wanted); });
  }

 private:
  explicit Block64(const char* bytes) {
    for (int i = 0; i < 4; ++i) parts_[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * i));
  }

  __m128i parts_[4];
};

// 0xFF for bytes in [first, first + count], count < 255.
inline __m128i in_range(__m128i bytes, char first, char count) {
  __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(count)), offset);
}
inline __m128i to_lower(__m128i bytes) {
  return _mm_or_si128(bytes, _mm_set1_epi8(0x20));
}

// Bits of bytes that a backslash before them takes literally, given the backslashes of a block.
// `carry` says whether the first byte is escaped by the block before; updated for the next.
inline std::uint64_t escaped_bytes(std::uint64_t backslashes, bool& carry) {
  std::uint64_t escaped = carry ? 1 : 0;
  carry = false;
  for (std::uint64_t left = backslashes & ~escaped; left != 0;) {
    int at = __builtin_ctzll(left);
    if (at == 63) {
      carry = true;
      break;
    }
    escaped |= std::uint64_t{2} << at;
    left &= ~(std::uint64_t{3} << at);
  }
  return escaped;
}

}  // namespace weft::ingest
