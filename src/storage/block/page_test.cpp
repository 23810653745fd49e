#include "storage/block/page.h"

#include "storage/testing/page_samples.h"

namespace weft::storage::block {
namespace {

using testing::mend_hash;

std::string page_of(std::string_view payload, std::size_t values = 3, Encoding encoding = Encoding::strings) {
  Zstd zstd;
  std::string out;
  EXPECT_TRUE(append_page(encoding, values, payload, &zstd, out));
  return out;
}

std::string failure_of(std::string_view bytes) {
  Zstd zstd;
  PageBuffer buffer;
  std::string_view rest = bytes;
  auto page = take_page(rest, zstd, buffer);
  if (page) return "none";
  EXPECT_EQ(page.error().code(), Code::corrupted);
  EXPECT_EQ(rest.size(), bytes.size());
  return page.error().message();
}

TEST(Page, PagesFollowOneAnother) {
  Zstd zstd;
  std::string bytes;
  std::string long_text(100'000, 'x');
  ASSERT_TRUE(append_page(Encoding::strings, 5, "some text", &zstd, bytes));
  ASSERT_TRUE(append_page(Encoding::fixed, 8192, long_text, &zstd, bytes));
  ASSERT_TRUE(append_page(Encoding::constant, 0, "", nullptr, bytes));
  EXPECT_LT(bytes.size(), 1000U);  // the second one was compressed
  PageBuffer buffer;
  std::string_view rest = bytes;
  auto page = take_page(rest, zstd, buffer);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->encoding, Encoding::strings);
  EXPECT_EQ(page->values, 5U);
  EXPECT_EQ(page->payload, "some text");
  EXPECT_FALSE(buffer.holds(page->payload));
  ASSERT_EQ(*page_bytes(rest) + kPageHeaderBytes, rest.size());
  page = take_page(rest, zstd, buffer);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->encoding, Encoding::fixed);
  EXPECT_EQ(page->values, 8192U);
  EXPECT_EQ(page->payload, long_text);
  EXPECT_TRUE(buffer.holds(page->payload));
  page = take_page(rest, zstd, buffer);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->values, 0U);
  EXPECT_TRUE(rest.empty());
}

TEST(Page, WhatDoesNotShrinkStaysAsItIs) {
  std::mt19937_64 random(1);
  std::string noise;
  for (int i = 0; i < 10'000; ++i) noise += static_cast<char>(random());
  EXPECT_EQ(page_of(noise).size(), noise.size() + kPageHeaderBytes);
}

TEST(Page, SaysWhatIsWrong) {
  std::string good = page_of("some text");
  EXPECT_EQ(failure_of(good), "none");
  EXPECT_EQ(failure_of(""), "page: header has 16 bytes, only 0 are left");
  EXPECT_EQ(failure_of(good.substr(0, 20)), "page: has 25 bytes, only 20 are left");
  auto changed = [&](std::size_t at, std::string_view bytes) {
    std::string page = good;
    page.replace(at, bytes.size(), bytes);
    mend_hash(page);
    return failure_of(page);
  };
  EXPECT_EQ(changed(12, {"\x01\x20", 2}), "page: claims 8193 values, limit is 8192");
  EXPECT_EQ(changed(8, {"\x01\x00\x10\x00", 4}), "page: claims 1048577 raw bytes, limit is 1048576");
  EXPECT_EQ(changed(15, "\x02"), "page: unknown codec 2");
  EXPECT_EQ(changed(14, "\x07"), "page: unknown encoding 7");
  EXPECT_EQ(changed(4, "\x08"), "page: claims 8 stored bytes for 9 raw ones");
  std::string flipped = good;
  flipped.back() ^= 1;
  EXPECT_EQ(failure_of(flipped), "page: hash does not match");
}

TEST(Page, AFrameThatHoldsMoreThanTheHeaderSaysIsRefused) {
  std::string page = page_of(std::string(50'000, 'x'));
  for (std::uint32_t claimed : {49'999U, 50'001U, 1'000'000U}) {
    std::memcpy(page.data() + 8, &claimed, 4);
    mend_hash(page);
    EXPECT_NE(failure_of(page), "none") << claimed;
  }
}

TEST(Page, OneValueMayBeLonger) {
  Zstd zstd;
  std::string out;
  std::string text(kSingleValueBytesMax, 'x');
  auto refused = append_page(Encoding::constant, 2, text, &zstd, out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid_argument);
  EXPECT_TRUE(out.empty());
  ASSERT_TRUE(append_page(Encoding::constant, 1, text, &zstd, out));
  EXPECT_EQ(failure_of(out), "none");
  EXPECT_FALSE(append_page(Encoding::constant, 1, text + "x", &zstd, out));
}

TEST(Page, NoByteCanChangeUnnoticed) {
  std::string text(500, 'x');
  testing::expect_damage_is_noticed(page_of(text), [](std::string_view bytes) -> Result<std::string> {
    Zstd zstd;
    PageBuffer buffer;
    return std::string(TRY(take_page(bytes, zstd, buffer)).payload);
  });
}

}  // namespace
}  // namespace weft::storage::block
