#include "storage/block/encoding_string.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "storage/block/encoding_integer.h"

namespace weft::storage::block {
namespace {

constexpr std::size_t kSampleValues = 1024;
// In the sample, a dictionary of a third of all rows looks larger than it is: most values that will come
// back have not done so yet.
constexpr std::size_t kSampleEntriesMax = kSampleValues * 9 / 10;
constexpr std::size_t kRowsPerEntryMin = 3;
constexpr std::size_t kDictionaryBytesMax = std::size_t{1} << 20;
// Room in a page of strings for the lengths beside the bytes.
constexpr std::size_t kBytesPerLength = 4;

Error corrupted(const std::string& what) {
  return Error(Code::corrupted, "strings: " + what);
}

// Turns lengths[0..count) into offsets[0..count]. Errors: corrupted unless they fill `bytes` exactly.
Result<void> make_offsets(std::vector<std::uint32_t>& lengths, std::string_view bytes) {
  std::uint64_t sum = 0;
  for (std::uint32_t& length : lengths) {
    std::uint64_t begin = sum;
    sum += length;
    length = static_cast<std::uint32_t>(begin);
  }
  if (sum != bytes.size())
    return corrupted("lengths make " + std::to_string(sum) + " bytes, " + std::to_string(bytes.size()) +
                     " are there");
  lengths.push_back(static_cast<std::uint32_t>(sum));
  return {};
}

}  // namespace

std::size_t strings_in_page(std::span<const std::string_view> values) {
  std::size_t limit = std::min(values.size(), kPageValuesMax);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < limit; ++i) {
    bytes += values[i].size() + kBytesPerLength;
    if (bytes > kPageBytesTarget && i > 0) return i;
  }
  return limit;
}

// Fills entries_ and codes_. False if there are more than `entries_max` or their bytes are too many.
bool StringEncoder::find_dictionary(std::span<const std::string_view> values, std::size_t entries_max) {
  entries_.clear();
  hashes_.clear();
  codes_.clear();
  std::size_t mask = std::bit_ceil(2 * entries_max + 1) - 1;
  slots_.assign(mask + 1, 0);
  std::size_t bytes = 0;
  for (std::string_view value : values) {
    // Values of a run need no look-up.
    if (!codes_.empty() && entries_[codes_.back()] == value) {
      codes_.push_back(codes_.back());
      continue;
    }
    std::uint64_t hash = hash64(value);
    std::size_t slot = hash & mask;
    while (slots_[slot] != 0 && (hashes_[slots_[slot] - 1] != hash || entries_[slots_[slot] - 1] != value))
      slot = (slot + 1) & mask;
    if (slots_[slot] == 0) {
      bytes += value.size();
      if (entries_.size() == entries_max || bytes > kDictionaryBytesMax) return false;
      entries_.push_back(value);
      hashes_.push_back(hash);
      slots_[slot] = static_cast<std::uint32_t>(entries_.size());
    }
    codes_.push_back(slots_[slot] - 1);
  }
  return true;
}

Result<void> StringEncoder::encode(std::span<const std::string_view> values, std::string& out) {
  CHECK(values.size() <= kPageValuesMax);
  if (values.empty()) return append_page(Encoding::constant, 0, {}, nullptr, out);
  if (std::ranges::all_of(values, [&](std::string_view value) { return value == values[0]; }))
    return append_page(Encoding::constant, values.size(), values[0], &zstd_, out);

  payload_.clear();
  lengths_.clear();
  bool plausible = true;
  if (values.size() > 2 * kSampleValues) {
    // Four pieces, so that a page whose nature changes does not fool us.
    std::vector<std::string_view> sample;
    for (std::size_t piece = 0; piece < 4; ++piece) {
      auto part = values.subspan(values.size() / 4 * piece, kSampleValues / 4);
      sample.insert(sample.end(), part.begin(), part.end());
    }
    plausible = find_dictionary(sample, kSampleEntriesMax);
  }
  if (plausible && find_dictionary(values, values.size() / kRowsPerEntryMin)) {
    put_varint(payload_, entries_.size());
    for (std::string_view entry : entries_) lengths_.push_back(static_cast<std::uint32_t>(entry.size()));
    append_integer_stream(codes_, payload_);
    append_integer_stream(lengths_, payload_);
    for (std::string_view entry : entries_) payload_ += entry;
    return append_page(Encoding::dictionary, values.size(), payload_, &zstd_, out);
  }
  std::size_t bytes = 0;
  for (std::string_view value : values) {
    bytes += value.size();
    lengths_.push_back(static_cast<std::uint32_t>(std::min(value.size(), kSingleValueBytesMax + 1)));
  }
  append_integer_stream(lengths_, payload_);
  if (bytes > kPageBytesMax)
    return Error(Code::invalid_argument, "a page of " + std::to_string(values.size()) + " strings has " +
                                             std::to_string(bytes) + " bytes, limit is " +
                                             std::to_string(kPageBytesMax));
  payload_.reserve(payload_.size() + bytes);
  for (std::string_view value : values) payload_ += value;
  return append_page(Encoding::strings, values.size(), payload_, &zstd_, out);
}

void StringPage::clear() {
  size_ = 0;
  dictionary_.clear();
  codes_.clear();
  text_ = {};
  offsets_.clear();
}

Result<void> StringPage::decode(std::string_view& bytes, Zstd& zstd) {
  clear();
  std::string_view rest = bytes;
  PageView page = TRY(take_page(rest, zstd, buffer_));
  // An uncompressed payload still lies in `bytes`, which are not ours to keep.
  if (!page.payload.empty() && !buffer_.holds(page.payload)) {
    char* own = buffer_.prepare(page.payload.size());
    std::memcpy(own, page.payload.data(), page.payload.size());
    page.payload = {own, page.payload.size()};
  }
  if (auto done = decode_payload(page); !done) {
    clear();
    return done.error().in_context("page of strings");
  }
  size_ = page.values;
  bytes = rest;
  return {};
}

Result<void> StringPage::decode_payload(const PageView& page) {
  switch (page.encoding) {
    case Encoding::constant:
      if (page.values == 0 && !page.payload.empty()) return corrupted("a value in an empty page");
      if (page.values == 0) return {};
      dictionary_.push_back(page.payload);
      codes_.assign(page.values, 0);
      return {};
    case Encoding::dictionary: return decode_dictionary(page);
    case Encoding::strings: return decode_strings(page);
    default: return corrupted("encoding " + std::to_string(static_cast<unsigned>(page.encoding)));
  }
}

Result<void> StringPage::decode_strings(const PageView& page) {
  ByteReader reader(page.payload);
  offsets_.resize(page.values);
  offsets_.reserve(page.values + std::size_t{1});
  TRY(take_integer_stream(reader, page.values, offsets_.data()));
  text_ = reader.rest();
  TRY(make_offsets(offsets_, text_));
  return {};
}

Result<void> StringPage::decode_dictionary(const PageView& page) {
  ByteReader reader(page.payload);
  std::uint64_t entries = TRY(reader.varint());
  if (entries == 0 || entries > page.values)
    return corrupted("dictionary of " + std::to_string(entries) + " for " + std::to_string(page.values) +
                     " values");
  codes_.resize(page.values);
  TRY(take_integer_stream(reader, page.values, codes_.data()));
  std::uint32_t last = std::ranges::max(codes_);
  if (last >= entries)
    return corrupted("code " + std::to_string(last) + " in a dictionary of " + std::to_string(entries));
  offsets_.resize(entries);
  TRY(take_integer_stream(reader, entries, offsets_.data()));
  std::string_view bytes = reader.rest();
  TRY(make_offsets(offsets_, bytes));
  dictionary_.reserve(entries);
  for (std::size_t i = 0; i < entries; ++i)
    dictionary_.push_back(bytes.substr(offsets_[i], offsets_[i + 1] - offsets_[i]));
  offsets_.clear();
  return {};
}

void StringPage::append_to(std::vector<std::string_view>& out) const {
  std::size_t before = out.size();
  out.resize(before + size_);
  for (std::size_t i = 0; i < size_; ++i) out[before + i] = (*this)[i];
}

}  // namespace weft::storage::block
