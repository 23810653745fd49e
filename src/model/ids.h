#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

// 128 bits in network order, as W3C Trace Context has them. All zero: no trace.
// 64-bit ids of older tracers are padded with zeros on the left.
struct TraceId {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const TraceId&) const = default;
  bool is_zero() const { return *this == TraceId{}; }
};

struct SpanId {
  std::array<std::uint8_t, 8> bytes{};
  auto operator<=>(const SpanId&) const = default;
  bool is_zero() const { return *this == SpanId{}; }
};

// Lower-case hex, 32 and 16 digits.
std::string to_hex(const TraceId& id);
std::string to_hex(const SpanId& id);

// 1 to 32 (16) hex digits of either case; shorter ones are padded on the left.
std::optional<TraceId> parse_trace_id(std::string_view hex);
std::optional<SpanId> parse_span_id(std::string_view hex);

// Raw bytes of exactly 16 (8) bytes.
std::optional<TraceId> trace_id_from_bytes(std::string_view bytes);
std::optional<SpanId> span_id_from_bytes(std::string_view bytes);

// Ids are random, so some of their bits are a hash already; padded 64-bit ids use the low half.
inline std::uint64_t hash_of(const TraceId& id) {
  std::uint64_t a, b;
  std::memcpy(&a, id.bytes.data(), 8);
  std::memcpy(&b, id.bytes.data() + 8, 8);
  return (a ^ (b * 0x9e3779b97f4a7c15ULL)) * 0xd6e8feb86659fd93ULL;
}
inline std::uint64_t hash_of(const SpanId& id) {
  std::uint64_t a;
  std::memcpy(&a, id.bytes.data(), 8);
  return a * 0xd6e8feb86659fd93ULL;
}

}  // namespace weft

template <>
struct std::hash<weft::TraceId> {
  std::size_t operator()(const weft::TraceId& id) const { return weft::hash_of(id); }
};
template <>
struct std::hash<weft::SpanId> {
  std::size_t operator()(const weft::SpanId& id) const { return weft::hash_of(id); }
};
