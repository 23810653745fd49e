#include "model/ids.h"

namespace weft {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <class Id>
std::string hex_of(const Id& id) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(id.bytes.size() * 2, '0');
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    out[2 * i] = kDigits[id.bytes[i] >> 4];
    out[2 * i + 1] = kDigits[id.bytes[i] & 15];
  }
  return out;
}

template <class Id>
std::optional<Id> parse_hex(std::string_view hex) {
  Id id;
  std::size_t digits = id.bytes.size() * 2;
  if (hex.empty() || hex.size() > digits) return std::nullopt;
  std::size_t at = digits - hex.size();
  for (char c : hex) {
    int value = digit(c);
    if (value < 0) return std::nullopt;
    auto& byte = id.bytes[at / 2];
    byte = static_cast<std::uint8_t>(byte | (at % 2 == 0 ? value << 4 : value));
    ++at;
  }
  return id;
}

template <class Id>
std::optional<Id> from_bytes(std::string_view bytes) {
  Id id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

}  // namespace

std::string to_hex(const TraceId& id) { return hex_of(id); }
std::string to_hex(const SpanId& id) { return hex_of(id); }
std::optional<TraceId> parse_trace_id(std::string_view hex) { return parse_hex<TraceId>(hex); }
std::optional<SpanId> parse_span_id(std::string_view hex) { return parse_hex<SpanId>(hex); }
std::optional<TraceId> trace_id_from_bytes(std::string_view b) { return from_bytes<TraceId>(b); }
std::optional<SpanId> span_id_from_bytes(std::string_view b) { return from_bytes<SpanId>(b); }

}  // namespace weft
