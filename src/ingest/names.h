#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "model/labels.h"

namespace weft::ingest {

// A name in the shape of a label: what is not [A-Za-z0-9_] becomes _, runs of _ become one (unless
// the name is a label's already), a leading digit gets the prefix key_. A view of `name` itself
// when there is nothing to do, else of `arena`. "" for a name without any letter or digit.
std::string_view normal_name(std::string_view name, Arena& arena);

// Bytes that are not UTF-8 become spaces.
std::string_view valid_text(std::string_view text, Arena& arena);

// service_name for a stream without one: the value of the first of `candidates` among its labels,
// else "unknown_service".
std::string_view discover_service(std::span<const Label> labels, std::span<const std::string> candidates);

}  // namespace weft::ingest
