#include "base/bytes.h"

#include <algorithm>

namespace weft {

void put_varint(std::string& out, std::uint64_t value) {
  char bytes[10];
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  out.append(bytes, size);
}

Result<std::uint64_t> ByteReader::varint() {
  std::uint64_t value = 0;
  std::size_t limit = std::min<std::size_t>(rest_.size(), 10);
  for (std::size_t i = 0; i < limit; ++i) {
    auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i]));
    if (i == 9 && byte > 1) break;
    value |= (byte & 0x7f) << 7 * i;
    if (byte >= 0x80) continue;
    if (byte == 0 && i > 0) break;
    rest_.remove_prefix(i + 1);
    return value;
  }
  return limit < 10 && (limit == 0 || (static_cast<unsigned char>(rest_[limit - 1]) & 0x80) != 0)
             ? too_short(limit + 1)
             : Error(Code::corrupted, "no varint at offset " + std::to_string(offset()));
}

Result<void> ByteReader::expect_end() const {
  if (rest_.empty()) return {};
  return Error(Code::corrupted,
               std::to_string(rest_.size()) + " bytes too many at offset " + std::to_string(offset()));
}

Error ByteReader::too_short(std::size_t wanted) const {
  return Error(Code::corrupted, "ends at offset " + std::to_string(offset() + rest_.size()) + ", " +
                                    std::to_string(wanted) + " bytes wanted at offset " +
                                    std::to_string(offset()));
}

}  // namespace weft
