#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "storage/block/page.h"

// Values of every shape that pages may have to hold, and damage to the pages that hold them.

namespace weft::storage::block::testing {

inline constexpr std::size_t kCounts[] = {0,   1,   2,   3,    7,    127,  128, 129,
                                          255, 256, 257, 1000, 4097, 8191, 8192};

enum class Shape : std::uint8_t {
  constant,
  sorted,
  regular,
  clustered,
  narrow,
  random,
  extreme,
  descending,
  outliers,
  last
};

inline std::vector<std::uint64_t> integers(Shape shape, std::size_t count, std::mt19937_64& random) {
  using Limits = std::numeric_limits<std::uint64_t>;
  static constexpr std::uint64_t extremes[] = {0, 1, Limits::max(), Limits::max() / 2,
                                                Limits::max() / 2 + 1};
  std::vector<std::uint64_t> values;
  std::uint64_t value = random();
  std::uint64_t step = random() % 1'000'000;
  unsigned width = static_cast<unsigned>(random() % 64);
  for (std::size_t i = 0; i < count; ++i) {
    switch (shape) {
      case Shape::sorted: value += random() % 1000; break;
      case Shape::regular: value += step; break;
      case Shape::clustered: value = random() % 20 == 0 ? random() % 5 : value; break;
      case Shape::narrow: value = random() >> width; break;
      case Shape::random: value = random(); break;
      case Shape::extreme: value = extremes[random() % std::size(extremes)]; break;
      case Shape::descending: value -= random() % 100; break;
      case Shape::outliers: value = random() % 100 == 0 ? random() : random() % 16; break;
      default: break;
    }
    values.push_back(value);
  }
  return values;
}

// Makes a page's hash right again after its other bytes were changed.
inline void mend_hash(std::string& page) {
  auto hash = static_cast<std::uint32_t>(hash64(std::string_view(page).substr(4)));
  std::memcpy(page.data(), &hash, sizeof hash);
}

// Reads the page with every byte changed in several ways, and cut at every length. read(bytes)
// returns a Result of something comparable. As it stands, damage gives an error or what was there
// before; with a hash that fits, anything that is not a crash will do.
template <class Read>
void expect_damage_is_noticed(const std::string& page, Read read) {
  auto whole = read(page);
  ASSERT_TRUE(whole);
  for (std::size_t size = 0; size < page.size(); ++size) {
    auto cut = read(page.substr(0, size));
    EXPECT_FALSE(cut) << "cut at " << size;
    if (!cut) EXPECT_EQ(cut.error().code(), Code::corrupted);
  }
  for (std::size_t at = 0; at < page.size(); ++at) {
    for (unsigned flip : {0x01U, 0x80U, 0xffU, 0x10U}) {
      std::string damaged = page;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
      auto seen = read(damaged);
      EXPECT_TRUE(!seen || *seen == *whole) << "byte " << at << " xor " << flip;
      if (!seen) EXPECT_EQ(seen.error().code(), Code::corrupted);
      mend_hash(damaged);
      (void)read(damaged);
    }
  }
}

}  // namespace weft::storage::block::testing
