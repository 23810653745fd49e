#include "base/compress.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// The first byte picks the codec. What decodes must stay within its limits; what any encoder made of
// the input must come back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  if (size == 0) return 0;
  constexpr Codec kCodecs[] = {Codec::gzip,          Codec::deflate,   Codec::zstd,    Codec::snappy_block,
                               Codec::snappy_framed, Codec::lz4_frame, Codec::identity};
  Codec codec = kCodecs[data[0] % std::size(kCodecs)];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  DecompressLimits limits{.output_bytes_max = 1 << 20, .ratio_max = 50, .ratio_free_bytes = 1 << 12};
  auto plain = decompress(codec, bytes, limits);
  if (plain && plain->size() > limits.output_bytes_max) std::abort();
  if (plain && plain->size() > std::max(limits.ratio_free_bytes, bytes.size() * limits.ratio_max))
    std::abort();
  if (auto packed = compress(codec, bytes)) {
    auto back = decompress(codec, *packed, {});
    if (!back || *back != bytes) std::abort();
  }
  return 0;
}
