#include "storage/block/encoding_fixed.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "storage/block/encoding_integer.h"

namespace weft::storage::block {
namespace {

// More different doubles than one in so many rows, and a dictionary is not smaller by enough.
constexpr std::size_t kRowsPerEntryMin = 4;

Error corrupted(const std::string& what) {
  return Error(Code::corrupted, "fixed values: " + what);
}

void append_fixed_page(Encoding encoding, std::size_t count, std::string_view payload, std::string& out) {
  auto appended = append_page(encoding, count, payload, nullptr, out);
  CHECK(static_cast<bool>(appended));  // 8192 values of 16 bytes are far below a page's limit
}

// The distinct bit patterns, sorted, if they are few; else none.
std::vector<std::uint64_t> few_distinct(std::span<const std::uint64_t> bits) {
  std::size_t limit = bits.size() / kRowsPerEntryMin;
  std::vector<std::uint64_t> entries(bits.begin(), bits.end());
  std::ranges::sort(entries);
  entries.erase(std::ranges::unique(entries).begin(), entries.end());
  if (entries.size() > limit) entries.clear();
  return entries;
}

Result<void> decode_dictionary(const PageView& page, double* out) {
  ByteReader reader(page.payload);
  std::uint64_t count = TRY(reader.varint());
  if (count == 0 || count > page.values)
    return corrupted("dictionary of " + std::to_string(count) + " for " + std::to_string(page.values) +
                     " values");
  std::vector<std::uint64_t> entries(count);
  TRY(take_integer_stream(reader, count, entries.data()));
  std::vector<std::uint32_t> codes(page.values);
  TRY(take_integer_stream(reader, page.values, codes.data()));
  TRY(reader.expect_end());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] >= count)
      return corrupted("code " + std::to_string(codes[i]) + " in a dictionary of " + std::to_string(count));
    out[i] = std::bit_cast<double>(entries[codes[i]]);
  }
  return {};
}

}  // namespace

void encode_fixed_bytes(const void* values, std::size_t count, std::size_t width, std::string& out) {
  CHECK(count <= kPageValuesMax);
  std::string_view bytes(static_cast<const char*>(values), count * width);
  bool same = count == 0 || bytes.substr(width) == bytes.substr(0, bytes.size() - width);
  append_fixed_page(same ? Encoding::constant : Encoding::fixed, count, same ? bytes.substr(0, width) : bytes,
                    out);
}

Result<void> decode_fixed_bytes(const PageView& page, std::size_t width, void* out) {
  bool same = page.encoding == Encoding::constant;
  if (!same && page.encoding != Encoding::fixed)
    return corrupted("encoding " + std::to_string(static_cast<unsigned>(page.encoding)));
  std::size_t expected = width * (same ? std::min<std::size_t>(page.values, 1) : page.values);
  if (page.payload.size() != expected)
    return corrupted(std::to_string(page.payload.size()) + " bytes for " + std::to_string(page.values) +
                     " values of " + std::to_string(width));
  if (page.values == 0) return {};
  if (!same) {
    std::memcpy(out, page.payload.data(), expected);
    return {};
  }
  for (std::size_t i = 0; i < page.values; ++i)
    std::memcpy(static_cast<char*>(out) + i * width, page.payload.data(), width);
  return {};
}

void encode_doubles(std::span<const double> values, std::string& out) {
  CHECK(values.size() <= kPageValuesMax);
  std::vector<std::uint64_t> bits(values.size());
  if (!values.empty()) std::memcpy(bits.data(), values.data(), values.size_bytes());
  std::vector<std::uint64_t> entries = few_distinct(bits);
  if (entries.size() < 2) {
    encode_fixed_bytes(bits.data(), bits.size(), sizeof(double), out);
    return;
  }
  std::string payload;
  put_varint(payload, entries.size());
  append_integer_stream(entries, payload);
  std::vector<std::uint32_t> codes;
  codes.reserve(bits.size());
  for (std::uint64_t pattern : bits)
    codes.push_back(static_cast<std::uint32_t>(std::ranges::lower_bound(entries, pattern) - entries.begin()));
  append_integer_stream(codes, payload);
  append_fixed_page(Encoding::dictionary, values.size(), payload, out);
}

Result<void> decode_doubles(const PageView& page, std::vector<double>& out) {
  std::size_t before = out.size();
  out.resize(before + page.values);
  auto done = page.encoding == Encoding::dictionary
                  ? decode_dictionary(page, out.data() + before)
                  : decode_fixed_bytes(page, sizeof(double), out.data() + before);
  if (!done) out.resize(before);
  return done;
}

}  // namespace weft::storage::block
