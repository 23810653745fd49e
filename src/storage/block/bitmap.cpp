#include "storage/block/bitmap.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "base/check.h"

namespace weft::storage::block {
namespace {

constexpr std::uint8_t kRaw = 0;
constexpr std::uint8_t kRuns = 1;

Error corrupted(const std::string& what) {
  return Error(Code::corrupted, "bitmap: " + what);
}

// The end of the run of equal bits that begins at `row`.
std::size_t run_end(const Bitmap& bits, std::size_t row) {
  std::uint64_t flip = bits.test(row) ? ~std::uint64_t{0} : 0;
  std::size_t word = row / 64;
  std::uint64_t changed = (bits.words()[word] ^ flip) & ~std::uint64_t{0} << row % 64;
  while (changed == 0 && ++word < bits.words().size()) changed = bits.words()[word] ^ flip;
  if (changed == 0) return bits.size();
  return std::min(bits.size(), word * 64 + static_cast<std::size_t>(std::countr_zero(changed)));
}

Result<Bitmap> decode_raw(std::string_view bytes, std::size_t size) {
  if (bytes.size() != (size + 7) / 8)
    return corrupted(std::to_string(bytes.size()) + " bytes for " + std::to_string(size) + " bits");
  Bitmap bits(size);
  for (std::size_t row = 0; row < size; ++row)
    if ((static_cast<unsigned char>(bytes[row / 8]) >> row % 8 & 1) != 0) bits.set(row);
  if (size % 8 != 0 && static_cast<unsigned char>(bytes.back()) >> size % 8 != 0)
    return corrupted("bits after the last row");
  return bits;
}

Result<Bitmap> decode_runs(ByteReader& reader, std::size_t size) {
  Bitmap bits(size);
  bool value = false;
  for (std::size_t row = 0; row < size; value = !value) {
    std::uint64_t run = TRY(reader.varint());
    if (run > size - row || (run == 0 && row > 0))
      return corrupted("run of " + std::to_string(run) + " bits");
    if (value) bits.set_range(row, row + run);
    row += run;
  }
  TRY(reader.expect_end());
  return bits;
}

}  // namespace

Bitmap::Bitmap(std::size_t size, bool value) : words_((size + 63) / 64), size_(size) {
  if (value) set_range(0, size);
}

void Bitmap::set_range(std::size_t begin, std::size_t end) {
  while (begin < end) {
    std::size_t count = std::min(end - begin, 64 - begin % 64);
    words_[begin / 64] |= ~std::uint64_t{0} >> (64 - count) << begin % 64;
    begin += count;
  }
}

std::size_t Bitmap::count() const {
  std::size_t count = 0;
  for (std::uint64_t word : words_) count += static_cast<std::size_t>(std::popcount(word));
  return count;
}

void encode_bitmap(const Bitmap& bits, std::string& out) {
  CHECK(bits.size() <= kPageValuesMax);
  std::size_t raw_bytes = (bits.size() + 7) / 8;
  // Runs of zeros and of ones in turn, zeros first.
  std::string payload(1, static_cast<char>(kRuns));
  if (bits.size() > 0 && bits.test(0)) put_varint(payload, 0);
  for (std::size_t row = 0; row < bits.size() && payload.size() <= raw_bytes;) {
    std::size_t end = run_end(bits, row);
    put_varint(payload, end - row);
    row = end;
  }
  if (payload.size() > raw_bytes) {
    payload.assign(1, static_cast<char>(kRaw));
    payload.append(reinterpret_cast<const char*>(bits.words().data()), raw_bytes);
  }
  auto appended = append_page(Encoding::bitmap, bits.size(), payload, nullptr, out);
  CHECK(static_cast<bool>(appended));
}

Result<Bitmap> decode_bitmap(const PageView& page) {
  if (page.encoding != Encoding::bitmap)
    return corrupted("encoding " + std::to_string(static_cast<unsigned>(page.encoding)));
  ByteReader reader(page.payload);
  auto form = TRY(reader.fixed<std::uint8_t>());
  if (form == kRaw) return decode_raw(reader.rest(), page.values);
  if (form == kRuns) return decode_runs(reader, page.values);
  return corrupted("unknown form " + std::to_string(form));
}

Presence::Presence(Bitmap rows) : rows_(std::move(rows)) {
  before_.reserve(rows_.words().size());
  for (std::uint64_t word : rows_.words()) {
    before_.push_back(static_cast<std::uint32_t>(values_));
    values_ += static_cast<std::size_t>(std::popcount(word));
  }
}

std::size_t Presence::rank(std::size_t row) const {
  std::uint64_t below = (std::uint64_t{1} << row % 64) - 1;
  return before_[row / 64] + static_cast<std::size_t>(std::popcount(rows_.words()[row / 64] & below));
}

}  // namespace weft::storage::block
