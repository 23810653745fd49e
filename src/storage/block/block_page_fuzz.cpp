#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "model/ids.h"
#include "storage/block/bitmap.h"
#include "storage/block/encoding_fixed.h"
#include "storage/block/encoding_integer.h"
#include "storage/block/encoding_string.h"

// Any bytes as a page. Its hash is made good, so that mutations reach what lies behind it. What can
// be read must come back when it is written again; and the bytes themselves, taken as values, too.

namespace weft::storage::block {
namespace {

Zstd& zstd() {
  static Zstd contexts;
  return contexts;
}

template <class T, class Encode, class Decode>
void expect_same_again(const std::vector<T>& values, Encode encode, Decode decode) {
  std::string page;
  encode(values, page);
  PageBuffer buffer;
  std::string_view rest = page;
  auto view = take_page(rest, zstd(), buffer);
  CHECK_OR_DIE(view && rest.empty() && view->values == values.size());
  std::vector<T> again;
  CHECK_OR_DIE(static_cast<bool>(decode(*view, again)) && again.size() == values.size());
  CHECK_OR_DIE(values.empty() || std::memcmp(again.data(), values.data(), values.size() * sizeof(T)) == 0);
}

void check_integers(const std::vector<std::int64_t>& values) {
  expect_same_again(
      values, [](const auto& v, std::string& out) { encode_integers(std::span(v), out); },
      [](const PageView& page, auto& out) { return decode_integers(page, out); });
}

void check_doubles(const std::vector<double>& values) {
  expect_same_again(
      values, [](const auto& v, std::string& out) { encode_doubles(v, out); },
      [](const PageView& page, auto& out) { return decode_doubles(page, out); });
}

template <class T>
void check_fixed(const std::vector<T>& values) {
  expect_same_again(
      values, [](const auto& v, std::string& out) { encode_fixed(std::span(v), out); },
      [](const PageView& page, auto& out) { return decode_fixed(page, out); });
}

void check_strings(const std::vector<std::string_view>& values) {
  std::string bytes;
  StringEncoder encoder(zstd());
  // What a page holds may be more than is allowed for one without a dictionary: many repeats.
  if (!encoder.encode(values, bytes)) return;
  StringPage page;
  std::string_view rest = bytes;
  CHECK_OR_DIE(static_cast<bool>(page.decode(rest, zstd())) && rest.empty() && page.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK_OR_DIE(page[i] == values[i]);
}

void read_all_ways(std::string_view bytes) {
  PageBuffer buffer;
  std::string_view rest = bytes;
  auto page = take_page(rest, zstd(), buffer);
  if (!page) {
    CHECK_OR_DIE(rest.size() == bytes.size());
    return;
  }
  CHECK_OR_DIE(page->values <= kPageValuesMax && page->payload.size() <= kSingleValueBytesMax);
  std::vector<std::int64_t> integers;
  if (decode_integers(*page, integers)) check_integers(integers);
  std::vector<double> doubles;
  if (decode_doubles(*page, doubles)) check_doubles(doubles);
  std::vector<TraceId> traces;
  if (decode_fixed(*page, traces)) check_fixed(traces);
  std::vector<SpanId> spans;
  if (decode_fixed(*page, spans)) check_fixed(spans);
  if (auto bits = decode_bitmap(*page)) {
    std::string again;
    encode_bitmap(*bits, again);
    std::string_view written = again;
    PageBuffer other;
    CHECK_OR_DIE(*decode_bitmap(*take_page(written, zstd(), other)) == *bits);
  }
  StringPage strings;
  rest = bytes;
  if (strings.decode(rest, zstd())) {
    std::vector<std::string_view> values;
    strings.append_to(values);
    check_strings(values);
  }
}

// The input as values: integers of the width the first byte says, and strings cut at its zeros.
void write_all_ways(std::string_view bytes) {
  std::size_t width = 1 + static_cast<unsigned char>(bytes[0]) % 8;
  bytes.remove_prefix(1);
  std::vector<std::int64_t> integers;
  for (std::size_t at = 0; at + width <= bytes.size() && integers.size() < kPageValuesMax; at += width) {
    std::int64_t value = 0;
    std::memcpy(&value, bytes.data() + at, width);
    integers.push_back(value);
  }
  check_integers(integers);
  std::vector<std::string_view> strings;
  while (!bytes.empty() && strings.size() < kPageValuesMax) {
    std::string_view value = bytes.substr(0, bytes.find('\0'));
    strings.push_back(value);
    bytes.remove_prefix(std::min(bytes.size(), value.size() + 1));
  }
  check_strings(strings);
}

}  // namespace
}  // namespace weft::storage::block

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::storage::block;
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  write_all_ways(bytes);
  read_all_ways(bytes);
  if (size < kPageHeaderBytes) return 0;
  // Sizes that fit and a hash that fits; with the first byte odd, only the hash.
  std::string page(bytes);
  if ((data[0] & 1U) == 0) {
    auto stored = static_cast<std::uint32_t>(size - kPageHeaderBytes);
    std::memcpy(page.data() + 4, &stored, 4);
    if (page[15] != 1) std::memcpy(page.data() + 8, &stored, 4);
    page[15] = static_cast<char>(page[15] & 1);
  }
  auto hash = static_cast<std::uint32_t>(weft::hash64(std::string_view(page).substr(4)));
  std::memcpy(page.data(), &hash, 4);
  read_all_ways(page);
  return 0;
}
