#include <map>
#include <set>

#include "api/loki/loki.h"
#include "api/loki/request.h"
#include "text/json_writer.h"

namespace weft::api {
namespace {

std::string names_json(const std::set<std::string_view>& names) {
  std::string out;
  text::JsonWriter w(out);
  w.begin_object().key("status").string("success");
  if (!names.empty()) {  // Loki leaves the key out when there is nothing
    w.key("data").begin_array();
    for (auto name : names) w.string(name);
    w.end_array();
  }
  w.end_object();
  return out + "\n";
}

// As the paths under /api/prom answer.
std::string legacy_names_json(const std::set<std::string_view>& names) {
  std::string out;
  text::JsonWriter w(out);
  w.begin_object().key("values").begin_array();
  for (auto name : names) w.string(name);
  w.end_array().end_object();
  return out;
}

using NamesJson = std::string (*)(const std::set<std::string_view>& names);

void send_label_names(Call& call, NamesJson json) {
  loki::send_made(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto s = TRY(loki::select(call, parameters, parameters.get("query")));
    std::set<std::string_view> names;
    for (const auto* stream : s.snapshot->streams(call.tenant, s.range, s.matchers))
      for (const Label& l : stream->labels.labels())
        if (!loki::is_hidden(l.name)) names.insert(l.name);
    return json(names);
  });
}

void send_label_values(Call& call, NamesJson json) {
  loki::send_made(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto s = TRY(loki::select(call, parameters, parameters.get("query")));
    std::set<std::string_view> values;
    for (const auto* stream : s.snapshot->streams(call.tenant, s.range, s.matchers))
      if (auto value = stream->labels.get(call.param); !value.empty()) values.insert(value);
    return json(values);
  });
}

}  // namespace

void loki_labels(Call& call) {
  send_label_names(call, names_json);
}
void loki_label_values(Call& call) {
  send_label_values(call, names_json);
}
void loki_legacy_labels(Call& call) {
  send_label_names(call, legacy_names_json);
}
void loki_legacy_label_values(Call& call) {
  send_label_values(call, legacy_names_json);
}

void loki_series(Call& call) {
  loki::send_made(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto matches = parameters.all("match[]");
    for (auto& m : parameters.all("match")) matches.push_back(std::move(m));
    if (matches.empty()) matches.emplace_back();
    std::map<std::string, const storage::Stream*> found;
    std::vector<std::shared_ptr<const storage::Snapshot>> kept;  // streams live as long as theirs
    for (const std::string& match : matches) {
      auto s = TRY(loki::select(call, parameters, match));
      for (const auto* stream : s.snapshot->streams(call.tenant, s.range, s.matchers))
        found.emplace(stream->labels.to_string(), stream);
      kept.push_back(std::move(s.snapshot));
    }
    std::string out;
    text::JsonWriter w(out);
    w.begin_object().key("status").string("success").key("data").begin_array();
    for (const auto& [text, stream] : found) {
      w.begin_object();
      for (const Label& l : stream->labels.labels()) w.key(l.name).string(l.value);
      w.end_object();
    }
    w.end_array().end_object();
    return out + "\n";
  });
}

}  // namespace weft::api
