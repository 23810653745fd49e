// What Grafana's Logs Drilldown asks beyond queries (reference/loki.md §2.7).

#include <algorithm>
#include <map>
#include <set>

#include "api/loki/loki.h"
#include "api/loki/request.h"
#include "logql/detected_fields.h"
#include "text/json_writer.h"
#include "text/units.h"

namespace weft::api {
namespace {

constexpr std::int64_t kFieldsDefault = 1000;
constexpr std::int64_t kLinesDefault = 100;
constexpr std::size_t kFieldsMax = 10'000;

struct Detected {
  std::vector<logql::DetectedField> fields;
  std::size_t limit = 0;
};

Result<std::size_t> positive(const Parameters& parameters, const char* name, std::int64_t fallback,
                             std::size_t most) {
  std::int64_t n = TRY(parameters.integer(name, fallback, "Atoi"));
  if (n < 0) return Error(Code::invalid_argument, std::string(name) + " must be a positive value");
  return std::min(static_cast<std::size_t>(n == 0 ? fallback : n), most);
}

Result<Detected> detect(const Call& call, std::string values_of) {
  Parameters parameters(call.request);
  const Limits& limits = call.services.limits;
  TimeRange range = TRY(loki::time_range(parameters, call.services.clock.now_ns()));
  logql::Params params;
  params.tenant = call.tenant;
  params.start_ns = range.start_ns;
  params.end_ns = range.end_ns;
  Detected detected;
  const char* limit_name = parameters.has("limit") ? "limit" : "field_limit";
  detected.limit = TRY(positive(parameters, limit_name, kFieldsDefault, kFieldsMax));
  logql::DetectOptions options;
  // The limit is one of values when these are asked for.
  options.fields_max = values_of.empty() ? detected.limit : kFieldsMax;
  options.values_of = std::move(values_of);
  options.lines_max = TRY(positive(parameters, "line_limit", kLinesDefault,
                                   limits.entries_per_query_max != 0 ? limits.entries_per_query_max : SIZE_MAX));
  auto query = TRY(logql::Query::parse(parameters.get("query")));
  exec::Context context(query_bounds(call));
  auto snapshot = call.services.store.snapshot();
  detected.fields = TRY(logql::detect_fields(query, params, options, *snapshot, context));
  return detected;
}

void write_strings(text::JsonWriter& w, const std::vector<std::string>& strings) {
  w.begin_array();
  for (const auto& s : strings) w.string(s);
  w.end_array();
}

Result<std::string> fields_json(const Call& call) {
  auto detected = TRY(detect(call, ""));
  std::string out;
  text::JsonWriter w(out);
  w.begin_object().key("fields").begin_array();
  for (const auto& field : detected.fields) {
    w.begin_object().key("label").string(field.label).key("type").string(field.type);
    w.key("cardinality").unsigned_integer(field.cardinality).key("parsers");
    if (field.parsers.empty()) {
      w.null();
    } else {
      write_strings(w, field.parsers);
    }
    if (!field.json_path.empty()) write_strings(w.key("jsonPath"), field.json_path);
    w.end_object();
  }
  w.end_array().key("limit").unsigned_integer(detected.limit).end_object();
  return out;
}

Result<std::string> field_values_json(const Call& call) {
  auto detected = TRY(detect(call, call.param));
  std::vector<std::string> values;
  for (auto& field : detected.fields)
    if (field.label == call.param) values = std::move(field.values);
  if (values.size() > detected.limit) values.resize(detected.limit);
  std::string out;
  text::JsonWriter w(out);
  write_strings(w.begin_object().key("values"), values);
  w.key("limit").unsigned_integer(detected.limit).end_object();
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool hex = (text[i] >= '0' && text[i] <= '9') || ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'f');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

// False: the values are mere ids, which nobody groups by.
bool tells_something(std::string_view name, const std::set<std::string_view>& values) {
  if (name == "cluster" || name == "namespace" || name == "instance" || name == "pod") return true;
  if (std::ranges::all_of(values, [](auto v) { return v == "0" || v == "1"; })) return true;  // yes or no
  return !std::ranges::all_of(values, [](auto v) { return is_uuid(v) || text::parse_float(v); });
}

Result<std::string> labels_json(const Call& call) {
  Parameters parameters(call.request);
  auto selection = TRY(loki::select(call, parameters, parameters.get("query")));
  std::map<std::string_view, std::set<std::string_view>> values;
  for (const auto* stream : selection.snapshot->streams(call.tenant, selection.range, selection.matchers))
    for (const Label& l : stream->labels.labels())
      if (!loki::is_hidden(l.name)) values[l.name].insert(l.value);
  std::string out;
  text::JsonWriter w(out);
  w.begin_object().key("detectedLabels").begin_array();
  for (const auto& [name, of_name] : values) {
    if (!tells_something(name, of_name)) continue;
    w.begin_object().key("label").string(name).key("cardinality").unsigned_integer(of_name.size()).end_object();
  }
  w.end_array().end_object();
  return out;
}

// Prometheus' form, in whole milliseconds: 30d1h.
std::string prometheus_duration(std::int64_t ns) {
  constexpr std::pair<std::int64_t, const char*> kUnits[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}};
  std::string out;
  std::int64_t ms = ns / kNsPerMs;
  for (auto [size, unit] : kUnits)
    if (ms >= size) {
      out += std::to_string(ms / size) + unit;
      ms %= size;
    }
  return out.empty() ? "0s" : out;
}

}  // namespace

void loki_detected_fields(Call& call) {
  loki::send_made(call, [&] { return fields_json(call); });
}
void loki_detected_field_values(Call& call) {
  loki::send_made(call, [&] { return field_values_json(call); });
}
void loki_detected_labels(Call& call) {
  loki::send_made(call, [&] { return labels_json(call); });
}

void loki_patterns(Call& call) {
  send_text(call.responder, 404, "patterns of lines are not collected here");
}

void loki_drilldown_limits(Call& call) {
  const Limits& limits = call.services.limits;
  const ingest::Options& ingest = call.services.ingest.options();
  std::string out;
  text::JsonWriter w(out);
  w.begin_object().key("limits").begin_object();
  w.key("discover_log_levels").boolean(ingest.discover_levels);
  write_strings(w.key("discover_service_name"), ingest.service_name_labels);
  w.key("max_entries_limit_per_query").unsigned_integer(limits.entries_per_query_max);
  w.key("max_query_length").string(prometheus_duration(limits.query_length_max_ns));
  w.key("max_query_lookback").string("0s").key("max_query_range").string("0s");
  w.key("max_query_bytes_read").string("0B");
  w.key("max_query_series").unsigned_integer(limits.query_series_max);
  w.key("max_line_size_truncate").boolean(false).key("metric_aggregation_enabled").boolean(false);
  w.key("pattern_persistence_enabled").boolean(false);
  w.key("query_timeout").string(prometheus_duration(limits.query_timeout_ns));
  w.key("retention_period").string(prometheus_duration(limits.log_retention_ns));
  w.key("volume_enabled").boolean(true).end_object();
  w.key("pattern_ingester_enabled").boolean(false).key("version").string(kLokiVersion).end_object();
  send_json(call.responder, std::move(out));
}

}  // namespace weft::api
