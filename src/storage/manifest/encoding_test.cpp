#include "storage/manifest/encoding.h"

#include <limits>

#include <gtest/gtest.h>

#include "base/compress.h"
#include "base/hash.h"
#include "storage/manifest/testing.h"

namespace weft::storage {
namespace {

const Partition kDay{Signal::traces, 20'648};

Manifest full_manifest() {
  Manifest manifest{.partition = kDay, .version = 77, .nonce = 0xfeedfacecafebeef};
  for (std::uint64_t i = 1; i <= 5; ++i) manifest.blocks.push_back(some_block(i, i % 2 == 0 ? 1 : 0));
  manifest.blocks[1].sources.push_back({"", 0, std::numeric_limits<std::uint64_t>::max()});
  manifest.blocks[2].first_ns = std::numeric_limits<std::int64_t>::min();
  manifest.blocks[2].last_ns = std::numeric_limits<std::int64_t>::max();
  manifest.blocks[3].sources.clear();
  manifest.retired = {{{9, 9}, -5}, {{10, 10}, 1'700'000'000'000'000'000}};
  manifest.watermarks = {{"node-a", 12}, {"node-b", 1}};
  return manifest;
}

// A message in its envelope, as encode_manifest would have made it.
std::string envelope(std::string_view message, std::uint32_t format = 1) {
  std::string packed = *compress(Codec::zstd, message, 1);
  std::uint64_t hash = hash64(packed, format);
  return "WFM1" + std::string(reinterpret_cast<const char*>(&format), 4) +
         std::string(reinterpret_cast<const char*>(&hash), 8) + packed;
}

Code code_of(std::string_view bytes) {
  auto decoded = decode_manifest(bytes, kDay);
  return decoded ? Code::internal : decoded.error().code();
}

TEST(ManifestEncoding, ComesBack) {
  Manifest manifest = full_manifest();
  auto bytes = encode_manifest(manifest);
  ASSERT_TRUE(bytes);
  auto back = decode_manifest(*bytes, kDay);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, manifest);
  Manifest expired{.partition = kDay, .version = 1, .state = Manifest::State::expired, .expired_at_ns = -1};
  EXPECT_EQ(*decode_manifest(*encode_manifest(expired), kDay), expired);
}

// Pinned: what is on disk has to be read for ever. docs/formats/manifest.md shows these bytes.
TEST(ManifestEncoding, OfALittleManifestIsWhatTheDocumentSays) {
  Manifest manifest{.partition = {Signal::logs, 20'648}, .version = 1, .nonce = 0x0102030405060708};
  manifest.retired = {{{0x0011223344556677, 0x8899aabbccddeeff}, 1}};
  manifest.watermarks = {{"n1", 4'294'967'344}};
  auto bytes = encode_manifest(manifest);
  ASSERT_TRUE(bytes);
  auto message = decompress(Codec::zstd, std::string_view(*bytes).substr(16), {});
  ASSERT_TRUE(message);
  const unsigned char expected[] = {0x08, 0x01,              // signal: logs
                                    0x10, 0xd0, 0xc2, 0x02,  // day: 20648, zigzag
                                    0x18, 0x01,              // version
                                    0x21, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,  // nonce
                                    0x28, 0x01,                                            // state: open
                                    0x42, 0x1b,                                            // retired
                                    0x0a, 0x10, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,  //   id
                                    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,              //
                                    0x11, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,        //   at
                                    0x4a, 0x0a, 0x0a, 0x02, 'n',  '1',  0x10, 0xb0, 0x80, 0x80,
                                    0x80, 0x10};  // watermark: node, lsn
  EXPECT_EQ(*message, std::string_view(reinterpret_cast<const char*>(expected), sizeof expected));
}

TEST(ManifestEncoding, NoticesEveryFlippedBitAndEveryCut) {
  std::string bytes = *encode_manifest(full_manifest());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      EXPECT_EQ(code_of(damaged), Code::corrupted) << at << ' ' << bit;
    }
    EXPECT_EQ(code_of(std::string_view(bytes).substr(0, at)), Code::corrupted) << at;
  }
  EXPECT_EQ(code_of(bytes + '\0'), Code::corrupted);
}

TEST(ManifestEncoding, RefusesAnotherPartitionsManifest) {
  std::string bytes = *encode_manifest(full_manifest());
  EXPECT_EQ(decode_manifest(bytes, {Signal::logs, kDay.day}).error().code(), Code::corrupted);
  EXPECT_EQ(decode_manifest(bytes, {kDay.signal, kDay.day + 1}).error().code(), Code::corrupted);
}

TEST(ManifestEncoding, SaysWhenItIsTooOldForTheBytes) {
  std::string message =
      *decompress(Codec::zstd, std::string_view(*encode_manifest(full_manifest())).substr(16), {});
  EXPECT_TRUE(decode_manifest(envelope(message), kDay));
  EXPECT_EQ(code_of(envelope(message, 2)), Code::unimplemented);
  EXPECT_EQ(code_of(envelope(message, 0)), Code::corrupted);
  EXPECT_EQ(code_of(envelope(message + std::string("\x50\x01", 2))), Code::corrupted) << "field 10";
}

// Bytes with a right hash, as a bug or a hostile hand would make them.
TEST(ManifestEncoding, RefusesWhatItWouldNotWrite) {
  auto broken = [](auto change) {
    Manifest manifest = full_manifest();
    change(manifest);
    return code_of(*encode_manifest(manifest));
  };
  EXPECT_EQ(broken([](Manifest&) {}), Code::internal) << "decodes";
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].id = m.blocks[1].id; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.retired[0].id = m.blocks[1].id; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].size = 10; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].footer_bytes = 101; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].index_offset = m.blocks[0].footer_offset + 1; }),
            Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].last_ns = m.blocks[0].first_ns - 1; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].level = 8; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].sources[0].to = 0; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.blocks[0].sources[0].node.resize(256); }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.watermarks[0].lsn = 0; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.watermarks[1].node = m.watermarks[0].node; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.state = Manifest::State::expired; }), Code::corrupted);
  EXPECT_EQ(broken([](Manifest& m) { m.state = static_cast<Manifest::State>(3); }), Code::corrupted);
  EXPECT_EQ(code_of(envelope("")), Code::corrupted);
  EXPECT_EQ(code_of(envelope("\x08")), Code::corrupted) << "ends in a field";
  EXPECT_EQ(code_of(envelope("\x3a\xff\xff\xff\xff\x0f")), Code::corrupted) << "length beyond the end";
  EXPECT_EQ(code_of(envelope(std::string(80 << 20, '\0'))), Code::corrupted) << "decompression bomb";
}

TEST(ManifestEncoding, HasBounds) {
  Manifest manifest{.partition = kDay, .version = 1};
  for (std::uint64_t i = 0; i <= kManifestBlocksMax; ++i) manifest.retired.push_back({{i, i}, 1});
  EXPECT_EQ(encode_manifest(manifest).error().code(), Code::resource_exhausted);
  manifest.retired.pop_back();
  auto bytes = encode_manifest(manifest);
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(decode_manifest(*bytes, kDay));
}

}  // namespace
}  // namespace weft::storage
