#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/block/zstd.h"

// The frame around the values of one column over some rows: docs/formats/block.md. A page is the
// unit of reading, of checking (one hash), of compression and of the choice of encoding.
//
// A page holds at most kPageValuesMax values; whoever writes cuts it earlier when its raw bytes would
// pass kPageBytesTarget. What a reader accepts is bounded by kPageBytesMax before memory is taken,
// so that a damaged or hostile block cannot ask for more.

namespace weft::storage::block {

inline constexpr std::size_t kPageHeaderBytes = 16;
inline constexpr std::size_t kPageValuesMax = 8192;
inline constexpr std::size_t kPageBytesTarget = std::size_t{256} << 10;
inline constexpr std::size_t kPageBytesMax = std::size_t{1} << 20;
// A value that is longer than that has a page of its own.
inline constexpr std::size_t kSingleValueBytesMax = std::size_t{16} << 20;

// How a page's values became bytes. On disk: never renumber.
enum class Encoding : std::uint8_t {
  constant = 0,            // one value, all the same
  frame_of_reference = 1,  // integers: a base and bit-packed differences from it
  delta = 2,               // integers: differences from one to the next
  dictionary = 3,          // distinct values and a code for each row
  run_length = 4,          // integers: values and how often each repeats
  fixed = 5,               // values of 8 or 16 bytes, as they are
  strings = 8,             // lengths and concatenated bytes
  bitmap = 10,             // one bit a row
  ids = 16,                // of the id dictionary: sorted 16-byte ids and their postings
};

// What a page holds, after its frame was found in order and the payload decompressed.
struct PageView {
  Encoding encoding = Encoding::constant;
  std::uint32_t values = 0;  // 0 to kPageValuesMax
  std::string_view payload;
};

// Memory for a decompressed payload; reused from page to page, never shrinks.
class PageBuffer {
 public:
  // Uninitialised; what was given out before dies.
  char* prepare(std::size_t bytes) {
    if (bytes > capacity_) {
      bytes_ = std::make_unique_for_overwrite<char[]>(bytes);
      capacity_ = bytes;
    }
    return bytes_.get();
  }
  bool holds(std::string_view payload) const { return payload.data() == bytes_.get(); }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

// Appends a page. With `zstd`, the payload is compressed if that saves at least 5 %; nullptr for
// what must stay as it is. Errors: invalid_argument if the payload is larger than a page may be.
// Requires values <= kPageValuesMax.
Result<void> append_page(Encoding encoding, std::size_t values, std::string_view payload, Zstd* zstd,
                         std::string& out);

// Takes the page at the beginning of `bytes` off them; they may go on after it. The payload lies in
// `bytes` or in `buffer`: it dies with the first of them, or when the buffer is used again.
// Errors: corrupted, and `bytes` are where they were.
Result<PageView> take_page(std::string_view& bytes, Zstd& zstd, PageBuffer& buffer);

// How many bytes the page has that begins with these (kPageHeaderBytes are enough), header included.
// Nothing but the header's bounds is checked. Errors: corrupted.
Result<std::size_t> page_bytes(std::string_view bytes);

}  // namespace weft::storage::block
