#include "storage/block/zstd.h"

#include <zstd.h>

namespace weft::storage::block {
namespace {

// On logs, level 3 finds no more than level 1 and takes twice as long.
constexpr int kLevel = 1;
constexpr std::size_t kSmallestWorthTrying = 64;

}  // namespace

void Zstd::Free::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

void Zstd::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

bool Zstd::compress_if_smaller(std::string_view bytes, std::string& out) {
  if (bytes.size() < kSmallestWorthTrying) return false;
  if (!compressor_) compressor_.reset(ZSTD_createCCtx());
  if (!compressor_) return false;  // out of memory: larger pages are better than none
  std::size_t begin = out.size();
  std::size_t limit = bytes.size() - bytes.size() / 20;
  out.resize(begin + limit);
  // A frame that does not fit into `limit` is an error like any other: not worth having.
  std::size_t size =
      ZSTD_compressCCtx(compressor_.get(), out.data() + begin, limit, bytes.data(), bytes.size(), kLevel);
  bool smaller = ZSTD_isError(size) == 0;
  out.resize(smaller ? begin + size : begin);
  return smaller;
}

Result<void> Zstd::decompress(std::string_view frame, char* out, std::size_t raw_bytes) {
  if (!decompressor_) decompressor_.reset(ZSTD_createDCtx());
  if (!decompressor_) return Error(Code::resource_exhausted, "zstd: out of memory");
  std::size_t size = ZSTD_decompressDCtx(decompressor_.get(), out, raw_bytes, frame.data(), frame.size());
  if (ZSTD_isError(size) != 0) return Error(Code::corrupted, std::string("zstd: ") + ZSTD_getErrorName(size));
  if (size != raw_bytes)
    return Error(Code::corrupted, "zstd frame holds " + std::to_string(size) + " bytes, header says " +
                                      std::to_string(raw_bytes));
  return {};
}

}  // namespace weft::storage::block
