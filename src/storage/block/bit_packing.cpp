#include "storage/block/bit_packing.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

// Every width has a function of its own in which all shifts are constants and the four (two) lanes are
// one vector register; the table at the end of the unpacking part picks it once a block. Vectors of 16 bytes
// are what x86-64-v2 and ARM both have; GCC and Clang translate them for any other machine.

namespace weft::storage::block {
namespace {

using Lanes32 [[gnu::vector_size(16)]] = std::uint32_t;
using Lanes64 [[gnu::vector_size(16)]] = std::uint64_t;
using TwoOf32 [[gnu::vector_size(8)]] = std::uint32_t;
constexpr std::size_t kVectorBytes = 16;

template <class Lanes>
Lanes load(const void* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

template <class Lanes>
void store(void* to, Lanes lanes) {
  std::memcpy(to, &lanes, sizeof lanes);
}

// Row R of a block: the values R * lanes to (R + 1) * lanes - 1, without the base.
template <class Lanes, unsigned kLaneBits, unsigned W, unsigned R>
[[gnu::always_inline]] inline Lanes unpack_row(const char* in) {
  if constexpr (W == 0) {
    return Lanes{};
  } else {
    constexpr unsigned word = R * W / kLaneBits;
    constexpr unsigned shift = R * W % kLaneBits;
    Lanes row = load<Lanes>(in + kVectorBytes * word) >> shift;
    if constexpr (shift + W > kLaneBits)
      row |= load<Lanes>(in + kVectorBytes * (word + 1)) << (kLaneBits - shift);
    if constexpr (W < kLaneBits) {
      using Word = std::remove_cvref_t<decltype(row[0])>;
      row &= Lanes{} + ((Word{1} << W) - 1);
    }
    return row;
  }
}

[[gnu::always_inline]] inline void store_row(Lanes32 row, Lanes32 base, std::uint32_t* out) {
  store(out, row + base);
}

[[gnu::always_inline]] inline void store_row(Lanes32 row, Lanes64 base, std::uint64_t* out) {
  TwoOf32 low = __builtin_shufflevector(row, row, 0, 1);
  TwoOf32 high = __builtin_shufflevector(row, row, 2, 3);
  store(out, __builtin_convertvector(low, Lanes64) + base);
  store(out + 2, __builtin_convertvector(high, Lanes64) + base);
}

[[gnu::always_inline]] inline void store_row(Lanes64 row, Lanes64 base, std::uint64_t* out) {
  store(out, row + base);
}

template <unsigned W, class T, std::size_t... R>
[[gnu::always_inline]] inline void unpack_rows(const char* in, T base, T* out,
                                               std::index_sequence<R...> /*rows*/) {
  constexpr unsigned lane_bits = W <= 32 ? 32 : 64;
  using Lanes = std::conditional_t<(W <= 32), Lanes32, Lanes64>;
  using BaseLanes = std::conditional_t<sizeof(T) == 4, Lanes32, Lanes64>;
  BaseLanes bases = BaseLanes{} + base;
  (store_row(unpack_row<Lanes, lane_bits, W, R>(in), bases, out + R * (kVectorBytes * 8 / lane_bits)), ...);
}

template <unsigned W, class T>
void unpack_block(const char* in, T base, T* out) {
  unpack_rows<W>(in, base, out, std::make_index_sequence<(W <= 32 ? 32 : 64)>());
}

template <class T>
using Unpack = void (*)(const char*, T, T*);

template <class T, std::size_t... W>
constexpr std::array<Unpack<T>, sizeof...(W)> unpack_table(std::index_sequence<W...> /*widths*/) {
  return {unpack_block<W, T>...};
}

template <class T>
constexpr auto kUnpack = unpack_table<T>(std::make_index_sequence<8 * sizeof(T) + 1>());

// The values after the last whole block, one stream of bits.
template <class T>
void unpack_rest(const char* in, std::size_t count, unsigned width, T base, T* out) {
  // With room to read 9 bytes from any of them.
  char bytes[kPackedBlock * 8 + 16] = {};
  if (width > 0) std::memcpy(bytes, in, packed_bytes(count, width));
  std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t bit = i * width;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes + bit / 8, 8);
    unsigned shift = bit % 8;
    value >>= shift;
    if (shift + width > 64)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[bit / 8 + 8])) << (64 - shift);
    out[i] = static_cast<T>(base + static_cast<T>(value & mask));
  }
}

template <class T>
void unpack_all(const char* in, std::size_t count, unsigned width, T base, T* out) {
  Unpack<T> block = kUnpack<T>[width];
  for (; count >= kPackedBlock; count -= kPackedBlock) {
    block(in, base, out);
    in += packed_bytes(kPackedBlock, width);
    out += kPackedBlock;
  }
  if (count > 0) unpack_rest(in, count, width, base, out);
}

// Packs a whole block. Shifts vary here; writing happens once, reading many times.
template <class Lanes, unsigned kLaneBits>
void pack_block(const std::uint64_t* values, unsigned width, char* out) {
  constexpr unsigned lane_count = kVectorBytes * 8 / kLaneBits;
  constexpr unsigned rows = kPackedBlock / lane_count;
  Lanes words[kLaneBits + 1] = {};
  using Word = std::remove_cvref_t<decltype(words[0][0])>;
  Word mask = width == kLaneBits ? ~Word{0} : static_cast<Word>((Word{1} << width) - 1);
  for (unsigned r = 0; r < rows; ++r) {
    Lanes row;
    for (unsigned lane = 0; lane < lane_count; ++lane)
      row[lane] = static_cast<Word>(values[r * lane_count + lane]) & mask;
    unsigned word = r * width / kLaneBits;
    unsigned shift = r * width % kLaneBits;
    words[word] |= row << shift;
    if (shift + width > kLaneBits) words[word + 1] |= row >> (kLaneBits - shift);
  }
  std::memcpy(out, words, packed_bytes(kPackedBlock, width));
}

void pack_rest(const std::uint64_t* values, std::size_t count, unsigned width, char* out) {
  char bytes[kPackedBlock * 8 + 16] = {};
  std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t bit = i * width;
    unsigned shift = bit % 8;
    std::uint64_t value = values[i] & mask;
    std::uint64_t there = 0;
    std::memcpy(&there, bytes + bit / 8, 8);
    there |= value << shift;
    std::memcpy(bytes + bit / 8, &there, 8);
    if (shift + width > 64) bytes[bit / 8 + 8] = static_cast<char>(value >> (64 - shift));
  }
  std::memcpy(out, bytes, packed_bytes(count, width));
}

}  // namespace

void pack(const std::uint64_t* values, std::size_t count, unsigned width, std::string& out) {
  if (width == 0) return;
  std::size_t begin = out.size();
  out.resize(begin + packed_bytes(count, width));
  char* to = out.data() + begin;
  for (; count >= kPackedBlock; count -= kPackedBlock) {
    if (width <= 32) {
      pack_block<Lanes32, 32>(values, width, to);
    } else {
      pack_block<Lanes64, 64>(values, width, to);
    }
    values += kPackedBlock;
    to += packed_bytes(kPackedBlock, width);
  }
  if (count > 0) pack_rest(values, count, width, to);
}

void unpack(const char* in, std::size_t count, unsigned width, std::uint32_t base, std::uint32_t* out) {
  unpack_all(in, count, width, base, out);
}

void unpack(const char* in, std::size_t count, unsigned width, std::uint64_t base, std::uint64_t* out) {
  unpack_all(in, count, width, base, out);
}

}  // namespace weft::storage::block
