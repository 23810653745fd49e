#pragma once

#include <cstdint>
#include <memory>
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

// `step`, by default a 250th of the range and at least a second. Errors: invalid_argument, also when
// it makes too many points.
Result<std::int64_t> step(const Parameters& parameters, TimeRange range);

// True when the client wants stream, structured metadata and parsed labels apart.
bool wants_categories(const net::Request& request);

// What the endpoints about labels, series and volumes work on: `start`, `end`, `since`, and `query` as
// a selector.
struct Selection {
  TimeRange range;
  std::vector<exec::LabelMatcher> matchers;
  std::shared_ptr<const storage::Snapshot> snapshot;
};
Result<Selection> select(const Call& call, const Parameters& parameters, std::string_view query);

// Loki's internal labels are not shown to people.
bool is_hidden(std::string_view label_name);

// Answers with the JSON that `make` makes, or with its error.
template <class Make>
void send_made(const Call& call, Make make) {
  Result<std::string> json = make();
  if (json) {
    send_json(call.responder, std::move(*json));
  } else {
    send_error(call.responder, json.error());
  }
}

}  // namespace weft::api::loki
