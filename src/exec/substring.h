#pragma once

#include <cstddef>
#include <string_view>

namespace weft::exec {

// Position of the first `needle` in `text`, or npos. AVX2 where the machine has it (first and last
// byte of the needle compared 32 at a time), else memmem. An empty needle is at 0.
std::size_t find_substring(std::string_view text, std::string_view needle);

// The same ignoring the case of ASCII letters; `needle` must be in lower case.
std::size_t find_substring_ignoring_case(std::string_view text, std::string_view needle);

}  // namespace weft::exec
