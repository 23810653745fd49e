#pragma once

#include <string>
#include <string_view>

// Unicode case as Go's strings package maps it. Bytes that are not UTF-8 become U+FFFD.

namespace weft::text {

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
// The first letter of every word in title case; a word begins behind anything but letters, digits
// and underscores.
std::string to_title(std::string_view text);

}  // namespace weft::text
