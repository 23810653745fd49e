#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/manifest/manifest.h"

// A manifest as the bytes of its object: docs/formats/manifest.md. Pure.

namespace weft::storage {

inline constexpr std::size_t kManifestBytesMax = std::size_t{64} << 20;  // stored and decompressed
inline constexpr std::size_t kManifestBlocksMax = 100'000;               // listed, and as many retired
inline constexpr std::size_t kManifestNodesMax = 10'000;

// Requires a version above 0. Errors: resource_exhausted above one of the bounds.
Result<std::string> encode_manifest(const Manifest& manifest);

// Takes nothing that encode_manifest would not write for that partition. Errors: corrupted;
// unimplemented for the format of a later weft.
Result<Manifest> decode_manifest(std::string_view bytes, Partition partition);

}  // namespace weft::storage
