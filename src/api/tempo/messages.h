#pragma once

#include <string_view>

#include "api/parameters.h"
#include "base/result.h"

// Requests of tempopb.StreamingQuerier (reference/tempo.md §2.4-2.8).

namespace weft::api::tempo {

// The fields of a message that weft knows, under the names that they have in a URL, so that one path
// serves both. Fields that are zero or empty are missing. Errors: invalid_argument.
Result<Parameters> search_request(std::string_view message);
Result<Parameters> tags_request(std::string_view message);
Result<Parameters> tag_values_request(std::string_view message);  // the tag's name as "tag"

}  // namespace weft::api::tempo
