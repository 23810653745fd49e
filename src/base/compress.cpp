#include "base/compress.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#include <libdeflate.h>
#include <lz4frame.h>
#include <nmmintrin.h>
#include <snappy.h>
#include <zstd.h>

// Every decoder writes into an Output, which owns the one decision that matters: how much memory a
// body may claim. It starts from a guess that the input's own size bounds (never from what a header
// says alone), doubles, and stops at the limit; a decoder that wants more gets resource_exhausted.
// The codecs' own state is bounded too: zstd's window by kZstdWindowLogMax, lz4's blocks by its
// format (4 MiB), snappy's framed chunks by its format (64 KiB).

namespace weft {
namespace {

constexpr int kZstdWindowLogMax = 23;  // 8 MiB: what RFC 8878 asks of every decoder
constexpr std::size_t kFirstGuess = std::size_t{64} << 10;
constexpr std::size_t kGuessRatio = 16;  // text of logs and traces seldom shrinks more

Error bad(std::string_view codec, std::string_view what) {
  return Error(Code::invalid_argument, std::string(codec) + ": " + std::string(what));
}

std::size_t saturating_multiply(std::size_t a, std::size_t b) {
  std::size_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::size_t>::max() : product;
}

class Output {
 public:
  Output(std::size_t input_bytes, const DecompressLimits& limits)
      : input_bytes_(input_bytes), limits_(limits) {
    std::size_t by_ratio =
        std::max(limits.ratio_free_bytes, saturating_multiply(input_bytes, limits.ratio_max));
    limit_ = std::min(limits.output_bytes_max, by_ratio);
  }

  // Takes memory for about `expected` bytes; a claim larger than the input makes likely waits
  // until the decoder has shown that it is true.
  void start(std::size_t expected) {
    std::size_t likely = std::max(kFirstGuess, saturating_multiply(input_bytes_, kGuessRatio));
    bytes_.resize(std::min({expected, likely, limit_}));
  }
  Result<void> grow() {
    if (bytes_.size() >= limit_) return over_limit();
    std::size_t room = limit_ - bytes_.size();
    bytes_.resize(bytes_.size() + std::min(room, std::max(bytes_.size(), kFirstGuess)));
    return {};
  }
  // Makes room for exactly `count` more bytes.
  Result<void> reserve(std::size_t count) {
    if (count > limit_ - used_) return over_limit();
    while (bytes_.size() - used_ < count) TRY(grow());
    return {};
  }
  Error over_limit() const {
    if (limit_ == limits_.output_bytes_max)
      return Error(Code::resource_exhausted, "decompressed body is larger than the limit of " +
                                                 std::to_string(limit_) + " bytes (output_bytes_max)");
    return Error(Code::resource_exhausted,
                 "decompressed body is more than " + std::to_string(limits_.ratio_max) + " times its " +
                     std::to_string(input_bytes_) + " compressed bytes (ratio_max)");
  }

  char* free_begin() { return bytes_.data() + used_; }
  std::size_t free_size() const { return bytes_.size() - used_; }
  bool at_limit() const { return used_ == limit_; }
  void advance(std::size_t count) { used_ += count; }
  std::size_t limit() const { return limit_; }
  std::string take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  std::size_t used_ = 0;
  std::size_t limit_;
  std::size_t input_bytes_;
  const DecompressLimits& limits_;
};

// Calls the streaming decoder `step` until `bytes` are used up. step(in, in_size, out, out_size)
// sets both sizes to what it took and gave, and returns the codec's verdict: 0 at the end of a
// frame, else more is expected. Frames may follow one another.
template <class Step>
Result<std::string> decode_stream(std::string_view codec, std::string_view bytes, Output output, Step step) {
  bool in_frame = true;  // an empty body is a frame that never began
  bool stuck = false;
  while (!bytes.empty() || (in_frame && !stuck)) {
    if (output.free_size() == 0 && !output.at_limit()) TRY(output.grow());
    // At the limit a decoder may still have a checksum to read, but not a byte to give.
    char spare = 0;
    bool spared = output.at_limit();
    std::size_t in_size = bytes.size();
    std::size_t out_size = spared ? 1 : output.free_size();
    std::size_t offered = out_size;
    std::size_t verdict = TRY(step(bytes.data(), in_size, spared ? &spare : output.free_begin(), out_size));
    if (spared && out_size > 0) return output.over_limit();
    bytes.remove_prefix(in_size);
    output.advance(out_size);
    in_frame = verdict != 0;
    stuck = in_size == 0 && out_size < offered;
    if (stuck && !bytes.empty()) return bad(codec, "corrupt input");
  }
  if (in_frame) return bad(codec, "unexpected end of input");
  return output.take();
}

Result<std::string> decode_zstd(std::string_view bytes, Output output) {
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return Error(Code::resource_exhausted, "zstd: out of memory");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  unsigned long long claimed = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  bool known = claimed != ZSTD_CONTENTSIZE_ERROR && claimed != ZSTD_CONTENTSIZE_UNKNOWN;
  output.start(known ? claimed : saturating_multiply(bytes.size(), 4));
  return decode_stream(
      "zstd", bytes, std::move(output),
      [&](const char* in, std::size_t& in_size, char* out, std::size_t& out_size) -> Result<std::size_t> {
        ZSTD_inBuffer from{in, in_size, 0};
        ZSTD_outBuffer to{out, out_size, 0};
        std::size_t verdict = ZSTD_decompressStream(context.get(), &to, &from);
        if (ZSTD_isError(verdict)) return bad("zstd", ZSTD_getErrorName(verdict));
        in_size = from.pos;
        out_size = to.pos;
        return verdict;
      });
}

Result<std::string> decode_lz4(std::string_view bytes, Output output) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)))
    return Error(Code::resource_exhausted, "lz4: out of memory");
  std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> context(raw, LZ4F_freeDecompressionContext);
  output.start(saturating_multiply(bytes.size(), 4));
  return decode_stream(
      "lz4", bytes, std::move(output),
      [&](const char* in, std::size_t& in_size, char* out, std::size_t& out_size) -> Result<std::size_t> {
        std::size_t verdict = LZ4F_decompress(context.get(), out, &out_size, in, &in_size, nullptr);
        if (LZ4F_isError(verdict)) return bad("lz4", LZ4F_getErrorName(verdict));
        return verdict;
      });
}

// --- deflate: libdeflate wants the whole output at once, so a member that does not fit is begun
// again in twice the space. That at most doubles the work, and it is still faster than zlib.

using Inflater = std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)>;

template <class Member>
Result<std::size_t> inflate_member(std::string_view codec, Output& output, Member member) {
  for (;;) {
    std::size_t taken = 0;
    std::size_t given = 0;
    switch (member(&taken, &given)) {
      case LIBDEFLATE_SUCCESS: output.advance(given); return taken;
      case LIBDEFLATE_INSUFFICIENT_SPACE: TRY(output.grow()); break;
      default: return bad(codec, "corrupt or truncated input");
    }
  }
}

Result<std::string> decode_gzip(std::string_view bytes, Output output) {
  Inflater inflater(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!inflater) return Error(Code::resource_exhausted, "gzip: out of memory");
  // The last four bytes are the last member's size: nearly always the only member's.
  std::uint32_t claimed = 0;
  if (bytes.size() >= 18) std::memcpy(&claimed, bytes.data() + bytes.size() - 4, 4);
  output.start(claimed);
  do {
    std::size_t taken = TRY(inflate_member("gzip", output, [&](std::size_t* in, std::size_t* out) {
      return libdeflate_gzip_decompress_ex(inflater.get(), bytes.data(), bytes.size(), output.free_begin(),
                                           output.free_size(), in, out);
    }));
    bytes.remove_prefix(taken);
  } while (!bytes.empty());
  return output.take();
}

// HTTP's "deflate" means zlib's wrapping; Go programs often send it bare. A zlib header is
// recognised by its checksum; what then turns out not to be zlib is read as bare deflate.
Result<std::string> decode_deflate(std::string_view bytes, Output output) {
  Inflater inflater(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!inflater) return Error(Code::resource_exhausted, "deflate: out of memory");
  output.start(saturating_multiply(bytes.size(), 4));
  auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
  bool wrapped = bytes.size() >= 6 && (byte(0) & 15) == 8 && (byte(0) * 256 + byte(1)) % 31 == 0;
  Result<std::size_t> taken = bad("deflate", "corrupt or truncated input");
  if (wrapped) {
    taken = inflate_member("deflate", output, [&](std::size_t* in, std::size_t* out) {
      return libdeflate_zlib_decompress_ex(inflater.get(), bytes.data(), bytes.size(), output.free_begin(),
                                           output.free_size(), in, out);
    });
    if (!taken && taken.error().code() == Code::resource_exhausted) return taken.error();
  }
  if (!taken) {
    taken = inflate_member("deflate", output, [&](std::size_t* in, std::size_t* out) {
      return libdeflate_deflate_decompress_ex(inflater.get(), bytes.data(), bytes.size(), output.free_begin(),
                                              output.free_size(), in, out);
    });
  }
  if (!taken) return taken.error();
  if (*taken != bytes.size()) return bad("deflate", "bytes follow the end of the stream");
  return output.take();
}

// --- snappy ---

// A snappy element of three bytes makes at most 64: a block that claims more than this is a lie
// that need not be tried.
constexpr std::size_t kSnappyRatioMax = 22;

// What the block's header says it holds, if that can be true.
Result<std::size_t> snappy_claim(std::string_view block) {
  std::size_t claimed = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &claimed) ||
      claimed > saturating_multiply(block.size(), kSnappyRatioMax))
    return bad("snappy", "corrupt input");
  return claimed;
}

Result<void> append_snappy_block(std::string_view block, std::size_t claimed, Output& output) {
  TRY(output.reserve(claimed));
  if (!snappy::RawUncompress(block.data(), block.size(), output.free_begin()))
    return bad("snappy", "corrupt input");
  output.advance(claimed);
  return {};
}

Result<std::string> decode_snappy_block(std::string_view bytes, Output output) {
  std::size_t claimed = TRY(snappy_claim(bytes));
  if (claimed > output.limit()) return output.over_limit();
  output.start(claimed);
  TRY(append_snappy_block(bytes, claimed, output));
  return output.take();
}

// The framing format of snappy's framing_format.txt: chunks of {type, 24-bit length, data}, data of
// the two content types led by the masked CRC-32C of the content.
constexpr std::string_view kSnappyIdentifier = "sNaPpY";
constexpr std::size_t kSnappyChunkMax = 65536;
enum SnappyChunk : unsigned char {
  snappy_compressed = 0x00,
  snappy_uncompressed = 0x01,
  snappy_first_skippable = 0x80,
  snappy_stream_identifier = 0xFF,
};

std::uint32_t masked_crc32c(std::string_view bytes) {
  std::uint64_t crc = 0xFFFFFFFF;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; left > 0; --left, ++at) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  narrow = ~narrow;
  return (narrow >> 15 | narrow << 17) + 0xA282EAD8U;
}

Result<void> append_snappy_chunk(unsigned char type, std::string_view data, Output& output) {
  if (data.size() < 4) return bad("snappy", "chunk without a checksum");
  std::uint32_t checksum = 0;
  std::memcpy(&checksum, data.data(), 4);
  data.remove_prefix(4);
  std::size_t size = type == snappy_compressed ? TRY(snappy_claim(data)) : data.size();
  if (size > kSnappyChunkMax) return bad("snappy", "chunk holds more than 65536 bytes");
  if (type == snappy_compressed) {
    TRY(append_snappy_block(data, size, output));
  } else {
    TRY(output.reserve(size));
    if (size > 0) std::memcpy(output.free_begin(), data.data(), size);
    output.advance(size);
  }
  if (masked_crc32c({output.free_begin() - size, size}) != checksum)
    return bad("snappy", "checksum does not match");
  return {};
}

Result<std::string> decode_snappy_framed(std::string_view bytes, Output output) {
  output.start(saturating_multiply(bytes.size(), 4));
  bool identified = false;
  while (!bytes.empty()) {
    if (bytes.size() < 4) return bad("snappy", "unexpected end of input");
    auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    auto type = static_cast<unsigned char>(bytes[0]);
    std::size_t size = byte(1) | byte(2) << 8 | byte(3) << 16;
    bytes.remove_prefix(4);
    if (size > bytes.size()) return bad("snappy", "unexpected end of input");
    std::string_view data = bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (type == snappy_stream_identifier) {
      if (data != kSnappyIdentifier) return bad("snappy", "wrong stream identifier");
      identified = true;
    } else if (!identified) {
      return bad("snappy", "stream identifier is missing");
    } else if (type == snappy_compressed || type == snappy_uncompressed) {
      TRY(append_snappy_chunk(type, data, output));
    } else if (type < snappy_first_skippable) {
      return bad("snappy", "unknown chunk type " + std::to_string(type));
    }
  }
  if (!identified) return bad("snappy", "unexpected end of input");
  return output.take();
}

std::string encode_snappy_framed(std::string_view bytes) {
  std::string out;
  auto chunk = [&](unsigned char type, std::string_view checked, std::string_view data) {
    std::size_t size = data.size() + (type == snappy_stream_identifier ? 0 : 4);
    out += static_cast<char>(type);
    for (int shift = 0; shift < 24; shift += 8) out += static_cast<char>(size >> shift & 255);
    if (type != snappy_stream_identifier) {
      std::uint32_t checksum = masked_crc32c(checked);
      out.append(reinterpret_cast<const char*>(&checksum), 4);
    }
    out += data;
  };
  chunk(snappy_stream_identifier, {}, kSnappyIdentifier);
  std::string block;
  for (std::size_t at = 0; at < bytes.size(); at += kSnappyChunkMax) {
    std::string_view piece = bytes.substr(at, kSnappyChunkMax);
    snappy::Compress(piece.data(), piece.size(), &block);
    bool smaller = block.size() < piece.size();
    chunk(smaller ? snappy_compressed : snappy_uncompressed, piece,
          smaller ? std::string_view(block) : piece);
  }
  return out;
}

Result<std::string> encode_gzip(std::string_view bytes, int level) {
  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> deflater(
      libdeflate_alloc_compressor(std::clamp(level, 1, 12)), libdeflate_free_compressor);
  if (!deflater) return Error(Code::resource_exhausted, "gzip: out of memory");
  std::string out(libdeflate_gzip_compress_bound(deflater.get(), bytes.size()), '\0');
  out.resize(libdeflate_gzip_compress(deflater.get(), bytes.data(), bytes.size(), out.data(), out.size()));
  return out;
}

Result<std::string> encode_zstd(std::string_view bytes, int level) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  std::size_t size =
      ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), std::clamp(level, 1, 19));
  if (ZSTD_isError(size)) return Error(Code::internal, std::string("zstd: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

}  // namespace

Result<Codec> codec_from_name(std::string_view name, Codec snappy_form) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (lower.empty() || lower == "identity") return Codec::identity;
  if (lower == "gzip" || lower == "x-gzip") return Codec::gzip;
  if (lower == "deflate" || lower == "zlib") return Codec::deflate;
  if (lower == "zstd") return Codec::zstd;
  if (lower == "snappy") return snappy_form;
  if (lower == "x-snappy-framed") return Codec::snappy_framed;
  if (lower == "lz4") return Codec::lz4_frame;
  return Error(Code::unimplemented,
               "unsupported content encoding '" + std::string(name) +
                   "', supported: gzip, deflate, zlib, zstd, snappy, x-snappy-framed, lz4");
}

Result<std::string> decompress(Codec codec, std::string_view bytes, const DecompressLimits& limits) {
  Output output(bytes.size(), limits);
  switch (codec) {
    case Codec::identity:
      if (bytes.size() > output.limit()) return output.over_limit();
      return std::string(bytes);
    case Codec::gzip: return decode_gzip(bytes, std::move(output));
    case Codec::deflate: return decode_deflate(bytes, std::move(output));
    case Codec::zstd: return decode_zstd(bytes, std::move(output));
    case Codec::snappy_block: return decode_snappy_block(bytes, std::move(output));
    case Codec::snappy_framed: return decode_snappy_framed(bytes, std::move(output));
    case Codec::lz4_frame: return decode_lz4(bytes, std::move(output));
  }
  return Error(Code::unimplemented, "unknown codec");
}

Result<std::string> compress(Codec codec, std::string_view bytes, int level) {
  switch (codec) {
    case Codec::identity: return std::string(bytes);
    case Codec::gzip: return encode_gzip(bytes, level);
    case Codec::zstd: return encode_zstd(bytes, level);
    case Codec::snappy_block: {
      std::string out;
      snappy::Compress(bytes.data(), bytes.size(), &out);
      return out;
    }
    case Codec::snappy_framed: return encode_snappy_framed(bytes);
    case Codec::deflate: return Error(Code::unimplemented, "deflate is only read");
    case Codec::lz4_frame: return Error(Code::unimplemented, "lz4 is only read");
  }
  return Error(Code::unimplemented, "unknown codec");
}

}  // namespace weft
