#include "storage/block/page.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

namespace weft::storage::block {
namespace {

constexpr std::size_t kHashedFrom = 4;

enum class PageCodec : std::uint8_t { none = 0, zstd = 1 };

struct Header {
  std::uint32_t hash = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t raw_bytes = 0;
  std::uint16_t values = 0;
  std::uint8_t encoding = 0;
  std::uint8_t codec = 0;
};
static_assert(sizeof(Header) == kPageHeaderBytes);

Error corrupted(const std::string& what) {
  return Error(Code::corrupted, "page: " + what);
}

std::size_t raw_bytes_max(std::size_t values) {
  return values == 1 ? kSingleValueBytesMax : kPageBytesMax;
}

std::uint32_t hash_of_page(std::string_view page) {
  return static_cast<std::uint32_t>(hash64(page.substr(kHashedFrom)));
}

bool is_encoding(std::uint8_t number) {
  switch (static_cast<Encoding>(number)) {
    case Encoding::constant:
    case Encoding::frame_of_reference:
    case Encoding::delta:
    case Encoding::dictionary:
    case Encoding::run_length:
    case Encoding::fixed:
    case Encoding::strings:
    case Encoding::bitmap:
    case Encoding::ids: return true;
  }
  return false;
}

Result<Header> read_header(std::string_view bytes) {
  if (bytes.size() < kPageHeaderBytes)
    return corrupted("header has 16 bytes, only " + std::to_string(bytes.size()) + " are left");
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.values > kPageValuesMax)
    return corrupted("claims " + std::to_string(header.values) + " values, limit is " +
                     std::to_string(kPageValuesMax));
  if (header.raw_bytes > raw_bytes_max(header.values))
    return corrupted("claims " + std::to_string(header.raw_bytes) + " raw bytes, limit is " +
                     std::to_string(raw_bytes_max(header.values)));
  bool compressed = header.codec == static_cast<std::uint8_t>(PageCodec::zstd);
  if (!compressed && header.codec != static_cast<std::uint8_t>(PageCodec::none))
    return corrupted("unknown codec " + std::to_string(header.codec));
  if (compressed ? header.stored_bytes >= header.raw_bytes : header.stored_bytes != header.raw_bytes)
    return corrupted("claims " + std::to_string(header.stored_bytes) + " stored bytes for " +
                     std::to_string(header.raw_bytes) + " raw ones");
  if (!is_encoding(header.encoding)) return corrupted("unknown encoding " + std::to_string(header.encoding));
  return header;
}

}  // namespace

Result<void> append_page(Encoding encoding, std::size_t values, std::string_view payload, Zstd* zstd,
                         std::string& out) {
  CHECK(values <= kPageValuesMax);
  if (payload.size() > raw_bytes_max(values))
    return Error(Code::invalid_argument, "a page of " + std::to_string(values) + " values has " +
                                             std::to_string(payload.size()) + " bytes, limit is " +
                                             std::to_string(raw_bytes_max(values)));
  std::size_t begin = out.size();
  out.resize(begin + kPageHeaderBytes);
  bool compressed = zstd != nullptr && zstd->compress_if_smaller(payload, out);
  if (!compressed) out += payload;
  Header header;
  header.stored_bytes = static_cast<std::uint32_t>(out.size() - begin - kPageHeaderBytes);
  header.raw_bytes = static_cast<std::uint32_t>(payload.size());
  header.values = static_cast<std::uint16_t>(values);
  header.encoding = static_cast<std::uint8_t>(encoding);
  header.codec = static_cast<std::uint8_t>(compressed ? PageCodec::zstd : PageCodec::none);
  std::memcpy(out.data() + begin, &header, sizeof header);
  header.hash = hash_of_page(std::string_view(out).substr(begin));
  std::memcpy(out.data() + begin, &header.hash, sizeof header.hash);
  return {};
}

Result<std::size_t> page_bytes(std::string_view bytes) {
  return kPageHeaderBytes + TRY(read_header(bytes))
  .stored_bytes;
}

Result<PageView> take_page(std::string_view& bytes, Zstd& zstd, PageBuffer& buffer) {
  Header header = TRY(read_header(bytes));
  std::size_t size = kPageHeaderBytes + header.stored_bytes;
  if (size > bytes.size())
    return corrupted("has " + std::to_string(size) + " bytes, only " + std::to_string(bytes.size()) +
                     " are left");
  std::string_view page = bytes.substr(0, size);
  if (hash_of_page(page) != header.hash) return corrupted("hash does not match");
  std::string_view payload = page.substr(kPageHeaderBytes);
  if (header.codec == static_cast<std::uint8_t>(PageCodec::zstd)) {
    char* raw = buffer.prepare(header.raw_bytes);
    if (auto done = zstd.decompress(payload, raw, header.raw_bytes); !done)
      return done.error().in_context("page");
    payload = {raw, header.raw_bytes};
  }
  bytes.remove_prefix(size);
  return PageView{static_cast<Encoding>(header.encoding), header.values, payload};
}

}  // namespace weft::storage::block
