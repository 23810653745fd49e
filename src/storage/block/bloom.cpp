#include "storage/block/bloom.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

namespace weft::storage::block {
namespace {

constexpr std::size_t kWords = 8;
// Odd numbers that spread the low half of a hash; those of Parquet's filter, which is the same.
constexpr std::uint32_t kSalts[kWords] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                          0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

struct Bucket {
  std::uint32_t words[kWords];
};
static_assert(sizeof(Bucket) == kBloomBucketBytes);

// The bit of each word that the key sets.
Bucket bits_of(std::uint64_t hash) {
  Bucket bits;
  auto low = static_cast<std::uint32_t>(hash);
  for (std::size_t i = 0; i < kWords; ++i) bits.words[i] = 1U << (low * kSalts[i] >> 27);
  return bits;
}

}  // namespace

bool bloom_bucket_may_contain(const char* bucket, std::uint64_t hash) {
  Bucket there;
  std::memcpy(&there, bucket, sizeof there);
  Bucket bits = bits_of(hash);
  std::uint32_t missing = 0;
  for (std::size_t i = 0; i < kWords; ++i) missing |= bits.words[i] & ~there.words[i];
  return missing == 0;
}

BloomBuilder::BloomBuilder(std::size_t keys, double bits_per_key) {
  double buckets = std::ceil(static_cast<double>(keys) * bits_per_key / (8 * kBloomBucketBytes));
  CHECK(buckets >= 0 && buckets < 4294967296.0);
  buckets_.assign(std::max<std::size_t>(1, static_cast<std::size_t>(buckets)) * kBloomBucketBytes, '\0');
}

void BloomBuilder::insert(std::uint64_t hash) {
  char* at = buckets_.data() + kBloomBucketBytes * bloom_bucket(hash, buckets_.size() / kBloomBucketBytes);
  Bucket bucket;
  std::memcpy(&bucket, at, sizeof bucket);
  Bucket bits = bits_of(hash);
  for (std::size_t i = 0; i < kWords; ++i) bucket.words[i] |= bits.words[i];
  std::memcpy(at, &bucket, sizeof bucket);
}

void BloomBuilder::append_to(std::string& out) const {
  std::size_t begin = out.size();
  out.reserve(begin + kBloomHeaderBytes + buckets_.size());
  put_fixed(out, std::uint64_t{0});
  put_fixed(out, static_cast<std::uint64_t>(buckets_.size() / kBloomBucketBytes));
  out += buckets_;
  std::uint64_t hash = hash64(std::string_view(out).substr(begin + sizeof hash));
  std::memcpy(out.data() + begin, &hash, sizeof hash);
}

Result<BloomFilter> BloomFilter::open(std::string_view bytes) {
  ByteReader reader(bytes);
  auto hash = TRY(reader.fixed<std::uint64_t>());
  std::string_view hashed = reader.rest();
  auto buckets = TRY(reader.fixed<std::uint64_t>());
  std::string_view rest = reader.rest();
  if (buckets == 0 || rest.size() % kBloomBucketBytes != 0 || buckets != rest.size() / kBloomBucketBytes ||
      buckets >> 32 != 0)
    return Error(Code::corrupted, "bloom filter: claims " + std::to_string(buckets) + " buckets, has " +
                                      std::to_string(rest.size()) + " bytes");
  if (hash64(hashed) != hash) return Error(Code::corrupted, "bloom filter: hash does not match");
  return BloomFilter(rest);
}

}  // namespace weft::storage::block
