#include "api/tempo/request.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "text/logfmt.h"
#include "text/units.h"

namespace weft::api::tempo {
namespace {

constexpr std::int64_t kSpansPerSetMax = 100;

// A plain 32-bit number of seconds, as the search endpoints take it.
Result<std::int64_t> seconds(const Parameters& parameters, const char* name) {
  auto value = parse_integer(parameters.get(name), "ParseInt");
  if (!value) return value.error().in_context(std::string("invalid ") + name);
  if (*value < 0 || *value > std::numeric_limits<std::uint32_t>::max())
    return Error(Code::invalid_argument, std::string("invalid ") + name + ": strconv.ParseInt: parsing \"" +
                                             std::string(parameters.get(name)) + "\": value out of range");
  return *value;
}

Result<std::int64_t> go_duration(const Parameters& parameters, const char* name) {
  if (!parameters.has(name)) return std::int64_t{0};
  auto value = text::parse_go_duration(parameters.get(name));
  if (!value) return value.error().in_context(std::string("invalid ") + name);
  return *value;
}

// Metrics endpoints: seconds, nanoseconds, float seconds or RFC 3339.
Result<std::int64_t> metrics_time(const Parameters& parameters, const char* name) {
  auto value = parse_loki_time(parameters.get(name));
  if (!value) return value.error().in_context(std::string("invalid ") + name);
  return *value;
}

bool is_known_parameter(std::string_view name) {
  static constexpr std::string_view kNames[] = {"q",     "tags",       "minDuration", "maxDuration", "limit",
                                                "start", "end",        "since",       "spss",        "query",
                                                "mode",  "blockStart", "blockEnd"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

}  // namespace

Result<TimeRange> time_range(const Parameters& parameters, std::int64_t now_ns) {
  if (parameters.has("since") && !parameters.has("start") && !parameters.has("end")) {
    auto since = text::parse_prometheus_duration(parameters.get("since"));
    if (!since) return since.error().in_context("invalid since");
    return TimeRange{now_ns - *since, std::numeric_limits<std::int64_t>::max()};
  }
  if (!parameters.has("start") && !parameters.has("end"))
    return TimeRange{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  if (!parameters.has("start") || !parameters.has("end"))
    return Error(
        Code::invalid_argument,
        "error parsing date range: only one of start and end provided: must provide both or neither");
  std::int64_t start = TRY(seconds(parameters, "start"));
  std::int64_t end = TRY(seconds(parameters, "end"));
  if (start >= end)
    return Error(Code::invalid_argument, "http parameter start must be before end. received start=" +
                                             std::to_string(start) + " end=" + std::to_string(end));
  return TimeRange{start * kNsPerSecond, end * kNsPerSecond};
}

Result<traceql::Query> parse_query(std::string_view text) {
  if (text.size() > kQueryBytesMax)
    return Error(Code::invalid_argument,
                 "TraceQL expression exceeds the configured maximum size of " +
                     std::to_string(kQueryBytesMax) +
                     " bytes, reduce the query expression size or contact your system administrator");
  auto query = traceql::Query::parse(text);
  if (query) return query;
  return Error(query.error().code(), "invalid TraceQL query: " + query.error().message());
}

Result<Search> search_from(const Call& call, const Parameters& parameters) {
  const Limits& limits = call.services.limits;
  Search s;
  s.q = parameters.get("q");
  if (parameters.has("tags")) {
    if (!s.q.empty())
      return Error(Code::invalid_argument, "invalid request: can't specify tags and q in the same query");
    text::LogfmtScanner scanner(parameters.get("tags"));
    text::LogfmtPair pair;
    Arena unescaped;
    while (scanner.next(pair)) {
      auto value = pair.quoted ? text::unescape_logfmt(pair.value, unescaped) : pair.value;
      s.tags.emplace_back(pair.key, value.value_or(pair.value));
    }
  } else if (s.q.empty()) {  // clients of old put tags straight into the URL
    for (const auto& [name, value] : parameters.items())
      if (!is_known_parameter(name)) s.tags.emplace_back(name, value);
  }
  s.params.tenant = call.tenant;
  s.params.min_duration_ns = TRY(go_duration(parameters, "minDuration"));
  s.params.max_duration_ns = TRY(go_duration(parameters, "maxDuration"));
  if (s.params.min_duration_ns > 0 && s.params.max_duration_ns > 0 &&
      s.params.min_duration_ns > s.params.max_duration_ns)
    return Error(Code::invalid_argument, "invalid maxDuration: must be greater than minDuration");

  auto limit = parameters.integer("limit", 20, "ParseUint");
  if (!limit) return limit.error().in_context("invalid limit");
  if (*limit < 0)
    return Error(Code::invalid_argument, "invalid limit: strconv.ParseUint: parsing \"" +
                                             std::string(parameters.get("limit")) + "\": invalid syntax");
  if (*limit == 0) return Error(Code::invalid_argument, "invalid limit: must be a positive number");
  s.params.limit = static_cast<std::size_t>(*limit);
  if (limits.search_limit_max != 0 && s.params.limit > limits.search_limit_max)
    return Error(Code::invalid_argument, "limit " + std::to_string(*limit) + " exceeds max limit " +
                                             std::to_string(limits.search_limit_max));

  auto spss = parameters.integer("spss", 3, "Atoi");
  if (!spss) return spss.error().in_context("invalid spss");
  if (*spss < 0) return Error(Code::invalid_argument, "invalid spss: must be a non-negative number");
  if (*spss > kSpansPerSetMax)
    return Error(Code::invalid_argument, "spans per span set exceeds " + std::to_string(kSpansPerSetMax) +
                                             ". received " + std::to_string(*spss));
  s.params.spans_per_set = static_cast<std::size_t>(*spss);

  s.params.range = TRY(time_range(parameters, call.services.clock.now_ns()));
  bool given = parameters.has("start");
  if (given && limits.search_duration_max_ns > 0 &&
      s.params.range.end_ns - s.params.range.start_ns > limits.search_duration_max_ns)
    return Error(Code::invalid_argument, "range specified by start and end exceeds " +
                                             text::format_go_duration(limits.search_duration_max_ns) +
                                             ". received start=" + std::string(parameters.get("start")) +
                                             " end=" + std::string(parameters.get("end")));
  return s;
}

Result<std::vector<traceql::FoundTrace>> run(const Call& call, const Search& search, exec::Context& context) {
  auto snapshot = call.services.store.snapshot();
  if (search.q.empty()) return traceql::search_tags(search.tags, search.params, *snapshot, context);
  auto query = TRY(parse_query(search.q));
  return traceql::search(query, search.params, *snapshot, context);
}

Result<Metrics> metrics_from(const Call& call, const Parameters& parameters, bool instant) {
  Metrics m;
  m.q = parameters.has("q") ? parameters.get("q") : parameters.get("query");
  m.params.tenant = call.tenant;
  m.params.end_ns = call.services.clock.now_ns();
  std::int64_t since_ns = 3600 * kNsPerSecond;
  if (parameters.has("since")) {
    auto since = text::parse_prometheus_duration(parameters.get("since"));
    if (!since) return since.error().in_context("invalid since");
    since_ns = *since;
  }
  if (parameters.has("end")) m.params.end_ns = TRY(metrics_time(parameters, "end"));
  m.params.start_ns = m.params.end_ns - since_ns;
  if (parameters.has("start")) m.params.start_ns = TRY(metrics_time(parameters, "start"));
  if (!instant && parameters.has("step")) {
    std::string_view text = parameters.get("step");
    if (auto number = text::parse_float(text)) {
      if (!(std::fabs(*number) < 9e9))
        return Error(Code::invalid_argument, "invalid step: value out of range");
      m.params.step_ns = static_cast<std::int64_t>(*number * 1e9);
    } else {
      m.params.step_ns = TRY(go_duration(parameters, "step"));
    }
    if (m.params.step_ns <= 0) return Error(Code::invalid_argument, "invalid step: must be positive");
  }
  auto exemplars = parameters.integer("exemplars", 100, "Atoi");
  if (!exemplars) return exemplars.error().in_context("invalid exemplars");
  m.params.exemplars =
      static_cast<std::size_t>(std::clamp<std::int64_t>(*exemplars == 0 ? 100 : *exemplars, 0, 100));
  auto series = parameters.integer("maxSeries", 0, "Atoi");
  if (!series) return series.error().in_context("invalid maxSeries");
  m.params.series_max = static_cast<std::size_t>(std::max<std::int64_t>(*series, 0));
  TRY(check_metrics(call.services.limits, m.params, instant));
  return m;
}

Result<void> check_metrics(const Limits& limits, traceql::MetricsParams& params, bool instant) {
  constexpr std::int64_t kIntervalsMax = 10'000;
  constexpr std::int64_t kStepLadder[] = {3600 * kNsPerSecond, 300 * kNsPerSecond, 60 * kNsPerSecond,
                                          15 * kNsPerSecond,   5 * kNsPerSecond,   kNsPerSecond};
  if (params.end_ns <= params.start_ns)
    return Error(Code::invalid_argument, "end must be greater than start");
  std::int64_t length = params.end_ns - params.start_ns;
  if (limits.search_duration_max_ns > 0 && length > limits.search_duration_max_ns)
    return Error(Code::invalid_argument, "metrics query time range exceeds the maximum allowed duration of " +
                                             text::format_go_duration(limits.search_duration_max_ns));
  if (instant) return {};
  if (params.step_ns == 0) {
    std::int64_t raw = length / 240;
    std::int64_t unit = 50 * kNsPerMs;
    if (length >= 60 * kNsPerSecond)
      for (std::int64_t step : kStepLadder)
        if (step <= raw) {
          unit = step;
          break;
        }
    params.step_ns = std::max(raw / unit * unit, unit);
  }
  if (length / params.step_ns > kIntervalsMax)
    return Error(Code::invalid_argument,
                 "step of " + text::format_go_duration(params.step_ns) +
                     " is too small, minimum step for given range is " +
                     text::format_go_duration((length + kIntervalsMax - 1) / kIntervalsMax));
  return {};
}

Result<traceql::MetricsAnswer> run(const Call& call, const Metrics& metrics, exec::Context& context) {
  auto query = TRY(parse_query(metrics.q));
  if (!query.is_metrics())
    return Error(Code::invalid_argument,
                 "invalid TraceQL query: not a metrics query: add a function such as | rate()");
  auto snapshot = call.services.store.snapshot();
  return traceql::evaluate_metrics(query, metrics.params, *snapshot, context);
}

}  // namespace weft::api::tempo
