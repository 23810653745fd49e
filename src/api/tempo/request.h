#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/parameters.h"
#include "api/services.h"
#include "exec/context.h"
#include "model/time.h"
#include "traceql/query.h"

namespace weft::api::tempo {

// Whole seconds in `start` and `end`; both or neither. Without them everything that is stored.
// Errors: invalid_argument in Tempo's words.
Result<TimeRange> time_range(const Parameters& parameters, std::int64_t now_ns);

// A TraceQL query; its errors get the prefix "invalid TraceQL query: ".
Result<traceql::Query> parse_query(std::string_view text);

// What a search asks for, from a URL or from a gRPC message.
struct Search {
  std::string q;
  std::vector<std::pair<std::string, std::string>> tags;
  traceql::SearchParams params;
};
Result<Search> search_from(const Call& call, const Parameters& parameters);
Result<std::vector<traceql::FoundTrace>> run(const Call& call, const Search& search, exec::Context& context);

// `start`, `end`, `since` and `step` of the metrics endpoints; `instant` asks for one value.
struct Metrics {
  std::string q;
  traceql::MetricsParams params;
};
Result<Metrics> metrics_from(const Call& call, const Parameters& parameters, bool instant);
Result<traceql::MetricsAnswer> run(const Call& call, const Metrics& metrics, exec::Context& context);

// Fills in the default step and checks the range, as §2.7 has it.
Result<void> check_metrics(const Limits& limits, traceql::MetricsParams& params, bool instant);

}  // namespace weft::api::tempo
