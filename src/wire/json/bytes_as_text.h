#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weft::wire {

// RFC 4648 with padding. Appends.
void append_base64(std::string& out, std::string_view bytes);

// Either alphabet (+/ or -_), padding optional: what protobuf's JSON mapping accepts. Nothing when the
// text is not base64.
std::optional<std::string> decode_base64(std::string_view text);

// Hex digits of either case, an even number of them; nothing otherwise.
std::optional<std::string> decode_hex(std::string_view text);

}  // namespace weft::wire
