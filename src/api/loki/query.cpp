#include <algorithm>

#include "api/loki/loki.h"
#include "api/loki/render.h"
#include "api/loki/request.h"
#include "text/json_writer.h"
#include "text/units.h"

namespace weft::api {
namespace {

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
  params.step_ns = TRY(loki::step(parameters, range));
  params.interval_ns = TRY(loki::duration_parameter(parameters, "interval"));
  if (params.interval_ns < 0) return Error(Code::invalid_argument, "interval must be >= 0");
  auto query = TRY(logql::Query::parse(parameters.get("query")));
  TRY(check_length(call.services.limits, range));
  return run(call, query, params);
}

// /api/prom/query: log lines alone, as they looked before LogQL had samples.
Result<std::string> legacy_query(Call& call) {
  Parameters parameters(call.request);
  logql::Params params;
  TimeRange range = TRY(loki::time_range(parameters, call.services.clock.now_ns()));
  params.tenant = call.tenant;
  params.start_ns = range.start_ns;
  params.end_ns = range.end_ns;
  params.limit = TRY(loki::entries_limit(parameters, call.services.limits));
  params.order = TRY(direction(parameters));
  std::string text(parameters.get("query"));
  if (parameters.has("regexp")) {
    text += " |~ ";
    append_quoted(text, parameters.get("regexp"));
  }
  auto query = TRY(logql::Query::parse(text));
  if (!query.is_log_query())
    return Error(Code::invalid_argument, "this path answers log queries only; use /loki/api/v1/query_range");
  TRY(check_length(call.services.limits, range));
  exec::Context context(query_bounds(call));
  auto snapshot = call.services.store.snapshot();
  auto answer = TRY(logql::evaluate(query, params, *snapshot, context));
  return loki::render_legacy(std::get<logql::Streams>(answer.data));
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

}  // namespace

void loki_query_range(Call& call) {
  loki::send_made(call, [&] { return query_range(call); });
}
void loki_query(Call& call) {
  loki::send_made(call, [&] { return instant_query(call); });
}

void loki_legacy_query(Call& call) {
  loki::send_made(call, [&] { return legacy_query(call); });
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
