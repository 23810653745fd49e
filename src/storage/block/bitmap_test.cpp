#include "storage/block/bitmap.h"

#include "storage/block/encoding_integer.h"
#include "storage/testing/page_samples.h"

namespace weft::storage::block {
namespace {

Bitmap random_bits(std::size_t size, unsigned per_mille, std::size_t run, std::mt19937_64& random) {
  Bitmap bits;
  bool value = false;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % run == 0) value = random() % 1000 < per_mille;
    bits.push_back(value);
  }
  return bits;
}

Result<Bitmap> read(std::string_view bytes) {
  Zstd zstd;
  PageBuffer buffer;
  return decode_bitmap(TRY(take_page(bytes, zstd, buffer)));
}

std::string page_of(const Bitmap& bits) {
  std::string page;
  encode_bitmap(bits, page);
  return page;
}

TEST(Bitmap, EveryDensityComesBack) {
  std::mt19937_64 random(11);
  for (std::size_t size : testing::kCounts) {
    for (unsigned density : {0U, 1U, 20U, 500U, 990U, 1000U}) {
      for (std::size_t run : {1U, 3U, 200U}) {
        Bitmap bits = random_bits(size, density, run, random);
        auto seen = read(page_of(bits));
        ASSERT_TRUE(seen) << seen.error().message();
        EXPECT_EQ(*seen, bits);
      }
    }
  }
}

TEST(Bitmap, RangesAreWhatBitsAre) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 200; ++round) {
    std::size_t size = 1 + random() % 300;
    std::size_t begin = random() % size;
    std::size_t end = begin + random() % (size - begin + 1);
    Bitmap bits(size);
    bits.set_range(begin, end);
    Bitmap one_by_one(size);
    for (std::size_t i = begin; i < end; ++i) one_by_one.set(i);
    EXPECT_EQ(bits, one_by_one);
    EXPECT_EQ(bits.count(), end - begin);
  }
  EXPECT_EQ(Bitmap(77, true).count(), 77U);
}

TEST(Bitmap, AllOrNothingTakesAFewBytes) {
  EXPECT_LE(page_of(Bitmap(8192, true)).size(), 20U);
  EXPECT_LE(page_of(Bitmap(8192)).size(), 20U);
  std::mt19937_64 random(13);
  EXPECT_EQ(page_of(random_bits(8192, 500, 1, random)).size(), 16 + 1 + 1024U);
}

TEST(Bitmap, DamageIsNoticed) {
  std::mt19937_64 random(14);
  for (std::size_t run : {1U, 30U})
    testing::expect_damage_is_noticed(page_of(random_bits(250, 500, run, random)), read);
}

TEST(Presence, RankFindsTheValueOfARow) {
  std::mt19937_64 random(15);
  for (unsigned density : {0U, 100U, 500U, 1000U}) {
    Presence presence(random_bits(8192, density, 1, random));
    std::size_t before = 0;
    for (std::size_t row = 0; row < presence.size(); ++row) {
      ASSERT_EQ(presence.rank(row), before);
      before += static_cast<std::size_t>(presence.has(row));
    }
    EXPECT_EQ(presence.values(), before);
  }
}

TEST(Presence, AnOptionalColumnIsTwoPages) {
  Bitmap rows;
  std::vector<std::int64_t> dense;
  for (std::int64_t i = 0; i < 1000; ++i) {
    rows.push_back(i % 3 == 0);
    if (i % 3 == 0) dense.push_back(i * i);
  }
  std::string bytes;
  encode_bitmap(rows, bytes);
  encode_integers(dense, bytes);
  Zstd zstd;
  PageBuffer buffer;
  std::string_view rest = bytes;
  Presence presence(*decode_bitmap(*take_page(rest, zstd, buffer)));
  std::vector<std::int64_t> values;
  ASSERT_TRUE(decode_integers(*take_page(rest, zstd, buffer), values));
  EXPECT_TRUE(rest.empty());
  ASSERT_EQ(values.size(), presence.values());
  for (std::int64_t i = 0; i < 1000; i += 3)
    EXPECT_EQ(values[presence.rank(static_cast<std::size_t>(i))], i * i);
}

}  // namespace
}  // namespace weft::storage::block
