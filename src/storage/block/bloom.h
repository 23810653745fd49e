#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

// Split-block Bloom filter: a key sets one bit in each of the eight 32-bit words of one 32-byte
// bucket, so that a question costs one cache line (or one read of 32 bytes) whatever the size. With 12 bits a
// key, about one absent key in 200 seems to be there; a present key always does.
//
// Keys are hashes: hash64 of the value's bytes. (hash_of in model/ids.h is too weak for this.)

namespace weft::storage::block {

inline constexpr std::size_t kBloomBucketBytes = 32;
inline constexpr std::size_t kBloomHeaderBytes = 16;
inline constexpr double kBloomBitsPerKey = 12;

// The bucket of a key in a filter of `buckets`: for readers that fetch one bucket of many filters.
constexpr std::size_t bloom_bucket(std::uint64_t hash, std::size_t buckets) {
  return static_cast<std::size_t>((hash >> 32) * buckets >> 32);
}
// Whether the key may be in this bucket of kBloomBucketBytes.
bool bloom_bucket_may_contain(const char* bucket, std::uint64_t hash);

// One thread.
class BloomBuilder {
 public:
  // A filter of fixed size for about `keys` keys. Requires less than 2^32 buckets.
  explicit BloomBuilder(std::size_t keys, double bits_per_key = kBloomBitsPerKey);

  void insert(std::uint64_t hash);
  // Appends the filter.
  void append_to(std::string& out) const;

 private:
  std::string buckets_;
};

// A filter that lies in somebody else's memory, which must outlive it. Thread-safe.
class BloomFilter {
 public:
  // `bytes` are the filter, no more. Reads all of them, once, to check their hash. Errors: corrupted.
  static Result<BloomFilter> open(std::string_view bytes);

  bool may_contain(std::uint64_t hash) const {
    return bloom_bucket_may_contain(buckets_.data() + kBloomBucketBytes * bloom_bucket(hash, size()), hash);
  }
  std::size_t size() const { return buckets_.size() / kBloomBucketBytes; }  // in buckets
  std::string_view buckets() const { return buckets_; }

 private:
  explicit BloomFilter(std::string_view buckets) : buckets_(buckets) {}
  std::string_view buckets_;
};

}  // namespace weft::storage::block
