#include "base/bytes.h"

#include <limits>

namespace weft {
namespace {

TEST(Bytes, FixedNumbersAreLittleEndian) {
  std::string out;
  put_fixed(out, std::uint32_t{0x04030201});
  put_fixed(out, std::int16_t{-2});
  EXPECT_EQ(out, std::string("\x01\x02\x03\x04\xfe\xff"));
  ByteReader reader(out);
  EXPECT_EQ(*reader.fixed<std::uint32_t>(), 0x04030201U);
  EXPECT_EQ(*reader.fixed<std::int16_t>(), -2);
  EXPECT_TRUE(reader.at_end());
  EXPECT_TRUE(reader.expect_end());
}

TEST(Bytes, VarintsOfEveryWidthComeBack) {
  for (int bits = 0; bits <= 64; ++bits) {
    for (int below = 0; below < 2; ++below) {
      std::uint64_t value = (bits == 64 ? 0 : std::uint64_t{1} << bits) - static_cast<std::uint64_t>(below);
      std::string out;
      put_varint(out, value);
      EXPECT_EQ(out.size(), varint_bytes(value));
      ByteReader reader(out);
      auto read = reader.varint();
      ASSERT_TRUE(read);
      EXPECT_EQ(*read, value);
      EXPECT_TRUE(reader.at_end());
      for (std::size_t cut = 0; cut < out.size(); ++cut) {
        ByteReader shorter(std::string_view(out).substr(0, cut));
        auto nothing = shorter.varint();
        ASSERT_FALSE(nothing);
        EXPECT_EQ(nothing.error().code(), Code::corrupted);
        EXPECT_EQ(shorter.offset(), 0U);
      }
    }
  }
}

TEST(Bytes, VarintsThatAreTooLongAreRefused) {
  for (std::string_view bytes : {std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
                                 std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                                 std::string_view("\x80\x00", 2), std::string_view("\x81\x80\x00", 3)}) {
    ByteReader reader(bytes);
    auto read = reader.varint();
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().message(), "no varint at offset 0");
  }
}

TEST(Bytes, ZigzagIsItsOwnInverse) {
  using Limits = std::numeric_limits<std::int64_t>;
  EXPECT_EQ(zigzag(0), 0U);
  EXPECT_EQ(zigzag(-1), 1U);
  EXPECT_EQ(zigzag(1), 2U);
  EXPECT_EQ(zigzag(Limits::min()), std::numeric_limits<std::uint64_t>::max());
  for (std::int64_t value :
       {Limits::min(), Limits::min() + 1, std::int64_t{-2}, std::int64_t{7}, Limits::max()})
    EXPECT_EQ(unzigzag(zigzag(value)), value);
}

TEST(Bytes, NothingIsReadPastTheEnd) {
  ByteReader reader("abc");
  EXPECT_EQ(*reader.take(1), "a");
  EXPECT_FALSE(reader.fixed<std::uint32_t>());
  auto more = reader.take(3);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message(), "ends at offset 3, 3 bytes wanted at offset 1");
  auto end = reader.expect_end();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().message(), "2 bytes too many at offset 1");
  EXPECT_EQ(*reader.take(2), "bc");
}

}  // namespace
}  // namespace weft
