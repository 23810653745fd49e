#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft {

enum class Codec : unsigned char { identity, gzip, deflate, zstd, snappy_block, snappy_framed, lz4_frame };

// Bounds on what one body may become. Both ends are checked before memory is taken.
struct DecompressLimits {
  std::size_t output_bytes_max = std::size_t{256} << 20;
  // A small body may always grow to ratio_free_bytes; beyond that, output <= input * ratio_max.
  std::size_t ratio_max = 250;
  std::size_t ratio_free_bytes = std::size_t{1} << 20;
};

// The codec that an HTTP Content-Encoding or a gRPC grpc-encoding value names ("", "identity",
// "gzip", "x-gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4"); for `snappy`
// the caller says which form it means. Errors: unimplemented for any other name.
Result<Codec> codec_from_name(std::string_view name, Codec snappy_form);

// Errors: invalid_argument for bytes that are not of that codec; resource_exhausted past a limit
// (the message names the limit and its value).
Result<std::string> decompress(Codec codec, std::string_view bytes, const DecompressLimits& limits);

// `level` is the codec's own scale where it has one (gzip 1-12, zstd 1-19), else ignored.
// Errors: unimplemented for a codec we only read (deflate, lz4_frame).
Result<std::string> compress(Codec codec, std::string_view bytes, int level = 1);

}  // namespace weft
