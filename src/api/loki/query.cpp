#include <algorithm>

#include "api/loki/loki.h"
#include "api/loki/render.h"
#include "api/loki/request.h"
#include "text/json_writer.h"
#include "text/units.h"

namespace weft::api {
namespace {

constexpr std::int64_t kPointsMax = 11'000;

Result<storage::Order> direction(const Parameters& parameters) {
  std::string text(parameters.get("direction"));
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (lower.empty() || lower == "backward") return storage::Order::backward;
  if (lower == "forward") return storage::Order::forward;
  return Error(Code::invalid_argument, "invalid direction '" + text + "'");
}

Result<void> check_length(const Limits& limits, TimeRange range) {
  std::int64_t length = range.end_ns - range.start_ns;
  if (limits.query_length_max_ns == 0 || length <= limits.query_length_max_ns) return {};
  return Error(Code::invalid_argument,
               "the query time range exceeds the limit (query length: " + text::format_go_duration(length) +
                   ", limit: " + text::format_go_duration(limits.query_length_max_ns) + ")");
}

Result<std::string> run(Call& call, const logql::Query& query, logql::Params params) {
  std::int64_t started = steady_ns();
  exec::Context context(query_bounds(call));
  params.tenant = call.tenant;
  params.now_ns = call.services.clock.now_ns();
  params.categorize_labels = loki::wants_categories(call.request);
  params.series_max = call.services.limits.query_series_max;
  auto snapshot = call.services.store.snapshot();
  auto answer = TRY(logql::evaluate(query, params, *snapshot, context));
  double seconds = static_cast<double>(steady_ns() - started) / 1e9;
  return loki::render(answer, params.categorize_labels, context.stats(), seconds);
}

Result<std::string> query_range(Call& call) {
  Parameters parameters(call.request);
  logql::Params params;
  TimeRange range = TRY(loki::time_range(parameters, call.services.clock.now_ns()));
  if (range.end_ns < range.start_ns)
    return Error(Code::invalid_argument, "end timestamp must not be before or equal to start time");
  params.start_ns = range.start_ns;
  params.end_ns = range.end_ns;
  params.limit = TRY(loki::entries_limit(parameters, call.services.limits));
  params.order = TRY(direction(parameters));
  params.step_ns = TRY(loki::duration_parameter(parameters, "step"));
  if (!parameters.has("step"))
    params.step_ns =
        std::max<std::int64_t>((range.end_ns - range.start_ns) / kNsPerSecond / 250, 1) * kNsPerSecond;
  if (params.step_ns <= 0)
    return Error(Code::invalid_argument,
                 "zero or negative query resolution step widths are not accepted. Try a positive integer");
  params.interval_ns = TRY(loki::duration_parameter(parameters, "interval"));
  if (params.interval_ns < 0) return Error(Code::invalid_argument, "interval must be >= 0");
  if ((range.end_ns - range.start_ns) / params.step_ns > kPointsMax)
    return Error(
        Code::invalid_argument,
        "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the "
        "step parameter");
  auto query = TRY(logql::Query::parse(parameters.get("query")));
  TRY(check_length(call.services.limits, range));
  return run(call, query, params);
}

Result<std::string> instant_query(Call& call) {
  Parameters parameters(call.request);
  logql::Params params;
  params.end_ns = call.services.clock.now_ns();
  if (parameters.has("time")) {
    auto time = parse_loki_time(parameters.get("time"));
    if (!time) return time.error().in_context("could not parse 'time' parameter");
    params.end_ns = *time;
  }
  params.start_ns = params.end_ns;
  params.limit = TRY(loki::entries_limit(parameters, call.services.limits));
  params.order = TRY(direction(parameters));
  auto query = TRY(logql::Query::parse(parameters.get("query")));
  if (query.is_log_query())
    return Error(
        Code::invalid_argument,
        "log queries are not supported as an instant query type, please change your query to a range "
        "query type");
  return run(call, query, params);
}

void answer(Call& call, const Result<std::string>& json) {
  if (json) {
    send_json(call.responder, *json);
  } else {
    send_error(call.responder, json.error());
  }
}

}  // namespace

void loki_query_range(Call& call) {
  answer(call, query_range(call));
}
void loki_query(Call& call) {
  answer(call, instant_query(call));
}

void loki_format_query(Call& call) {
  Parameters parameters(call.request);
  auto query = logql::Query::parse(parameters.get("query"));
  std::string body;
  text::JsonWriter w(body);
  if (query) {
    w.begin_object().key("status").string("success").key("data").string(query->pretty()).end_object();
    send_json(call.responder, std::move(body));
    return;
  }
  w.begin_object()
      .key("status")
      .string("invalid-query")
      .key("error")
      .string(query.error().message())
      .end_object();
  call.responder.send({400, {{"content-type", "application/json; charset=UTF-8"}}, std::move(body)});
}

}  // namespace weft::api
