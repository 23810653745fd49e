#include "storage/block/encoding_integer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "storage/block/bit_packing.h"

namespace weft::storage::block {
namespace {

constexpr std::size_t kFrameHeaderBytes = 9;  // base, width
constexpr std::size_t kRunsPerValueMax = 3;   // more than a third of the values begin a run: no use

Error corrupted(const std::string& what) {
  return Error(Code::corrupted, "integers: " + what);
}

unsigned width_of(std::uint64_t range) {
  return static_cast<unsigned>(std::bit_width(range));
}

struct Range {
  std::uint64_t base;
  unsigned width;
};

// The smallest value in the order that `flip` makes (the top bit flipped: values have a sign), and
// how many bits the distances from it take.
Range range_of(std::span<const std::uint64_t> values, std::uint64_t flip) {
  std::uint64_t low = ~std::uint64_t{0};
  std::uint64_t high = 0;
  for (std::uint64_t value : values) {
    low = std::min(low, value ^ flip);
    high = std::max(high, value ^ flip);
  }
  return {low ^ flip, width_of(high - low)};
}
constexpr std::uint64_t kSigned = std::uint64_t{1} << 63;

// Packs values[i] - range.base, 128 at a time.
void append_packed(std::span<const std::uint64_t> values, Range range, std::string& out) {
  std::uint64_t differences[kPackedBlock];
  while (!values.empty()) {
    std::size_t count = std::min(values.size(), kPackedBlock);
    for (std::size_t i = 0; i < count; ++i) differences[i] = values[i] - range.base;
    pack(differences, count, range.width, out);
    values = values.subspan(count);
  }
}

// Up to 128 differences between neighbours, from values[begin] on; returns how many.
std::size_t differences_from(std::span<const std::uint64_t> values, std::size_t begin, std::uint64_t* out) {
  std::size_t count = std::min(values.size() - 1 - begin, kPackedBlock);
  for (std::size_t i = 0; i < count; ++i) out[i] = values[begin + i + 1] - values[begin + i];
  return count;
}

std::size_t delta_bytes(std::span<const std::uint64_t> values) {
  std::size_t bytes = 8;
  std::uint64_t differences[kPackedBlock];
  for (std::size_t i = 0; i + 1 < values.size(); i += kPackedBlock) {
    std::size_t count = differences_from(values, i, differences);
    Range range = range_of({differences, count}, kSigned);
    bytes +=
        varint_bytes(zigzag(static_cast<std::int64_t>(range.base))) + 1 + packed_bytes(count, range.width);
  }
  return bytes;
}

void append_delta(std::span<const std::uint64_t> values, std::string& out) {
  put_fixed(out, values.front());
  std::uint64_t differences[kPackedBlock];
  for (std::size_t i = 0; i + 1 < values.size(); i += kPackedBlock) {
    std::size_t count = differences_from(values, i, differences);
    Range range = range_of({differences, count}, kSigned);
    put_varint(out, zigzag(static_cast<std::int64_t>(range.base)));
    put_fixed(out, static_cast<std::uint8_t>(range.width));
    append_packed({differences, count}, range, out);
  }
}

std::size_t count_runs(std::span<const std::uint64_t> values) {
  std::size_t runs = 1;
  for (std::size_t i = 1; i < values.size(); ++i)
    runs += static_cast<std::size_t>(values[i] != values[i - 1]);
  return runs;
}

enum class Runs : bool { allowed, too_deep };  // no runs inside runs

Encoding append_best(std::span<const std::uint64_t> values, std::uint64_t flip, Runs allow, std::string& out);

void append_stream(std::span<const std::uint64_t> values, std::uint64_t flip, Runs allow, std::string& out) {
  std::size_t at = out.size();
  out += '\0';
  out[at] = static_cast<char>(append_best(values, flip, allow, out));
}

void append_runs(std::span<const std::uint64_t> values, std::uint64_t flip, std::size_t runs,
                 std::string& out) {
  std::vector<std::uint64_t> firsts;
  std::vector<std::uint64_t> repeats;  // how many more of the same follow
  firsts.reserve(runs);
  repeats.reserve(runs);
  for (std::uint64_t value : values) {
    if (!firsts.empty() && firsts.back() == value) {
      ++repeats.back();
    } else {
      firsts.push_back(value);
      repeats.push_back(0);
    }
  }
  put_varint(out, runs);
  append_stream(firsts, flip, Runs::too_deep, out);
  append_stream(repeats, 0, Runs::too_deep, out);
}

// Appends the payload and returns its encoding.
Encoding append_best(std::span<const std::uint64_t> values, std::uint64_t flip, Runs allow,
                     std::string& out) {
  if (values.empty()) return Encoding::constant;
  Range range = range_of(values, flip);
  if (range.width == 0) {
    put_fixed(out, range.base);
    return Encoding::constant;
  }
  std::size_t frame_bytes = kFrameHeaderBytes + packed_bytes(values.size(), range.width);
  std::size_t delta = delta_bytes(values);
  // A tie goes to what decodes faster.
  bool is_delta = delta + delta / 16 < frame_bytes;
  std::size_t best = is_delta ? delta : frame_bytes;
  std::size_t runs = allow == Runs::allowed ? count_runs(values) : values.size();
  if (runs * kRunsPerValueMax <= values.size()) {
    std::size_t begin = out.size();
    append_runs(values, flip, runs, out);
    if (out.size() - begin < best) return Encoding::run_length;
    out.resize(begin);
  }
  if (is_delta) {
    append_delta(values, out);
    return Encoding::delta;
  }
  put_fixed(out, range.base);
  put_fixed(out, static_cast<std::uint8_t>(range.width));
  append_packed(values, range, out);
  return Encoding::frame_of_reference;
}

void encode_page(std::span<const std::uint64_t> values, std::uint64_t flip, std::string& out) {
  CHECK(values.size() <= kPageValuesMax);
  std::string payload;
  Encoding encoding = append_best(values, flip, Runs::allowed, payload);
  auto appended = append_page(encoding, values.size(), payload, nullptr, out);
  CHECK(static_cast<bool>(appended));  // 8192 integers are far below a page's limit
}

// --- reading. T is u64, or u32 for lengths and codes ---

Result<unsigned> take_width(ByteReader& reader) {
  unsigned width = TRY(reader.fixed<std::uint8_t>());
  if (width > 64) return corrupted("width of " + std::to_string(width) + " bits");
  return width;
}

// Takes `count` packed numbers and adds `base` to each.
template <class T>
Result<void> take_packed(ByteReader& reader, std::size_t count, unsigned width, T base, T* out) {
  const char* packed = TRY(reader.take(packed_bytes(count, width)))
  .data();
  if (width <= 8 * sizeof(T)) {
    unpack(packed, count, width, base, out);
    return {};
  }
  // u32 whose differences take a 33rd bit; or a page that no writer of ours made.
  std::vector<std::uint64_t> wide(count);
  unpack(packed, count, width, std::uint64_t{base}, wide.data());
  std::ranges::transform(wide, out, [](std::uint64_t value) { return static_cast<T>(value); });
  return {};
}

template <class T>
Result<void> take_frame(ByteReader& reader, std::size_t count, T* out) {
  T base = static_cast<T>(TRY(reader.fixed<std::uint64_t>()));
  unsigned width = TRY(take_width(reader));
  return take_packed(reader, count, width, base, out);
}

template <class T>
Result<void> take_delta(ByteReader& reader, std::size_t count, T* out) {
  T value = static_cast<T>(TRY(reader.fixed<std::uint64_t>()));
  out[0] = value;
  for (std::size_t i = 1; i < count; i += kPackedBlock) {
    std::size_t block = std::min(count - i, kPackedBlock);
    T base = static_cast<T>(unzigzag(TRY(reader.varint())));
    unsigned width = TRY(take_width(reader));
    TRY(take_packed(reader, block, width, base, out + i));
    for (std::size_t k = 0; k < block; ++k) {
      value += out[i + k];
      out[i + k] = value;
    }
  }
  return {};
}

template <class T>
Result<void> take_encoded(ByteReader& reader, Encoding encoding, std::size_t count, Runs allow, T* out);

template <class T>
Result<void> take_stream(ByteReader& reader, std::size_t count, Runs allow, T* out) {
  auto encoding = static_cast<Encoding>(TRY(reader.fixed<std::uint8_t>()));
  return take_encoded(reader, encoding, count, allow, out);
}

template <class T>
Result<void> take_runs(ByteReader& reader, std::size_t count, T* out) {
  std::uint64_t runs = TRY(reader.varint());
  if (runs == 0 || runs > count)
    return corrupted(std::to_string(runs) + " runs for " + std::to_string(count) + " values");
  std::vector<T> firsts(runs);
  std::vector<std::uint32_t> repeats(runs);
  TRY(take_stream(reader, runs, Runs::too_deep, firsts.data()));
  TRY(take_stream(reader, runs, Runs::too_deep, repeats.data()));
  std::size_t filled = 0;
  for (std::size_t i = 0; i < runs; ++i) {
    std::size_t run = std::size_t{repeats[i]} + 1;
    if (run > count - filled) return corrupted("runs are longer than " + std::to_string(count) + " values");
    std::fill_n(out + filled, run, firsts[i]);
    filled += run;
  }
  if (filled != count)
    return corrupted("runs make " + std::to_string(filled) + " of " + std::to_string(count) + " values");
  return {};
}

template <class T>
Result<void> take_encoded(ByteReader& reader, Encoding encoding, std::size_t count, Runs allow, T* out) {
  if (count == 0 && encoding == Encoding::constant) return {};
  if (count > 0) {
    switch (encoding) {
      case Encoding::constant:
        std::fill_n(out, count, static_cast<T>(TRY(reader.fixed<std::uint64_t>())));
        return {};
      case Encoding::frame_of_reference: return take_frame(reader, count, out);
      case Encoding::delta: return take_delta(reader, count, out);
      case Encoding::run_length:
        if (allow == Runs::allowed) return take_runs(reader, count, out);
        break;
      default: break;
    }
  }
  return corrupted("encoding " + std::to_string(static_cast<unsigned>(encoding)) + " of " +
                   std::to_string(count) + " values");
}

Result<void> decode_page(const PageView& page, std::uint64_t* out) {
  ByteReader reader(page.payload);
  TRY(take_encoded(reader, page.encoding, page.values, Runs::allowed, out));
  return reader.expect_end();
}

template <class T>
Result<void> append_decoded(const PageView& page, std::vector<T>& out) {
  std::size_t before = out.size();
  out.resize(before + page.values);
  // The signed and the unsigned type of one width may stand for each other.
  auto done = decode_page(page, reinterpret_cast<std::uint64_t*>(out.data() + before));
  if (done) return {};
  out.resize(before);
  return done.error().in_context("page of integers");
}

}  // namespace

void encode_integers(std::span<const std::int64_t> values, std::string& out) {
  encode_page({reinterpret_cast<const std::uint64_t*>(values.data()), values.size()}, kSigned, out);
}

void encode_integers(std::span<const std::uint64_t> values, std::string& out) {
  encode_page(values, 0, out);
}

Result<void> decode_integers(const PageView& page, std::vector<std::int64_t>& out) {
  return append_decoded(page, out);
}

Result<void> decode_integers(const PageView& page, std::vector<std::uint64_t>& out) {
  return append_decoded(page, out);
}

void append_integer_stream(std::span<const std::uint64_t> values, std::string& out) {
  append_stream(values, 0, Runs::allowed, out);
}

void append_integer_stream(std::span<const std::uint32_t> values, std::string& out) {
  std::vector<std::uint64_t> wide(values.begin(), values.end());
  append_stream(wide, 0, Runs::allowed, out);
}

Result<void> take_integer_stream(ByteReader& reader, std::size_t count, std::uint64_t* out) {
  return take_stream(reader, count, Runs::allowed, out);
}

Result<void> take_integer_stream(ByteReader& reader, std::size_t count, std::uint32_t* out) {
  return take_stream(reader, count, Runs::allowed, out);
}

}  // namespace weft::storage::block
