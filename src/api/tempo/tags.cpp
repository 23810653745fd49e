#include <set>

#include "api/tempo/request.h"
#include "api/tempo/tempo.h"
#include "text/json_writer.h"

namespace weft::api {
namespace {

constexpr std::size_t kValuesMax = 100'000;

// Runs `make`, which gets the range, a snapshot and the query's bounds, and answers with its JSON.
template <class Make>
void answer(Call& call, const Parameters& parameters, Make make) {
  auto range = tempo::time_range(parameters, call.services.clock.now_ns());
  if (!range) return send_error(call.responder, range.error());
  exec::Context context(query_bounds(call));
  auto snapshot = call.services.store.snapshot();
  Result<std::string> json = make(*range, *snapshot, context);
  if (!json) return send_error(call.responder, json.error());
  send_json(call.responder, std::move(*json));
}

Result<std::size_t> limit(const Parameters& parameters) {
  auto n = parameters.integer("limit", 0, "ParseUint");
  if (!n) return n.error().in_context("invalid limit");
  return *n <= 0 ? kValuesMax : std::min(static_cast<std::size_t>(*n), kValuesMax);
}

// Grafana before 12.2 encodes the tag twice; the router decoded it once.
std::string tag_of(const Call& call) {
  return call.param.find('%') == std::string::npos ? call.param : net::percent_decode(call.param, false);
}

}  // namespace

void tempo_tags_v1(Call& call) {
  Parameters parameters(call.request);
  answer(call, parameters, [&](TimeRange range, const auto& snapshot, auto& context) -> Result<std::string> {
    auto scopes = TRY(traceql::tag_names(parameters.get("scope"), "", call.tenant, range, snapshot, context));
    std::set<std::string> names;
    for (const auto& s : scopes)
      if (s.scope != "intrinsic" || parameters.get("scope") == "intrinsic")
        names.insert(s.tags.begin(), s.tags.end());
    std::string out;
    text::JsonWriter w(out);
    w.begin_object().key("tagNames").begin_array();
    for (const auto& name : names) w.string(name);
    w.end_array().key("metrics").begin_object().end_object().end_object();
    return out;
  });
}

void tempo_tags_v2(Call& call) {
  Parameters parameters(call.request);
  answer(call, parameters, [&](TimeRange range, const auto& snapshot, auto& context) -> Result<std::string> {
    std::size_t most = TRY(limit(parameters));
    auto scopes = TRY(traceql::tag_names(parameters.get("scope"), parameters.get("q"), call.tenant, range,
                                         snapshot, context));
    std::string out;
    text::JsonWriter w(out);
    w.begin_object().key("scopes").begin_array();
    for (const auto& s : scopes) {
      w.begin_object().key("name").string(s.scope);
      if (!s.tags.empty()) {
        w.key("tags").begin_array();
        for (std::size_t i = 0; i < std::min(most, s.tags.size()); ++i) w.string(s.tags[i]);
        w.end_array();
      }
      w.end_object();
    }
    w.end_array().key("metrics").begin_object().end_object().end_object();
    return out;
  });
}

void tempo_tag_values_v1(Call& call) {
  Parameters parameters(call.request);
  answer(call, parameters, [&](TimeRange range, const auto& snapshot, auto& context) -> Result<std::string> {
    std::size_t most = TRY(limit(parameters));
    auto values = TRY(traceql::tag_values_v1(tag_of(call), most, call.tenant, range, snapshot, context));
    std::string out;
    text::JsonWriter w(out);
    w.begin_object().key("tagValues").begin_array();
    for (const auto& value : values) w.string(value);
    w.end_array().key("metrics").begin_object().end_object().end_object();
    return out;
  });
}

void tempo_tag_values_v2(Call& call) {
  Parameters parameters(call.request);
  answer(call, parameters, [&](TimeRange range, const auto& snapshot, auto& context) -> Result<std::string> {
    std::size_t most = TRY(limit(parameters));
    auto values = TRY(
        traceql::tag_values(tag_of(call), parameters.get("q"), most, call.tenant, range, snapshot, context));
    std::string out;
    text::JsonWriter w(out);
    w.begin_object().key("tagValues").begin_array();
    for (const auto& v : values)
      w.begin_object().key("type").string(v.type).key("value").string(v.value).end_object();
    w.end_array().key("metrics").begin_object().end_object().end_object();
    return out;
  });
}

}  // namespace weft::api
