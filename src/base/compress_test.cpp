#include "base/compress.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

namespace weft {
namespace {

std::string words(std::size_t bytes) {
  std::mt19937 random(7);
  std::string out;
  while (out.size() < bytes) out += "level=info request=" + std::to_string(random() % 100000) + " took=5ms\n";
  out.resize(bytes);
  return out;
}

std::string noise(std::size_t bytes) {
  std::mt19937 random(8);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

std::string lz4(std::string_view text) {
  std::string out(LZ4F_compressFrameBound(text.size(), nullptr), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), text.data(), text.size(), nullptr));
  return out;
}

// window_bits: 15 zlib, -15 bare deflate.
std::string zlib(std::string_view text, int window_bits) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 32, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string pack(Codec codec, std::string_view text) {
  if (codec == Codec::lz4_frame) return lz4(text);
  if (codec == Codec::deflate) return zlib(text, 15);
  auto packed = compress(codec, text);
  return packed ? *packed : std::string();
}

const std::vector<Codec> kAll = {Codec::identity,     Codec::gzip,          Codec::deflate,  Codec::zstd,
                                 Codec::snappy_block, Codec::snappy_framed, Codec::lz4_frame};
const std::vector<Codec> kCompressing(kAll.begin() + 1, kAll.end());

TEST(Compress, EveryCodecGivesBackWhatItTook) {
  for (const std::string& text : {std::string(), std::string("x"), words(1000), words(65536), words(65537),
                                  words(3'000'000), noise(200'000)}) {
    for (Codec codec : kAll) {
      auto back = decompress(codec, pack(codec, text), {});
      ASSERT_TRUE(back) << int(codec) << ' ' << text.size() << ' ' << back.error().message();
      EXPECT_EQ(*back, text) << int(codec);
    }
  }
}

TEST(Compress, LevelsOutOfRangeAreClamped) {
  for (int level : {-5, 1, 12, 99}) {
    EXPECT_EQ(*decompress(Codec::gzip, *compress(Codec::gzip, words(5000), level), {}), words(5000));
    EXPECT_EQ(*decompress(Codec::zstd, *compress(Codec::zstd, words(5000), level), {}), words(5000));
  }
}

TEST(Compress, BareDeflateIsReadToo) {
  EXPECT_EQ(*decompress(Codec::deflate, zlib(words(100'000), -15), {}), words(100'000));
}

TEST(Compress, FramesMayFollowOneAnother) {
  for (Codec codec : {Codec::gzip, Codec::zstd, Codec::lz4_frame, Codec::snappy_framed}) {
    std::string packed;
    std::string text;
    for (int i = 0; i < 50; ++i) {
      std::string piece = words(static_cast<std::size_t>(i) * 977);
      packed += pack(codec, piece);
      text += piece;
    }
    auto back = decompress(codec, packed, {});
    ASSERT_TRUE(back) << int(codec) << back.error().message();
    EXPECT_EQ(*back, text) << int(codec);
  }
}

TEST(Compress, TruncationAtEveryByteIsAnError) {
  for (Codec codec : kCompressing) {
    std::string packed = pack(codec, words(3000));
    for (std::size_t size = 0; size < packed.size(); ++size) {
      auto back = decompress(codec, std::string_view(packed).substr(0, size), {});
      // A framed snappy stream has no end mark: after its identifier it may stop at any chunk.
      if (codec == Codec::snappy_framed && back) {
        EXPECT_EQ(size, 10U);
        continue;
      }
      ASSERT_FALSE(back) << int(codec) << " at " << size;
      EXPECT_EQ(back.error().code(), Code::invalid_argument) << int(codec) << " at " << size;
    }
  }
}

TEST(Compress, GarbageAndTrailingBytesAreErrors) {
  for (Codec codec : kCompressing) {
    for (std::string_view text : {"", "a", "hello, this is no archive at all, hello, hello"}) {
      auto back = decompress(codec, text, {});
      ASSERT_FALSE(back) << int(codec) << text;
      EXPECT_EQ(back.error().code(), Code::invalid_argument);
    }
    auto back = decompress(codec, pack(codec, words(100)) + "trailing bytes", {});
    ASSERT_FALSE(back) << int(codec);
    EXPECT_EQ(back.error().code(), Code::invalid_argument);
  }
}

TEST(Compress, AFlippedBitNeverCrashesAndChecksumsSeeIt) {
  for (Codec codec : kCompressing) {
    std::string text = words(2000);
    std::string packed = pack(codec, text);
    for (std::size_t i = 0; i < packed.size(); ++i) {
      std::string broken = packed;
      broken[i] = static_cast<char>(broken[i] ^ 0x10);
      auto back = decompress(codec, broken, {});
      // Another code may happen to mean the same bytes; other bytes never pass a checksum.
      if (codec == Codec::gzip || codec == Codec::deflate || codec == Codec::snappy_framed) {
        EXPECT_TRUE(!back || *back == text) << int(codec) << " at " << i;
      }
    }
  }
}

// A megabyte of zeros for each few hundred bytes: nobody may get the 64 MB that it asks for.
TEST(Compress, BombsStopAtTheRatio) {
  std::string zeros(64 << 20, '\0');
  for (Codec codec : {Codec::gzip, Codec::deflate, Codec::zstd, Codec::lz4_frame}) {
    std::string packed = pack(codec, zeros);
    DecompressLimits limits{.output_bytes_max = 1 << 30, .ratio_max = 100, .ratio_free_bytes = 1 << 16};
    auto back = decompress(codec, packed, limits);
    ASSERT_FALSE(back) << int(codec);
    EXPECT_EQ(back.error().code(), Code::resource_exhausted);
    EXPECT_NE(back.error().message().find("100 times"), std::string::npos) << back.error().message();
  }
}

TEST(Compress, EveryCodecStopsAtTheOutputLimitAndReachesIt) {
  std::string text = words(300'000);
  for (Codec codec : kAll) {
    std::string packed = pack(codec, text);
    auto exact = decompress(codec, packed, {.output_bytes_max = text.size()});
    ASSERT_TRUE(exact) << int(codec) << exact.error().message();
    EXPECT_EQ(*exact, text);
    auto short_by_one = decompress(codec, packed, {.output_bytes_max = text.size() - 1});
    ASSERT_FALSE(short_by_one) << int(codec);
    EXPECT_EQ(short_by_one.error().code(), Code::resource_exhausted);
    EXPECT_NE(short_by_one.error().message().find("299999"), std::string::npos)
        << short_by_one.error().message();
    EXPECT_FALSE(decompress(codec, packed, {.output_bytes_max = 0}));
  }
}

TEST(Compress, HeadersThatClaimTooMuchTakeNoMemory) {
  // snappy: varint length 2^32 - 1, then one literal.
  std::string_view snappy_lie("\xFF\xFF\xFF\xFF\x0F\x00x", 7);
  EXPECT_EQ(decompress(Codec::snappy_block, snappy_lie, {}).error().code(), Code::invalid_argument);
  // gzip: ISIZE of 4 GB.
  std::string gzip_lie = pack(Codec::gzip, words(100));
  gzip_lie.replace(gzip_lie.size() - 4, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(decompress(Codec::gzip, gzip_lie, {}).error().code(), Code::invalid_argument);
}

TEST(Compress, AZstdWindowOverEightMebibytesIsRefused) {
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  for (int log : {23, 24}) {
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, log);
    std::string text = noise(300'000);
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    ZSTD_outBuffer to{packed.data(), packed.size(), 0};
    ZSTD_inBuffer part{text.data(), 1000, 0};  // flushed before the end, so that its size is not known
    ZSTD_compressStream2(context.get(), &to, &part, ZSTD_e_flush);
    ZSTD_inBuffer rest{text.data() + 1000, text.size() - 1000, 0};
    ASSERT_EQ(ZSTD_compressStream2(context.get(), &to, &rest, ZSTD_e_end), 0U);
    packed.resize(to.pos);
    EXPECT_EQ(bool(decompress(Codec::zstd, packed, {})), log == 23);
  }
}

TEST(Compress, SnappyFramesAreCheckedAndSkippableChunksSkipped) {
  std::string identifier("\xFF\x06\x00\x00sNaPpY", 10);
  std::string packed = *compress(Codec::snappy_framed, "abc");
  std::string padding("\xFE\x02\x00\x00zz", 6);
  EXPECT_EQ(*decompress(Codec::snappy_framed, identifier + padding + packed.substr(10), {}), "abc");
  EXPECT_FALSE(decompress(Codec::snappy_framed, packed.substr(10), {}));
  EXPECT_FALSE(decompress(Codec::snappy_framed, identifier + std::string("\x02\x00\x00\x00", 4), {}));
  // CRC-32C of "123456789" is 0xE3069283 (RFC 3720 appendix B.4), masked as the format says.
  std::uint32_t masked = (0xE3069283U >> 15 | 0xE3069283U << 17) + 0xA282EAD8U;
  std::string known = identifier + std::string("\x01\x0D\x00\x00", 4);
  known.append(reinterpret_cast<const char*>(&masked), 4);
  EXPECT_EQ(*decompress(Codec::snappy_framed, known + "123456789", {}), "123456789");
  EXPECT_FALSE(decompress(Codec::snappy_framed, known + "123456788", {}));
}

TEST(Compress, NamesOfCodecs) {
  EXPECT_EQ(*codec_from_name("", Codec::snappy_block), Codec::identity);
  EXPECT_EQ(*codec_from_name("identity", Codec::snappy_block), Codec::identity);
  EXPECT_EQ(*codec_from_name("GZip", Codec::snappy_block), Codec::gzip);
  EXPECT_EQ(*codec_from_name("x-gzip", Codec::snappy_block), Codec::gzip);
  EXPECT_EQ(*codec_from_name("zlib", Codec::snappy_block), Codec::deflate);
  EXPECT_EQ(*codec_from_name("deflate", Codec::snappy_block), Codec::deflate);
  EXPECT_EQ(*codec_from_name("zstd", Codec::snappy_block), Codec::zstd);
  EXPECT_EQ(*codec_from_name("snappy", Codec::snappy_block), Codec::snappy_block);
  EXPECT_EQ(*codec_from_name("snappy", Codec::snappy_framed), Codec::snappy_framed);
  EXPECT_EQ(*codec_from_name("x-snappy-framed", Codec::snappy_block), Codec::snappy_framed);
  EXPECT_EQ(*codec_from_name("lz4", Codec::snappy_block), Codec::lz4_frame);
  auto unknown = codec_from_name("br", Codec::snappy_block);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Code::unimplemented);
  EXPECT_FALSE(compress(Codec::deflate, "x"));
  EXPECT_FALSE(compress(Codec::lz4_frame, "x"));
}

}  // namespace
}  // namespace weft
