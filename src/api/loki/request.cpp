#include "api/loki/request.h"

#include <algorithm>
#include <cmath>

#include "logql/query.h"
#include "text/units.h"

namespace weft::api::loki {
namespace {

constexpr std::int64_t kPointsMax = 11'000;

Error bad_parameter(const char* name, const Error& error) {
  return error.in_context("could not parse '" + std::string(name) + "' parameter");
}

}  // namespace

Result<TimeRange> time_range(const Parameters& parameters, std::int64_t now_ns) {
  TimeRange range;
  range.end_ns = now_ns;
  std::int64_t since_ns = 3600 * kNsPerSecond;
  if (parameters.has("since")) {
    auto since = text::parse_prometheus_duration(parameters.get("since"));
    if (!since) return bad_parameter("since", since.error());
    since_ns = *since;
  }
  if (parameters.has("end")) {
    auto end = parse_loki_time(parameters.get("end"));
    if (!end) return bad_parameter("end", end.error());
    range.end_ns = *end;
  }
  range.start_ns = std::min(range.end_ns, now_ns) - since_ns;
  if (parameters.has("start")) {
    auto start = parse_loki_time(parameters.get("start"));
    if (!start) return bad_parameter("start", start.error());
    range.start_ns = *start;
  }
  return range;
}

Result<std::vector<exec::LabelMatcher>> selector(std::string_view text) {
  if (text.empty()) return std::vector<exec::LabelMatcher>{};
  auto bare = logql::parse_selector(text);
  if (bare) return bare;
  auto query = logql::Query::parse(text);
  if (!query || query->selectors().empty()) return bare.error();
  return query->selectors().front();
}

Result<std::int64_t> duration_parameter(const Parameters& parameters, const char* name) {
  std::string_view text = parameters.get(name);
  if (text.empty()) return std::int64_t{0};
  if (auto seconds = text::parse_float(text)) {
    if (!(std::fabs(*seconds) < 9e9))
      return Error(Code::invalid_argument, "cannot parse \"" + std::string(text) +
                                               "\" to a valid duration. "
                                               "It overflows int64");
    return static_cast<std::int64_t>(*seconds * 1e9);
  }
  if (auto ns = text::parse_prometheus_duration(text)) return ns;
  return Error(Code::invalid_argument, "cannot parse \"" + std::string(text) + "\" to a valid duration");
}

Result<std::size_t> entries_limit(const Parameters& parameters, const Limits& limits) {
  std::int64_t n = TRY(parameters.integer("limit", 100, "Atoi"));
  if (n <= 0) return Error(Code::invalid_argument, "limit must be a positive value");
  auto value = static_cast<std::size_t>(n);
  if (limits.entries_per_query_max != 0 && value > limits.entries_per_query_max)
    return Error(Code::invalid_argument,
                 "max entries limit per query exceeded, limit > max_entries_limit_per_query (" +
                     std::to_string(n) + " > " + std::to_string(limits.entries_per_query_max) + ")");
  return value;
}

Result<std::int64_t> step(const Parameters& parameters, TimeRange range) {
  std::int64_t length_ns = range.end_ns - range.start_ns;
  std::int64_t step_ns = TRY(duration_parameter(parameters, "step"));
  if (!parameters.has("step"))
    step_ns = std::max<std::int64_t>(length_ns / kNsPerSecond / 250, 1) * kNsPerSecond;
  if (step_ns <= 0)
    return Error(Code::invalid_argument,
                 "zero or negative query resolution step widths are not accepted. Try a positive integer");
  if (length_ns / step_ns > kPointsMax)
    return Error(Code::invalid_argument,
                 "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of "
                 "the step parameter");
  return step_ns;
}

bool wants_categories(const net::Request& request) {
  std::string_view flags = request.header("x-loki-response-encoding-flags");
  while (!flags.empty()) {
    std::size_t comma = std::min(flags.find(','), flags.size());
    if (flags.substr(0, comma) == "categorize-labels") return true;
    flags.remove_prefix(std::min(comma + 1, flags.size()));
  }
  return false;
}

Result<Selection> select(const Call& call, const Parameters& parameters, std::string_view query) {
  Selection s;
  s.range = TRY(time_range(parameters, call.services.clock.now_ns()));
  s.matchers = TRY(selector(query));
  s.snapshot = call.services.store.snapshot();
  return s;
}

bool is_hidden(std::string_view label_name) {
  return label_name.starts_with("__") && label_name != "__stream_shard__";
}

}  // namespace weft::api::loki
