#include "storage/block/encoding_integer.h"

#include "storage/block/bit_packing.h"
#include "storage/testing/page_samples.h"

namespace weft::storage::block {
namespace {

using testing::Shape;

template <class T>
Result<std::vector<T>> read(std::string_view bytes) {
  Zstd zstd;
  PageBuffer buffer;
  std::vector<T> values;
  TRY(decode_integers(TRY(take_page(bytes, zstd, buffer)), values));
  if (!bytes.empty()) return Error(Code::internal, "bytes are left");
  return values;
}

Encoding encoding_of(const std::string& page) {
  return static_cast<Encoding>(page[14]);
}

template <class T>
std::string page_of(const std::vector<T>& values) {
  std::string out;
  encode_integers(std::span<const T>(values), out);
  return out;
}

TEST(BitPacking, EveryWidthAndCountComesBack) {
  std::mt19937_64 random(2);
  for (unsigned width = 0; width <= 64; ++width) {
    for (std::size_t count : {0, 1, 5, 127, 128, 129, 256, 300}) {
      std::vector<std::uint64_t> values(count);
      for (auto& value : values) value = width == 0 ? 0 : random() >> (64 - width);
      std::string packed;
      pack(values.data(), count, width, packed);
      ASSERT_EQ(packed.size(), packed_bytes(count, width));
      std::uint64_t base = random();
      std::vector<std::uint64_t> wide(count);
      unpack(packed.data(), count, width, base, wide.data());
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(wide[i], base + values[i]) << width << " " << i;
      if (width > 32) continue;
      std::vector<std::uint32_t> narrow(count);
      unpack(packed.data(), count, width, static_cast<std::uint32_t>(base), narrow.data());
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(narrow[i], static_cast<std::uint32_t>(base + values[i]));
    }
  }
}

// The layout as the format describes it, bit by bit.
TEST(BitPacking, LayoutIsTheDocumentedOne) {
  std::mt19937_64 random(3);
  for (unsigned width : {1U, 7U, 32U, 33U, 63U, 64U}) {
    std::vector<std::uint64_t> values(kPackedBlock + 5);
    for (auto& value : values) value = random() >> (64 - width);
    std::string packed;
    pack(values.data(), values.size(), width, packed);
    auto bit = [&](std::size_t at) { return static_cast<std::uint64_t>(packed[at / 8] >> at % 8 & 1); };
    std::size_t lanes = width <= 32 ? 4 : 2;
    std::size_t word_bits = width <= 32 ? 32 : 64;
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::uint64_t value = 0;
      for (unsigned k = 0; k < width; ++k) {
        std::size_t in_stream = (i < kPackedBlock ? i / lanes : i - kPackedBlock) * width + k;
        std::size_t at = i < kPackedBlock
                             ? (in_stream / word_bits * lanes + i % lanes) * word_bits + in_stream % word_bits
                             : kPackedBlock * width + in_stream;
        value |= bit(at) << k;
      }
      ASSERT_EQ(value, values[i]) << "width " << width << ", value " << i;
    }
  }
}

TEST(Integers, EveryShapeAndCountComesBack) {
  std::mt19937_64 random(4);
  for (std::size_t count : testing::kCounts) {
    for (int s = 0; s < static_cast<int>(Shape::last); ++s) {
      for (int round = 0; round < 3; ++round) {
        auto values = testing::integers(static_cast<Shape>(s), count, random);
        auto plain = read<std::uint64_t>(page_of(values));
        ASSERT_TRUE(plain) << plain.error().message();
        ASSERT_EQ(*plain, values) << "shape " << s << ", count " << count;
        std::vector<std::int64_t> with_sign(values.begin(), values.end());
        auto other = read<std::int64_t>(page_of(with_sign));
        ASSERT_TRUE(other) << other.error().message();
        ASSERT_EQ(*other, with_sign) << "shape " << s << ", count " << count;
      }
    }
  }
}

TEST(Integers, TheSmallestEncodingIsTaken) {
  auto make = [](auto value) {
    std::vector<std::int64_t> values(8192);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(value(i));
    return page_of(values);
  };
  std::mt19937_64 random(5);
  struct Case {
    const char* name;
    std::string page;
    Encoding encoding;
    std::size_t bytes_max;
  };
  Case cases[] = {
      {"constant", make([](std::size_t) { return -7; }), Encoding::constant, 24},
      {"narrow", make([&](std::size_t) { return random() % 32 - 16; }), Encoding::frame_of_reference,
       25 + 8192 * 5 / 8},
      {"timestamps",
       make([&](std::size_t i) { return 1'700'000'000'000'000'000 + i * 1'000'000 + random() % 1000; }),
       Encoding::delta, 8192 * 12 / 8},
      {"regular", make([&](std::size_t i) { return i * 15'000'000'000; }), Encoding::delta, 700},
      {"runs", make([&](std::size_t i) { return i / 100 * 7919 % 1000; }), Encoding::run_length, 300},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(encoding_of(c.page), c.encoding) << c.name;
    EXPECT_LE(c.page.size(), c.bytes_max) << c.name;
  }
}

TEST(Integers, NegativeNumbersAreNearZero) {
  std::vector<std::int64_t> values;
  for (int i = 0; i < 1000; ++i) values.push_back(i * 7919 % 16 - 8);
  EXPECT_LE(page_of(values).size(), 16 + 9 + 1000 * 4 / 8U);
}

TEST(Integers, ASmallPageIsSmall) {
  EXPECT_EQ(page_of(std::vector<std::int64_t>{1, 2}).size(), 16 + 9 + 1U);
}

TEST(Integers, DecodingAppendsAndLeavesNothingBehindWhenItFails) {
  std::string page = page_of(std::vector<std::int64_t>{1, 2, 3});
  Zstd zstd;
  PageBuffer buffer;
  std::string_view bytes = page;
  PageView view = *take_page(bytes, zstd, buffer);
  std::vector<std::int64_t> out{9};
  ASSERT_TRUE(decode_integers(view, out));
  EXPECT_EQ(out, (std::vector<std::int64_t>{9, 1, 2, 3}));
  view.payload.remove_suffix(1);
  EXPECT_FALSE(decode_integers(view, out));
  view.encoding = Encoding::strings;
  auto refused = decode_integers(view, out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "page of integers: integers: encoding 8 of 3 values");
  EXPECT_EQ(out.size(), 4U);
}

TEST(Integers, StreamsKnowTheirEnd) {
  std::mt19937_64 random(6);
  for (int s = 0; s < static_cast<int>(Shape::last); ++s) {
    for (std::size_t count : {0, 1, 130, 1000}) {
      auto values = testing::integers(static_cast<Shape>(s), count, random);
      std::vector<std::uint32_t> narrow(values.begin(), values.end());
      std::string bytes;
      append_integer_stream(values, bytes);
      append_integer_stream(narrow, bytes);
      bytes += "tail";
      ByteReader reader(bytes);
      std::vector<std::uint64_t> wide_out(count);
      std::vector<std::uint32_t> narrow_out(count);
      ASSERT_TRUE(take_integer_stream(reader, count, wide_out.data()));
      ASSERT_TRUE(take_integer_stream(reader, count, narrow_out.data()));
      EXPECT_EQ(reader.rest(), "tail");
      EXPECT_EQ(wide_out, values);
      EXPECT_EQ(narrow_out, narrow);
    }
  }
}

// Differences of u32 take up to 33 bits.
TEST(Integers, StreamsOfU32MayJumpFromEndToEnd) {
  std::vector<std::uint32_t> values;
  for (std::uint32_t i = 0; i < 5000; ++i) values.push_back(i < 20 ? 0 - (i & 1U) : i * 1'000'003);
  std::string bytes;
  append_integer_stream(values, bytes);
  ASSERT_EQ(static_cast<Encoding>(bytes[0]), Encoding::delta);
  ByteReader reader(bytes);
  std::vector<std::uint32_t> seen(values.size());
  ASSERT_TRUE(take_integer_stream(reader, seen.size(), seen.data()));
  EXPECT_EQ(seen, values);
}

TEST(Integers, DamageIsNoticed) {
  std::mt19937_64 random(7);
  for (int s = 0; s < static_cast<int>(Shape::last); ++s)
    for (std::size_t count : {1, 20, 150})
      testing::expect_damage_is_noticed(page_of(testing::integers(static_cast<Shape>(s), count, random)),
                                        read<std::uint64_t>);
}

TEST(Integers, RunsInsideRunsAreRefused) {
  // run_length of one run, whose value is said to be a run again.
  std::string payload;
  put_varint(payload, 1);
  payload += static_cast<char>(Encoding::run_length);
  std::string page;
  ASSERT_TRUE(append_page(Encoding::run_length, 4, payload, nullptr, page));
  auto refused = read<std::uint64_t>(page);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "page of integers: integers: encoding 4 of 1 values");
}

}  // namespace
}  // namespace weft::storage::block
