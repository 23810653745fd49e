#include "storage/block/id_dictionary.h"

#include <map>

#include "base/hash.h"
#include "storage/testing/page_samples.h"

namespace weft::storage::block {
namespace {

using Postings = std::vector<std::uint32_t>;

struct ById {
  bool operator()(const TraceId& a, const TraceId& b) const {
    return std::memcmp(a.bytes.data(), b.bytes.data(), 16) < 0;
  }
};
using Ids = std::map<TraceId, Postings, ById>;

struct Written {
  std::string pages;
  std::string index;
};

Written write(const Ids& ids) {
  Written written;
  IdDictionaryWriter writer;
  for (const auto& [id, postings] : ids) EXPECT_TRUE(writer.add(id, postings, written.pages));
  EXPECT_TRUE(writer.finish(written.pages));
  EXPECT_EQ(writer.size(), ids.size());
  written.index = writer.index();
  return written;
}

TraceId random_id(std::mt19937_64& random, bool short_id) {
  TraceId id;
  for (std::size_t i = short_id ? 8 : 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(random());
  return id;
}

Ids random_ids(std::size_t count, bool short_ids, std::mt19937_64& random) {
  Ids ids;
  while (ids.size() < count) {
    Postings& postings = ids[random_id(random, short_ids)];
    postings.clear();
    std::uint32_t value = 0;
    for (std::size_t i = random() % 4; i > 0; --i) {
      value += static_cast<std::uint32_t>(random() % 1000);
      if (postings.empty() || value > postings.back()) postings.push_back(value);
    }
  }
  return ids;
}

Result<Ids> read(std::string_view pages, std::string_view index) {
  IdDictionary dictionary = TRY(IdDictionary::open(pages, index));
  IdCursor cursor(dictionary);
  Ids ids;
  while (TRY(cursor.next())) {
    EXPECT_EQ(cursor.ordinal(), ids.size());
    TRY(cursor.postings(ids[cursor.id()]));
  }
  return ids;
}

TEST(IdDictionary, EveryIdIsFoundAndNoOther) {
  std::mt19937_64 random(41);
  for (std::size_t count : {0U, 1U, 2U, 255U, 256U, 257U, 5000U}) {
    for (bool short_ids : {false, true}) {
      Ids ids = random_ids(count, short_ids, random);
      Written written = write(ids);
      auto all = read(written.pages, written.index);
      ASSERT_TRUE(all) << all.error().message();
      EXPECT_EQ(*all, ids);
      IdDictionary dictionary = *IdDictionary::open(written.pages, written.index);
      EXPECT_EQ(dictionary.size(), count);
      EXPECT_EQ(dictionary.index().pages(), (count + 255) / 256);
      std::uint32_t ordinal = 0;
      for (const auto& [id, expected] : ids) {
        Postings postings{99};
        auto found = dictionary.find(id, &postings);
        ASSERT_TRUE(found) << found.error().message();
        ASSERT_EQ(*found, ordinal);
        EXPECT_EQ(postings, expected);
        EXPECT_EQ(*dictionary.id(ordinal), id);
        ++ordinal;
      }
      for (int i = 0; i < 1000; ++i) {
        TraceId id = random_id(random, i % 2 == 0);
        auto found = dictionary.find(id);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->has_value(), ids.contains(id));
      }
    }
  }
}

TEST(IdDictionary, ExtremePostingsComeBack) {
  Ids ids;
  ids[TraceId{}] = {0, 1, 0xffffffff};
  TraceId last;
  last.bytes.fill(0xff);
  ids[last] = {0xffffffff};
  Written written = write(ids);
  EXPECT_EQ(*read(written.pages, written.index), ids);
}

TEST(IdDictionary, LongPostingsCutPages) {
  Ids ids;
  for (std::uint8_t i = 0; i < 10; ++i) {
    TraceId id;
    id.bytes[15] = i;
    Postings& postings = ids[id];
    for (std::uint32_t k = 0; k < (i == 5 ? 2'000'000U : 100'000U); ++k) postings.push_back(k * 3);
  }
  Written written = write(ids);
  EXPECT_EQ(*read(written.pages, written.index), ids);
  auto index = IdIndex::open(written.index);
  ASSERT_TRUE(index);
  EXPECT_GE(index->pages(), 5U);
  // Neighbours share pages; the long one is alone.
  EXPECT_EQ(index->page(0).ids, 2U);
}

TEST(IdDictionary, APageIsFourKilobytesOfIds) {
  std::mt19937_64 random(42);
  Ids ids = random_ids(2560, false, random);
  for (auto& [id, postings] : ids) postings.clear();
  Written written = write(ids);
  EXPECT_EQ(written.pages.size(), 10 * (16 + 4096 + 9U));
  EXPECT_LE(written.index.size(), 16 + 10 * 16 + 18U);
}

TEST(IdDictionary, DamageIsNoticed) {
  std::mt19937_64 random(43);
  Ids ids = random_ids(300, false, random);
  Written written = write(ids);
  auto expect_noticed = [&](const std::string& pages, const std::string& index) {
    auto seen = read(pages, index);
    EXPECT_FALSE(seen);
    if (!seen) EXPECT_EQ(seen.error().code(), Code::corrupted);
  };
  for (std::size_t at = 0; at < written.index.size(); ++at) {
    std::string index = written.index;
    index[at] ^= 0x11;
    expect_noticed(written.pages, index);
    expect_noticed(written.pages, written.index.substr(0, at));
    // With a hash that fits: anything but a crash.
    std::uint64_t hash = hash64(std::string_view(index).substr(8));
    std::memcpy(index.data(), &hash, 8);
    (void)read(written.pages, index);
  }
  for (std::size_t at = 0; at < written.pages.size(); at += 7) {
    std::string pages = written.pages;
    pages[at] ^= 0x11;
    expect_noticed(pages, written.index);
    expect_noticed(written.pages.substr(0, at), written.index);
    std::string first = pages.substr(0, *page_bytes(written.pages));
    testing::mend_hash(first);
    (void)read(first + pages.substr(first.size()), written.index);
  }
}

}  // namespace
}  // namespace weft::storage::block
