#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace weft::storage::block {

// Both directions of zstd level 1, with contexts that are made once and used for page after page:
// one of these per thread that reads or writes blocks. One thread.
class Zstd {
 public:
  Zstd() = default;
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  // Appends `bytes` as a frame if that is at most 95 % of them; returns whether it was.
  bool compress_if_smaller(std::string_view bytes, std::string& out);

  // Requires room for `raw_bytes` at `out`. Errors: corrupted unless that is what the frame holds.
  Result<void> decompress(std::string_view frame, char* out, std::size_t raw_bytes);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> compressor_;
  std::unique_ptr<ZSTD_DCtx_s, Free> decompressor_;
};

}  // namespace weft::storage::block
