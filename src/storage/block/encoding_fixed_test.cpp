#include "storage/block/encoding_fixed.h"

#include <bit>

#include "model/ids.h"
#include "storage/testing/page_samples.h"

namespace weft::storage::block {
namespace {

using testing::Shape;

template <class T>
Result<std::vector<T>> read(std::string_view bytes) {
  Zstd zstd;
  PageBuffer buffer;
  std::vector<T> values;
  TRY(decode_fixed(TRY(take_page(bytes, zstd, buffer)), values));
  return values;
}

// By their bits, since NaN is not NaN.
Result<std::vector<std::uint64_t>> read_doubles(std::string_view bytes) {
  Zstd zstd;
  PageBuffer buffer;
  std::vector<double> values;
  TRY(decode_doubles(TRY(take_page(bytes, zstd, buffer)), values));
  std::vector<std::uint64_t> bits;
  for (double value : values) bits.push_back(std::bit_cast<std::uint64_t>(value));
  return bits;
}

std::string page_of_doubles(const std::vector<std::uint64_t>& bits) {
  std::vector<double> values;
  for (std::uint64_t pattern : bits) values.push_back(std::bit_cast<double>(pattern));
  std::string page;
  encode_doubles(values, page);
  return page;
}

template <class T>
std::string page_of(const std::vector<T>& values) {
  std::string page;
  encode_fixed(std::span<const T>(values), page);
  return page;
}

TEST(Fixed, IdsComeBack) {
  std::mt19937_64 random(21);
  for (std::size_t count : testing::kCounts) {
    for (bool same : {false, true}) {
      std::vector<TraceId> traces(count);
      std::vector<SpanId> spans(count);
      for (std::size_t i = 0; i < count && !same; ++i) {
        traces[i].bytes[random() % 16] = static_cast<std::uint8_t>(random());
        spans[i].bytes[random() % 8] = static_cast<std::uint8_t>(random());
      }
      EXPECT_EQ(*read<TraceId>(page_of(traces)), traces);
      EXPECT_EQ(*read<SpanId>(page_of(spans)), spans);
      if (same && count > 0) EXPECT_EQ(page_of(traces).size(), 32U);
    }
  }
}

TEST(Fixed, TheWrongWidthIsNoticed) {
  std::vector<SpanId> spans(3);
  spans[1].bytes[0] = 1;
  auto refused = read<TraceId>(page_of(spans));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "fixed values: 24 bytes for 3 values of 16");
}

TEST(Doubles, EveryBitPatternComesBack) {
  std::mt19937_64 random(22);
  for (std::size_t count : testing::kCounts) {
    for (int s = 0; s < static_cast<int>(Shape::last); ++s) {
      auto bits = testing::integers(static_cast<Shape>(s), count, random);
      auto seen = read_doubles(page_of_doubles(bits));
      ASSERT_TRUE(seen) << seen.error().message();
      EXPECT_EQ(*seen, bits);
    }
  }
}

TEST(Doubles, FewDifferentOnesAreADictionary) {
  std::vector<std::uint64_t> bits;
  for (std::size_t i = 0; i < 8000; ++i)
    bits.push_back(std::bit_cast<std::uint64_t>(0.1 * static_cast<double>(i * 7919 % 5)));
  std::string page = page_of_doubles(bits);
  EXPECT_EQ(static_cast<Encoding>(page[14]), Encoding::dictionary);
  EXPECT_LE(page.size(), 8000 * 3 / 8 + 100U);
}

TEST(Fixed, DamageIsNoticed) {
  std::mt19937_64 random(23);
  std::vector<SpanId> spans(30);
  spans[7].bytes[0] = 1;
  testing::expect_damage_is_noticed(page_of(spans), read<SpanId>);
  for (Shape shape : {Shape::random, Shape::clustered, Shape::constant})
    testing::expect_damage_is_noticed(page_of_doubles(testing::integers(shape, 60, random)), read_doubles);
}

}  // namespace
}  // namespace weft::storage::block
