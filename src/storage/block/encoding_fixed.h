#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "storage/block/page.h"

namespace weft::storage::block {

// Ids: values of 8 or 16 bytes in which there is nothing to compress, as they are (fixed), or once
// if all are the same (constant).
template <class T>
concept FixedValue = std::is_trivially_copyable_v<T> && (sizeof(T) == 8 || sizeof(T) == 16);

void encode_fixed_bytes(const void* values, std::size_t count, std::size_t width, std::string& out);
// `out` has room for page.values * width bytes. Errors: corrupted.
Result<void> decode_fixed_bytes(const PageView& page, std::size_t width, void* out);

// Appends one page. Requires at most kPageValuesMax values.
template <FixedValue T>
void encode_fixed(std::span<const T> values, std::string& out) {
  encode_fixed_bytes(values.data(), values.size(), sizeof(T), out);
}

// Appends the page's values to `out`. Errors: corrupted, and `out` is as it was.
template <FixedValue T>
Result<void> decode_fixed(const PageView& page, std::vector<T>& out) {
  std::size_t before = out.size();
  out.resize(before + page.values);
  auto done = decode_fixed_bytes(page, sizeof(T), out.data() + before);
  if (!done) out.resize(before);
  return done;
}

// Doubles, told apart by their bits (-0 is not 0, a NaN keeps its payload): constant, dictionary if
// few are different, else fixed.
void encode_doubles(std::span<const double> values, std::string& out);
Result<void> decode_doubles(const PageView& page, std::vector<double>& out);

}  // namespace weft::storage::block
