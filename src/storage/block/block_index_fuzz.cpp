#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "storage/block/bloom.h"
#include "storage/block/id_dictionary.h"

// Any bytes as a Bloom filter, as one page of ids, and as a dictionary: the first two bytes say how
// many of the rest are the index. Hashes are made good, so that mutations reach what lies behind them.
// And as a sound dictionary of a few ids in which some bytes are changed afterwards.

namespace weft::storage::block {
namespace {

void mend_hash64(std::string& bytes) {
  if (bytes.size() < 8) return;
  std::uint64_t hash = hash64(std::string_view(bytes).substr(8));
  std::memcpy(bytes.data(), &hash, 8);
}

void mend_page(std::string& page) {
  if (page.size() < kPageHeaderBytes) return;
  auto stored = static_cast<std::uint32_t>(page.size() - kPageHeaderBytes);
  std::memcpy(page.data() + 4, &stored, 4);
  std::memcpy(page.data() + 8, &stored, 4);
  page[14] = static_cast<char>(Encoding::ids);
  page[15] = 0;
  auto hash = static_cast<std::uint32_t>(hash64(std::string_view(page).substr(4)));
  std::memcpy(page.data(), &hash, 4);
}

void use_filter(std::string_view bytes) {
  auto filter = BloomFilter::open(bytes);
  if (!filter) return;
  for (std::uint64_t key = 0; key < 16; ++key) (void)filter->may_contain(key * 0x9e3779b97f4a7c15ULL);
  (void)filter->may_contain(~std::uint64_t{0});
}

void use_page(std::string_view bytes) {
  auto page = IdPage::open(bytes);
  if (!page) return;
  std::vector<std::uint32_t> postings;
  for (std::size_t i = 0; i < page->size(); ++i) {
    CHECK_OR_DIE(page->find(page->id(i)) == i);
    if (!page->postings(i, postings)) continue;
    for (std::size_t k = 1; k < postings.size(); ++k) CHECK_OR_DIE(postings[k - 1] < postings[k]);
  }
}

void use_dictionary(std::string_view pages, std::string_view index) {
  auto dictionary = IdDictionary::open(pages, index);
  if (!dictionary) return;
  IdDictionaryWriter writer;
  std::string pages_again;
  std::vector<std::uint32_t> postings;
  IdCursor cursor(*dictionary);
  for (std::uint32_t ordinal = 0;; ++ordinal) {
    auto there = cursor.next();
    if (!there) return;
    if (!*there) break;
    CHECK_OR_DIE(cursor.ordinal() == ordinal);
    if (!cursor.postings(postings)) return;
    if (ordinal % 32 == 0) {  // each reads the page again
      auto found = dictionary->find(cursor.id());
      CHECK_OR_DIE(found && *found == ordinal);
    }
    CHECK_OR_DIE(static_cast<bool>(writer.add(cursor.id(), postings, pages_again)));
  }
  CHECK_OR_DIE(static_cast<bool>(writer.finish(pages_again)) && writer.size() == dictionary->size());
  auto again = IdDictionary::open(pages_again, writer.index());
  CHECK_OR_DIE(again && again->size() == dictionary->size());
}

// Byte 0: how many ids; two bytes for each: how far it is from the one before, how many postings;
// then three for each change: where, and what is flipped.
void use_damaged_dictionary(std::string_view bytes) {
  std::size_t next = 0;
  auto byte = [&] { return next < bytes.size() ? static_cast<unsigned char>(bytes[next++]) : 0U; };
  IdDictionaryWriter writer;
  std::string pages;
  unsigned last = 0;
  for (unsigned count = byte(); count > 0; --count) {
    last += 1 + byte();
    TraceId id;
    id.bytes[15] = static_cast<std::uint8_t>(last);
    id.bytes[14] = static_cast<std::uint8_t>(last >> 8);
    std::vector<std::uint32_t> postings;
    for (unsigned k = byte() % 8; k > 0; --k) postings.push_back(last * 1000 - k * 3);
    CHECK_OR_DIE(static_cast<bool>(writer.add(id, postings, pages)));
  }
  CHECK_OR_DIE(static_cast<bool>(writer.finish(pages)));
  std::string index = writer.index();
  CHECK_OR_DIE(static_cast<bool>(IdDictionary::open(pages, index)));
  while (next < bytes.size()) {
    std::size_t at = (byte() + 256U * byte()) % (pages.size() + index.size());
    char& damaged = at < pages.size() ? pages[at] : index[at - pages.size()];
    damaged = static_cast<char>(static_cast<unsigned char>(damaged) ^ byte());
  }
  mend_page(pages);  // no more than 255 ids: one page
  mend_hash64(index);
  use_dictionary(pages, index);
}

}  // namespace
}  // namespace weft::storage::block

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::storage::block;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  use_filter(bytes);
  use_page(bytes);
  std::string mended = bytes;
  mend_hash64(mended);
  use_filter(mended);
  mended = bytes;
  mend_page(mended);
  use_page(mended);
  if (size < 2) return 0;
  std::size_t index_bytes = std::min<std::size_t>(data[0] + 256U * (data[1] & 3U), size - 2);
  std::string index = bytes.substr(2, index_bytes);
  std::string pages = bytes.substr(2 + index_bytes);
  mend_hash64(index);
  mend_page(pages);
  use_dictionary(pages, index);
  use_damaged_dictionary({reinterpret_cast<const char*>(data), size});
  return 0;
}
