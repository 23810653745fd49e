#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/parameters.h"
#include "api/services.h"
#include "exec/matcher.h"
#include "model/limits.h"
#include "model/time.h"

namespace weft::api::loki {

// `start`, `end` and `since` with Loki's defaults: the last hour up to now. Errors:
// invalid_argument "could not parse 'start' parameter: …".
Result<TimeRange> time_range(const Parameters& parameters, std::int64_t now_ns);

// A selector from text that may also be a whole query (its pipeline is ignored), "" and "{}" being
// everything.
Result<std::vector<exec::LabelMatcher>> selector(std::string_view text);

// `limit`: at least 1, default 100. Errors: invalid_argument, also when it is more than allowed.
Result<std::size_t> entries_limit(const Parameters& parameters, const Limits& limits);

// `step` and `interval`: float seconds or a Prometheus duration. 0 when missing.
Result<std::int64_t> duration_parameter(const Parameters& parameters, const char* name);

// True when the client wants stream, structured metadata and parsed labels apart.
bool wants_categories(const net::Request& request);

}  // namespace weft::api::loki
