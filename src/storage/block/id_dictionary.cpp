#include "storage/block/id_dictionary.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/hash.h"
#include "storage/block/encoding_integer.h"

namespace weft::storage::block {
namespace {

constexpr std::size_t kIdBytes = sizeof(TraceId);
static_assert(kIdBytes == 16);
constexpr std::size_t kIndexHeaderBytes = 16;

Error corrupted(const std::string& what) {
  return Error(Code::corrupted, "id dictionary: " + what);
}

TraceId id_at(std::string_view ids, std::size_t i) {
  TraceId id;
  std::memcpy(id.bytes.data(), ids.data() + i * kIdBytes, kIdBytes);
  return id;
}

int compare(const TraceId& a, const TraceId& b) {
  return std::memcmp(a.bytes.data(), b.bytes.data(), kIdBytes);
}

}  // namespace

// --- writing ---

Result<void> IdDictionaryWriter::add(const TraceId& id, std::span<const std::uint32_t> postings,
                                     std::string& out) {
  CHECK(ids_ == 0 || compare(last_, id) < 0);
  if (ids_ == std::numeric_limits<std::uint32_t>::max())
    return Error(Code::invalid_argument, "id dictionary is full: 4294967295 ids");
  scratch_.clear();
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < postings.size(); ++i) {
    CHECK(i == 0 || postings[i] > before);
    put_varint(scratch_, postings[i] - before);
    before = postings[i];
  }
  bool full = page_lengths_.size() == kIdsPerPage ||
              (page_postings_.size() + scratch_.size() > kPageBytesTarget && !page_lengths_.empty());
  if (full) TRY(end_page(out));
  // Leaves room for the id and the list's length.
  if (scratch_.size() > kSingleValueBytesMax - 64)
    return Error(Code::invalid_argument,
                 "postings of one id have " + std::to_string(scratch_.size()) + " bytes, limit is 16 MiB");
  if (page_lengths_.empty()) firsts_.append(reinterpret_cast<const char*>(id.bytes.data()), kIdBytes);
  page_ids_.append(reinterpret_cast<const char*>(id.bytes.data()), kIdBytes);
  page_postings_ += scratch_;
  page_lengths_.push_back(static_cast<std::uint32_t>(scratch_.size()));
  last_ = id;
  ++ids_;
  return {};
}

Result<void> IdDictionaryWriter::end_page(std::string& out) {
  std::size_t count = page_lengths_.size();
  append_integer_stream(page_lengths_, page_ids_);
  page_ids_ += page_postings_;
  std::size_t begin = out.size();
  TRY(append_page(Encoding::ids, count, page_ids_, nullptr, out));
  sizes_.push_back(static_cast<std::uint32_t>(out.size() - begin));
  counts_.push_back(static_cast<std::uint32_t>(count));
  page_ids_.clear();
  page_postings_.clear();
  page_lengths_.clear();
  return {};
}

Result<void> IdDictionaryWriter::finish(std::string& out) {
  if (page_lengths_.empty()) return {};
  return end_page(out);
}

std::string IdDictionaryWriter::index() const {
  std::string rest;
  put_fixed(rest, static_cast<std::uint32_t>(sizes_.size()));
  put_fixed(rest, static_cast<std::uint32_t>(ids_));
  rest += firsts_;
  append_integer_stream(sizes_, rest);
  append_integer_stream(counts_, rest);
  std::string index;
  put_fixed(index, hash64(rest));
  return index + rest;
}

// --- the index ---

Result<IdIndex> IdIndex::open(std::string_view bytes) {
  if (bytes.size() < kIndexHeaderBytes)
    return corrupted("index has " + std::to_string(bytes.size()) + " bytes, its header needs 16");
  ByteReader reader(bytes);
  auto hash = TRY(reader.fixed<std::uint64_t>());
  if (hash64(reader.rest()) != hash) return corrupted("hash of the index does not match");
  auto pages = TRY(reader.fixed<std::uint32_t>());
  auto ids = TRY(reader.fixed<std::uint32_t>());
  // Every page brings its first id along: no more memory is taken than a few times what is there.
  std::string_view firsts = TRY(reader.take(std::size_t{pages} * kIdBytes));
  IdIndex index;
  index.size_ = ids;
  index.firsts_.resize(pages);
  if (pages > 0) std::memcpy(index.firsts_.data(), firsts.data(), firsts.size());
  for (std::size_t i = 1; i < pages; ++i)
    if (compare(index.firsts_[i - 1], index.firsts_[i]) >= 0) return corrupted("index is not sorted");
  std::vector<std::uint32_t> sizes(pages);
  std::vector<std::uint32_t> counts(pages);
  TRY(take_integer_stream(reader, pages, sizes.data()));
  TRY(take_integer_stream(reader, pages, counts.data()));
  TRY(reader.expect_end());
  std::uint64_t offset = 0;
  std::uint64_t ordinal = 0;
  for (std::size_t i = 0; i < pages; ++i) {
    if (counts[i] == 0 || counts[i] > kIdsPerPage || counts[i] > ids - ordinal)
      return corrupted("index claims a page of " + std::to_string(counts[i]) + " ids");
    index.pages_.push_back({offset, sizes[i], static_cast<std::uint32_t>(ordinal), counts[i]});
    offset += sizes[i];
    ordinal += counts[i];
  }
  if (ordinal != ids)
    return corrupted("index claims " + std::to_string(ids) + " ids, its pages " + std::to_string(ordinal));
  return index;
}

std::optional<std::size_t> IdIndex::page_of(const TraceId& id) const {
  auto after = std::ranges::upper_bound(firsts_, id,
                                        [](const TraceId& a, const TraceId& b) { return compare(a, b) < 0; });
  if (after == firsts_.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - firsts_.begin()) - 1;
}

// --- a page ---

Result<IdPage> IdPage::open(std::string_view bytes) {
  IdPage page;
  Zstd zstd;
  PageView view = TRY(take_page(bytes, zstd, page.buffer_));
  if (!bytes.empty()) return corrupted(std::to_string(bytes.size()) + " bytes follow a page");
  if (view.encoding != Encoding::ids || view.values == 0 || view.values > kIdsPerPage)
    return corrupted("page of encoding " + std::to_string(static_cast<unsigned>(view.encoding)) + " with " +
                     std::to_string(view.values) + " values");
  ByteReader reader(view.payload);
  page.ids_ = TRY(reader.take(view.values * kIdBytes));
  for (std::size_t i = 1; i < view.values; ++i)
    if (compare(page.id(i - 1), page.id(i)) >= 0) return corrupted("page is not sorted");
  std::vector<std::uint32_t> lengths(view.values);
  TRY(take_integer_stream(reader, view.values, lengths.data()));
  page.postings_ = reader.rest();
  std::uint64_t offset = 0;
  page.offsets_.reserve(view.values + std::size_t{1});
  for (std::uint32_t length : lengths) {
    page.offsets_.push_back(static_cast<std::uint32_t>(offset));
    offset += length;
  }
  page.offsets_.push_back(static_cast<std::uint32_t>(offset));
  if (offset != page.postings_.size())
    return corrupted("postings have " + std::to_string(page.postings_.size()) + " bytes, " +
                     std::to_string(offset) + " are claimed");
  return page;
}

TraceId IdPage::id(std::size_t i) const {
  return id_at(ids_, i);
}

std::optional<std::size_t> IdPage::find(const TraceId& id) const {
  std::size_t begin = 0;
  std::size_t end = size();
  while (begin < end) {
    std::size_t middle = begin + (end - begin) / 2;
    int order = std::memcmp(ids_.data() + middle * kIdBytes, id.bytes.data(), kIdBytes);
    if (order == 0) return middle;
    if (order < 0) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return std::nullopt;
}

Result<void> IdPage::postings(std::size_t i, std::vector<std::uint32_t>& out) const {
  out.clear();
  ByteReader reader(postings_.substr(offsets_[i], offsets_[i + 1] - offsets_[i]));
  std::uint64_t value = 0;
  while (!reader.at_end()) {
    std::uint64_t step = TRY(reader.varint());
    if ((step == 0 && !out.empty()) || step > std::numeric_limits<std::uint32_t>::max() - value)
      return corrupted("postings are not ascending");
    value += step;
    out.push_back(static_cast<std::uint32_t>(value));
  }
  return {};
}

// --- a dictionary in memory ---

Result<IdDictionary> IdDictionary::open(std::string_view pages, std::string_view index) {
  IdDictionary dictionary;
  dictionary.index_ = TRY(IdIndex::open(index));
  dictionary.pages_ = pages;
  std::uint64_t expected = 0;
  if (std::size_t count = dictionary.index_.pages(); count > 0) {
    const IdIndex::Page& last = dictionary.index_.page(count - 1);
    expected = last.offset + last.bytes;
  }
  if (expected != pages.size())
    return corrupted("pages have " + std::to_string(pages.size()) + " bytes, the index says " +
                     std::to_string(expected));
  return dictionary;
}

Result<IdPage> IdDictionary::page(std::size_t number) const {
  const IdIndex::Page& place = index_.page(number);
  IdPage page = TRY(IdPage::open(pages_.substr(place.offset, place.bytes)));
  if (page.size() != place.ids)
    return corrupted("page has " + std::to_string(page.size()) + " ids, the index says " +
                     std::to_string(place.ids));
  bool last = number + 1 == index_.pages();
  if (page.id(0) != index_.first_id(number) ||
      (!last && compare(page.id(page.size() - 1), index_.first_id(number + 1)) >= 0))
    return corrupted("page has other ids than the index says");
  return page;
}

Result<std::optional<std::uint32_t>> IdDictionary::find(const TraceId& id,
                                                        std::vector<std::uint32_t>* postings) const {
  std::optional<std::size_t> number = index_.page_of(id);
  if (!number) return std::optional<std::uint32_t>();
  IdPage found = TRY(page(*number));
  std::optional<std::size_t> place = found.find(id);
  if (!place) return std::optional<std::uint32_t>();
  if (postings != nullptr) TRY(found.postings(*place, *postings));
  return std::optional(index_.page(*number).first_ordinal + static_cast<std::uint32_t>(*place));
}

Result<TraceId> IdDictionary::id(std::uint32_t ordinal) const {
  CHECK(ordinal < size());
  std::size_t begin = 0;
  std::size_t end = index_.pages();
  while (end - begin > 1) {
    std::size_t middle = begin + (end - begin) / 2;
    (index_.page(middle).first_ordinal <= ordinal ? begin : end) = middle;
  }
  return TRY(page(begin))
  .id(ordinal - index_.page(begin).first_ordinal);
}

Result<bool> IdCursor::next() {
  if (next_page_ > 0 && at_ + 1 < page_.size()) {
    ++at_;
    ++ordinal_;
    return true;
  }
  if (next_page_ == dictionary_.index().pages()) return false;
  page_ = TRY(dictionary_.page(next_page_));
  ordinal_ = dictionary_.index().page(next_page_).first_ordinal;
  at_ = 0;
  ++next_page_;
  return true;
}

}  // namespace weft::storage::block
