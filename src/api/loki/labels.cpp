#include "model/labels.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/loki/loki.h"
#include "api/loki/render.h"
#include "api/loki/request.h"
#include "text/json_writer.h"

namespace weft::api {
namespace {

// Loki's internal streams and labels are not shown to people.
bool is_hidden(std::string_view name) {
  return name.starts_with("__") && name != "__stream_shard__";
}

// Renders what `body` makes, or the error.
template <class Make>
void answer(Call& call, Make make) {
  Result<std::string> json = make();
  if (json) {
    send_json(call.responder, *json);
  } else {
    send_error(call.responder, json.error());
  }
}

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

struct Selected {
  TimeRange range;
  std::vector<exec::LabelMatcher> matchers;
  std::shared_ptr<const storage::Snapshot> snapshot;
};

Result<Selected> select(const Call& call, const Parameters& parameters, std::string_view query) {
  Selected s;
  s.range = TRY(loki::time_range(parameters, call.services.clock.now_ns()));
  s.matchers = TRY(loki::selector(query));
  s.snapshot = call.services.store.snapshot();
  return s;
}

Result<std::string> volume_json(const Call& call) {
  Parameters parameters(call.request);
  auto s = TRY(select(call, parameters, parameters.get("query")));
  std::string_view mode = parameters.get("aggregateBy");
  if (!mode.empty() && mode != "series" && mode != "labels")
    return Error(Code::invalid_argument, "invalid aggregation option");
  std::int64_t limit = TRY(parameters.integer("limit", 100, "Atoi"));
  if (limit < 0) return Error(Code::invalid_argument, "limit must be a positive value");
  if (limit == 0) limit = 100;
  std::set<std::string, std::less<>> targets;
  std::string_view names = parameters.get("targetLabels");
  while (!names.empty()) {
    std::size_t comma = std::min(names.find(','), names.size());
    if (comma > 0) targets.emplace(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  bool by_label = mode == "labels";
  if (!by_label && targets.empty())
    for (const auto& m : s.matchers) targets.insert(m.name);

  std::map<logql::OwnedLabels, std::uint64_t> volumes;
  for (const auto& stream : s.snapshot->stream_stats(call.tenant, s.range, s.matchers)) {
    logql::OwnedLabels metric;
    for (const Label& l : stream.stream->labels.labels()) {
      if (is_hidden(l.name) || (!targets.empty() && !targets.contains(l.name))) continue;
      if (by_label) {
        volumes[{{std::string(l.name), ""}}] += stream.bytes;
      } else {
        metric.emplace_back(l.name, l.value);
      }
    }
    if (!by_label && !metric.empty()) volumes[metric] += stream.bytes;
  }
  std::vector<std::pair<logql::OwnedLabels, std::uint64_t>> sorted(volumes.begin(), volumes.end());
  // Largest first, then by labels.
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (sorted.size() > static_cast<std::size_t>(limit)) sorted.resize(static_cast<std::size_t>(limit));

  logql::Answer result;
  logql::Vector vector;
  vector.time_ns = s.range.end_ns;
  for (auto& [labels, bytes] : sorted) vector.samples.push_back({labels, static_cast<double>(bytes)});
  result.data = std::move(vector);
  return loki::render(result, false, exec::Stats(), 0);
}

}  // namespace

void loki_labels(Call& call) {
  answer(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto s = TRY(select(call, parameters, parameters.get("query")));
    std::set<std::string_view> names;
    for (const auto* stream : s.snapshot->streams(call.tenant, s.range, s.matchers))
      for (const Label& l : stream->labels.labels())
        if (!is_hidden(l.name)) names.insert(l.name);
    return names_json(names);
  });
}

void loki_label_values(Call& call) {
  answer(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto s = TRY(select(call, parameters, parameters.get("query")));
    std::set<std::string_view> values;
    for (const auto* stream : s.snapshot->streams(call.tenant, s.range, s.matchers))
      if (auto value = stream->labels.get(call.param); !value.empty()) values.insert(value);
    return names_json(values);
  });
}

void loki_series(Call& call) {
  answer(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto matches = parameters.all("match[]");
    for (auto& m : parameters.all("match")) matches.push_back(std::move(m));
    if (matches.empty()) matches.emplace_back();
    std::map<std::string, const storage::Stream*> found;
    std::vector<std::shared_ptr<const storage::Snapshot>> kept;  // streams live as long as theirs
    for (const std::string& match : matches) {
      auto s = TRY(select(call, parameters, match));
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

void loki_index_stats(Call& call) {
  answer(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto s = TRY(select(call, parameters, parameters.get("query")));
    std::uint64_t streams = 0, rows = 0, bytes = 0;
    for (const auto& stats : s.snapshot->stream_stats(call.tenant, s.range, s.matchers)) {
      ++streams;
      rows += stats.rows;
      bytes += stats.bytes;
    }
    std::string out;
    text::JsonWriter w(out);
    w.begin_object().key("streams").unsigned_integer(streams).key("chunks").unsigned_integer(streams);
    w.key("bytes").unsigned_integer(bytes).key("entries").unsigned_integer(rows).end_object();
    return out;
  });
}

void loki_index_volume(Call& call) {
  answer(call, [&] { return volume_json(call); });
}

}  // namespace weft::api
