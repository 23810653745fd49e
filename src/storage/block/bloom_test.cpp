#include "storage/block/bloom.h"

#include <cstring>
#include <random>

#include "base/hash.h"

namespace weft::storage::block {
namespace {

std::string filter_of(std::size_t keys) {
  BloomBuilder builder(keys);
  for (std::size_t i = 0; i < keys; ++i) builder.insert(hash64(std::to_string(i)));
  std::string bytes;
  builder.append_to(bytes);
  return bytes;
}

TEST(Bloom, EveryKeyIsFoundAndFewOthers) {
  for (std::size_t keys : {0U, 1U, 100U, 20'000U}) {
    std::string bytes = filter_of(keys);
    auto filter = BloomFilter::open(bytes);
    ASSERT_TRUE(filter) << filter.error().message();
    for (std::size_t i = 0; i < keys; ++i) ASSERT_TRUE(filter->may_contain(hash64(std::to_string(i))));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < 100'000; ++i)
      wrong += static_cast<std::size_t>(filter->may_contain(hash64("absent " + std::to_string(i))));
    EXPECT_LE(wrong, 800U) << keys;  // 0.5 % expected
  }
}

TEST(Bloom, TwelveBitsAKey) {
  EXPECT_EQ(filter_of(0).size(), 16 + 32U);
  EXPECT_EQ(filter_of(64'000).size(), 16 + 64'000 * 12 / 8U);
}

// One bucket, fetched alone, answers as the filter does.
TEST(Bloom, ABucketAnswersAlone) {
  std::string bytes = filter_of(1000);
  BloomFilter filter = *BloomFilter::open(bytes);
  for (std::size_t i = 0; i < 5000; ++i) {
    std::uint64_t hash = hash64(std::to_string(i));
    std::string bucket(
        filter.buckets().substr(kBloomBucketBytes * bloom_bucket(hash, filter.size()), kBloomBucketBytes));
    EXPECT_EQ(bloom_bucket_may_contain(bucket.data(), hash), filter.may_contain(hash));
  }
}

// The bits are part of the format.
TEST(Bloom, BitsAreTheDocumentedOnes) {
  BloomBuilder builder(1);
  builder.insert(0x0123456789abcdefULL);
  std::string bytes;
  builder.append_to(bytes);
  constexpr std::uint32_t salts[] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                      0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + 16 + 4 * i, 4);
    EXPECT_EQ(word, 1U << (0x89abcdefU * salts[i] >> 27));
  }
}

TEST(Bloom, DamageIsNoticed) {
  std::string bytes = filter_of(100);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(BloomFilter::open(bytes.substr(0, size)));
  EXPECT_FALSE(BloomFilter::open(bytes + std::string(32, '\0')));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] ^= 0x20;
    auto filter = BloomFilter::open(damaged);
    ASSERT_FALSE(filter);
    EXPECT_EQ(filter.error().code(), Code::corrupted);
  }
}

}  // namespace
}  // namespace weft::storage::block
