#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"

// Numbers as our formats on disk have them: little-endian, of fixed width or as varints (seven bits
// a byte, the lowest first, the high bit set on all but the last).

namespace weft {

static_assert(std::endian::native == std::endian::little, "fixed-width numbers are copied as they lie");

template <std::integral T>
void put_fixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_varint(std::string& out, std::uint64_t value);

// How many bytes put_varint would add: 1 to 10.
constexpr std::size_t varint_bytes(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// Small numbers of either sign as small numbers without one: 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
constexpr std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

// Reads from bytes that may be anything. It never reads past their end; after an error its place is
// where it was before. Errors are `corrupted` and say where. Views returned are of the bytes given.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : size_(bytes.size()), rest_(bytes) {}

  template <std::integral T>
  Result<T> fixed() {
    if (rest_.size() < sizeof(T)) [[unlikely]]
      return too_short(sizeof(T));
    T value;
    std::memcpy(&value, rest_.data(), sizeof value);  // NOLINT(bugprone-suspicious-stringview-data-usage)
    rest_.remove_prefix(sizeof value);
    return value;
  }
  // Refuses more than 64 bits and more bytes than the value needs: a value has one form.
  Result<std::uint64_t> varint();
  Result<std::string_view> take(std::size_t count) {
    if (rest_.size() < count) [[unlikely]]
      return too_short(count);
    std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }
  std::size_t offset() const { return size_ - rest_.size(); }
  Result<void> expect_end() const;

 private:
  Error too_short(std::size_t wanted) const;

  std::size_t size_;
  std::string_view rest_;
};

}  // namespace weft
