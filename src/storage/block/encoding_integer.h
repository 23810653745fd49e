#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/block/page.h"

// Integers of 64 bits, with a sign or without: constant, frame_of_reference, delta or run_length,
// whichever is smallest. What each would take is counted exactly, in one pass over the page, which
// costs less than encoding a sample would.
//
// All arithmetic is modulo 2^64, so the reader need not know whether there was a sign.

namespace weft::storage::block {

// Append one page. Require at most kPageValuesMax values.
void encode_integers(std::span<const std::int64_t> values, std::string& out);
void encode_integers(std::span<const std::uint64_t> values, std::string& out);

// Append the page's values to `out`. Errors: corrupted, and `out` is as it was.
Result<void> decode_integers(const PageView& page, std::vector<std::int64_t>& out);
Result<void> decode_integers(const PageView& page, std::vector<std::uint64_t>& out);

// The same inside other payloads: the encoding's number, then its bytes. The count is the caller's to
// keep. u32 are read modulo 2^32.
void append_integer_stream(std::span<const std::uint64_t> values, std::string& out);
void append_integer_stream(std::span<const std::uint32_t> values, std::string& out);
// Takes one stream of `count` values off the reader, into `out`, which has room for them.
Result<void> take_integer_stream(ByteReader& reader, std::size_t count, std::uint64_t* out);
Result<void> take_integer_stream(ByteReader& reader, std::size_t count, std::uint32_t* out);

}  // namespace weft::storage::block
