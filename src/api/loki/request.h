#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/parameters.h"
#include "api/services.h"
#include "exec/matcher.h"
#include "model/time.h"

namespace weft::api::loki {

// `start`, `end` and `since` with Loki's defaults: the last hour up to now. Errors:
// invalid_argument "could not parse 'start' parameter: …".
Result<TimeRange> time_range(const Parameters& parameters, std::int64_t now_ns);

// A selector from text that may also be a whole query (its pipeline is ignored), "" and "{}" being
// everything.
Result<std::vector<exec::LabelMatcher>> selector(std::string_view text);

}  // namespace weft::api::loki
