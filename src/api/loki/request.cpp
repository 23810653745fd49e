#include "api/loki/request.h"

#include <algorithm>

#include "logql/query.h"
#include "text/units.h"

namespace weft::api::loki {
namespace {

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

}  // namespace weft::api::loki
