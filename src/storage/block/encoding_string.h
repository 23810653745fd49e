#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/block/page.h"

// Strings of any bytes, in one of three forms:
//
//   constant     the value, once
//   dictionary   the distinct values in the order in which they appear, and a code for each row; if
//                at most a third of the rows bring a new one
//   strings      lengths and concatenated bytes
//
// Dictionary and strings are zstd if that saves 5 %. Whether a dictionary is worth building is asked
// of a sample of 1024 values first.

namespace weft::storage::block {

// How many of the first values go into the next page: as many as fit kPageBytesTarget and
// kPageValuesMax, at least one (of any length) if there is any.
std::size_t strings_in_page(std::span<const std::string_view> values);

// Writes pages of strings; keeps its memory from page to page. One thread.
class StringEncoder {
 public:
  // The encoder uses `zstd` as long as it lives.
  explicit StringEncoder(Zstd& zstd) : zstd_(zstd) {}

  // Appends one page. Errors: invalid_argument for more than a page may hold: a value above 16 MiB,
  // several above 1 MiB together. Requires at most kPageValuesMax values.
  Result<void> encode(std::span<const std::string_view> values, std::string& out);

 private:
  bool find_dictionary(std::span<const std::string_view> values, std::size_t entries_max);

  Zstd& zstd_;
  std::string payload_;
  std::vector<std::uint32_t> slots_;   // hash table: entry + 1, or 0
  std::vector<std::uint64_t> hashes_;  // of the entries
  std::vector<std::string_view> entries_;
  std::vector<std::uint32_t> codes_;  // per value
  std::vector<std::uint32_t> lengths_;
};

// A page of strings that has been read. Owns every byte it shows; what it shows dies with it, or
// with the next decode(); moving it keeps it. const methods are thread-safe.
class StringPage {
 public:
  // Takes the page at the beginning of `bytes` off them. Errors: corrupted; the page is then empty.
  Result<void> decode(std::string_view& bytes, Zstd& zstd);

  std::size_t size() const { return size_; }
  std::string_view operator[](std::size_t i) const {
    return has_dictionary() ? dictionary_[codes_[i]]
                            : text_.substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  void append_to(std::vector<std::string_view>& out) const;

  // The two forms a predicate can make use of. With a dictionary (constant: of one entry), it is asked
  // once for each entry, and rows are looked up by code:
  bool has_dictionary() const { return !dictionary_.empty(); }
  std::span<const std::string_view> dictionary() const { return dictionary_; }
  std::span<const std::uint32_t> codes() const { return codes_; }
  // Without one, all values stand side by side, value i at [offsets()[i], offsets()[i + 1]), so that
  // a search may run over all of them at once.
  std::string_view text() const { return text_; }
  std::span<const std::uint32_t> offsets() const { return offsets_; }

 private:
  Result<void> decode_payload(const PageView& page);
  Result<void> decode_strings(const PageView& page);
  Result<void> decode_dictionary(const PageView& page);
  void clear();

  PageBuffer buffer_;
  std::size_t size_ = 0;
  std::vector<std::string_view> dictionary_;
  std::vector<std::uint32_t> codes_;
  std::string_view text_;
  std::vector<std::uint32_t> offsets_;
};

}  // namespace weft::storage::block
