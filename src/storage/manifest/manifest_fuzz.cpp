#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/compress.h"
#include "base/hash.h"
#include "storage/manifest/encoding.h"

// Any bytes as a manifest, and as the message inside of one with a right hash. What decodes comes
// back from its encoding, and every change leaves something that does.
namespace {

using namespace weft;
using namespace weft::storage;

constexpr Partition kPartition{Signal::logs, 1};

void check_comes_back(Manifest manifest) {
  ++manifest.version;
  if (manifest.version == 0) return;
  auto bytes = encode_manifest(manifest);
  CHECK_OR_DIE(static_cast<bool>(bytes));
  auto back = decode_manifest(*bytes, kPartition);
  CHECK_OR_DIE(back && *back == manifest);
}

void exercise(const Manifest& manifest) {
  check_comes_back(manifest);
  const std::size_t ids = manifest.blocks.size() + manifest.retired.size();

  Manifest flushed = manifest;
  Flush flush{.node = "n", .from = manifest.watermark("n"), .to = manifest.watermark("n") + 1};
  flush.blocks.push_back({.id = {0x5eed, 0x5eed}, .size = 1});
  if (flush.to > flush.from)
    if (auto result = commit_flush(flushed, flush)) {
      check_comes_back(flushed);
      CHECK_OR_DIE((result->outcome == FlushOutcome::expired) ==
                   (manifest.state == Manifest::State::expired));
      Manifest again = flushed;
      auto second = commit_flush(again, flush);
      CHECK_OR_DIE(second && second->outcome != FlushOutcome::committed && again == flushed);
    }
  if (!manifest.blocks.empty()) {
    Manifest merged = manifest;
    Merge merge{.remove = {manifest.blocks.front().id}, .add = flush.blocks};
    if (auto result = commit_merge(merged, merge, 5)) {
      CHECK_OR_DIE(*result == MergeOutcome::committed);
      check_comes_back(merged);
      CHECK_OR_DIE(merged.blocks.size() + merged.retired.size() == ids + 1);
      CHECK_OR_DIE(*commit_merge(merged, merge, 6) == MergeOutcome::already_done);
    }
  }
  Manifest expired = manifest;
  (void)expire(expired, 7);
  check_comes_back(expired);
  CHECK_OR_DIE(expired.blocks.empty() && expired.retired.size() == ids);
  CHECK_OR_DIE(forget(expired, garbage(expired, 1, 0)) <= ids);
  check_comes_back(expired);
}

void decode(std::string_view bytes) {
  auto manifest = decode_manifest(bytes, kPartition);
  if (manifest)
    exercise(*manifest);
  else
    CHECK_OR_DIE(manifest.error().code() == Code::corrupted ||
                 manifest.error().code() == Code::unimplemented);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  decode(bytes);
  std::string packed = *compress(Codec::zstd, bytes);
  const std::uint32_t format = 1;
  const std::uint64_t hash = hash64(packed, format);
  std::string whole = "WFM1";
  whole.append(reinterpret_cast<const char*>(&format), sizeof format);
  whole.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  decode(whole + packed);
  if (auto name = parse_block_key(bytes)) CHECK_OR_DIE(block_key(name->partition, name->id) == bytes);
  if (auto partition = parse_manifest_key(bytes)) CHECK_OR_DIE(manifest_key(*partition) == bytes);
  return 0;
}
