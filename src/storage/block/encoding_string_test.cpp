#include "storage/block/encoding_string.h"

#include "storage/testing/page_samples.h"

namespace weft::storage::block {
namespace {

using Strings = std::vector<std::string>;

std::vector<std::string_view> views(const Strings& values) {
  return {values.begin(), values.end()};
}

std::string page_of(const Strings& values) {
  Zstd zstd;
  StringEncoder encoder(zstd);
  std::string page;
  auto done = encoder.encode(views(values), page);
  EXPECT_TRUE(done) << done.error().message();
  return page;
}

Encoding encoding_of(const std::string& page) {
  return static_cast<Encoding>(page[14]);
}

Result<Strings> read(std::string_view bytes) {
  Zstd zstd;
  StringPage page;
  TRY(page.decode(bytes, zstd));
  if (!bytes.empty()) return Error(Code::internal, "bytes are left");
  std::vector<std::string_view> seen;
  page.append_to(seen);
  return Strings(seen.begin(), seen.end());
}

std::string random_text(std::size_t size, std::mt19937_64& random) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(random());
  return text;
}

// `distinct` texts of up to `size` bytes in random order, or in runs.
Strings random_strings(std::size_t count, std::size_t distinct, std::size_t size, bool runs,
                       std::mt19937_64& random) {
  Strings pool;
  for (std::size_t i = 0; i < distinct; ++i) pool.push_back(random_text(random() % (size + 1), random));
  Strings values;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!runs || random() % 16 == 0) at = random() % distinct;
    values.push_back(pool[at]);
  }
  return values;
}

TEST(Strings, EveryShapeAndCountComesBack) {
  std::mt19937_64 random(31);
  for (std::size_t count : testing::kCounts) {
    for (std::size_t distinct : {1U, 2U, 50U, 2800U, 1'000'000U}) {
      for (std::size_t size : {0U, 1U, 20U, 100U}) {
        for (bool runs : {false, true}) {
          Strings values = random_strings(count, std::min(distinct, count + 1), size, runs, random);
          auto seen = read(page_of(values));
          ASSERT_TRUE(seen) << seen.error().message();
          ASSERT_EQ(*seen, values) << count << " of " << distinct;
        }
      }
    }
  }
}

TEST(Strings, TheEncodingFitsTheValues) {
  std::mt19937_64 random(32);
  EXPECT_EQ(encoding_of(page_of(Strings(5000, "same"))), Encoding::constant);
  EXPECT_EQ(encoding_of(page_of({"one"})), Encoding::constant);
  EXPECT_EQ(encoding_of(page_of({"one", "two"})), Encoding::strings);
  EXPECT_EQ(encoding_of(page_of(random_strings(8192, 50, 20, false, random))), Encoding::dictionary);
  EXPECT_EQ(encoding_of(page_of(random_strings(8192, 2000, 20, false, random))), Encoding::dictionary);
  EXPECT_EQ(encoding_of(page_of(random_strings(8192, 8000, 20, false, random))), Encoding::strings);
}

TEST(Strings, ADictionaryIsAskedOncePerEntry) {
  Strings values;
  for (std::size_t i = 0; i < 900; ++i) values.emplace_back(i % 3 == 0 ? "GET" : i % 3 == 1 ? "POST" : "");
  std::string bytes = page_of(values);
  Zstd zstd;
  StringPage page;
  std::string_view rest = bytes;
  ASSERT_TRUE(page.decode(rest, zstd));
  ASSERT_TRUE(page.has_dictionary());
  ASSERT_EQ(page.dictionary().size(), 3U);
  EXPECT_EQ(page.dictionary()[0], "GET");
  EXPECT_EQ(page.dictionary()[2], "");
  ASSERT_EQ(page.codes().size(), 900U);
  for (std::size_t i = 0; i < 900; ++i) EXPECT_EQ(page.codes()[i], i % 3);
}

TEST(Strings, WithoutADictionaryAllTextIsInOnePiece) {
  std::string bytes = page_of({"one", "", "three"});
  Zstd zstd;
  StringPage page;
  std::string_view rest = bytes;
  ASSERT_TRUE(page.decode(rest, zstd));
  EXPECT_FALSE(page.has_dictionary());
  EXPECT_EQ(page.text(), "onethree");
  EXPECT_EQ(std::vector<std::uint32_t>(page.offsets().begin(), page.offsets().end()),
            (std::vector<std::uint32_t>{0, 3, 3, 8}));
  EXPECT_EQ(page[2], "three");
}

TEST(Strings, APageOwnsWhatItShows) {
  Zstd zstd;
  StringPage page;
  for (const Strings& values : {Strings{"a", "b", "c"}, Strings(300, std::string(200, 'x'))}) {
    std::string bytes = page_of(values);
    std::string_view rest = bytes;
    ASSERT_TRUE(page.decode(rest, zstd));
    bytes.assign(bytes.size(), '?');
    StringPage moved = std::move(page);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(moved[i], values[i]);
    page = std::move(moved);
  }
}

TEST(Strings, PagesAreCutBeforeTheyGetTooLarge) {
  auto count = [](const Strings& values) { return strings_in_page(views(values)); };
  EXPECT_EQ(count({}), 0U);
  EXPECT_EQ(count(Strings(10'000)), kPageValuesMax);
  EXPECT_EQ(count(Strings(5, std::string(100'000, 'x'))), 2U);
  EXPECT_EQ(count(Strings(5, std::string(5'000'000, 'x'))), 1U);
  Strings long_one(5, "short");
  long_one[3].assign(300'000, 'x');
  EXPECT_EQ(count(long_one), 3U);
}

TEST(Strings, LongValuesHaveAPageOfTheirOwn) {
  std::mt19937_64 random(33);
  Strings one{random_text(3'000'000, random)};
  EXPECT_EQ(*read(page_of(one)), one);
  Zstd zstd;
  StringEncoder encoder(zstd);
  std::string page;
  Strings two(2, std::string(600'000, 'x'));
  two[1] += "y";
  auto refused = encoder.encode(views(two), page);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid_argument);
  EXPECT_FALSE(encoder.encode(views({std::string(kSingleValueBytesMax + 1, 'x')}), page));
  EXPECT_TRUE(page.empty());
  // The encoder is as good as new.
  ASSERT_TRUE(encoder.encode(views({"a", "b"}), page));
  EXPECT_EQ(*read(page), (Strings{"a", "b"}));
}

TEST(Strings, TextIsCompressed) {
  Strings values;
  for (std::size_t i = 0; i < 2000; ++i)
    values.push_back("request " + std::to_string(i * 7919 % 100'000) + " to /api/v1/orders took " +
                     std::to_string(i) + " ms");
  EXPECT_LT(page_of(values).size(), 35'000U);
  EXPECT_EQ(*read(page_of(values)), values);
}

TEST(Strings, DamageIsNoticed) {
  std::mt19937_64 random(34);
  testing::expect_damage_is_noticed(page_of(Strings(5, "same")), read);
  testing::expect_damage_is_noticed(page_of(random_strings(100, 4, 5, false, random)), read);
  testing::expect_damage_is_noticed(page_of(random_strings(40, 40, 5, false, random)), read);
  testing::expect_damage_is_noticed(page_of({std::string(100, 'x'), std::string(100, 'y')}), read);
}

}  // namespace
}  // namespace weft::storage::block
