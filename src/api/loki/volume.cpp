// The endpoints under /loki/api/v1/index: how much there is, by label (reference/loki.md §2.6).

#include <algorithm>
#include <map>
#include <set>

#include "api/loki/loki.h"
#include "api/loki/render.h"
#include "api/loki/request.h"
#include "text/json_writer.h"
#include "text/units.h"

namespace weft::api {
namespace {

struct Totals {
  std::uint64_t streams = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

Totals totals_of(const Call& call, const loki::Selection& selection) {
  Totals totals;
  for (const auto& stats : selection.snapshot->stream_stats(call.tenant, selection.range, selection.matchers)) {
    ++totals.streams;
    totals.rows += stats.rows;
    totals.bytes += stats.bytes;
  }
  return totals;
}

// Loki's chunks are what weft has not; a stream counts as one.
void write_totals(text::JsonWriter& w, const Totals& totals) {
  w.begin_object().key("streams").unsigned_integer(totals.streams);
  w.key("chunks").unsigned_integer(totals.streams).key("bytes").unsigned_integer(totals.bytes);
  w.key("entries").unsigned_integer(totals.rows).end_object();
}

using Volumes = std::map<logql::OwnedLabels, std::uint64_t>;  // bytes of lines

// Which volumes are asked for.
struct VolumeWish {
  loki::Selection selection;
  bool by_label = false;  // one volume a label name; else one a label set
  std::set<std::string, std::less<>> targets;  // the labels that count; empty: all
  std::size_t limit = 100;

  Volumes of(const TenantId& tenant, TimeRange range) const {
    Volumes volumes;
    for (const auto& stats : selection.snapshot->stream_stats(tenant, range, selection.matchers)) {
      logql::OwnedLabels metric;
      for (const Label& l : stats.stream->labels.labels()) {
        if (loki::is_hidden(l.name) || (!targets.empty() && !targets.contains(l.name))) continue;
        if (by_label) {
          volumes[{{std::string(l.name), ""}}] += stats.bytes;
        } else {
          metric.emplace_back(l.name, l.value);
        }
      }
      if (!by_label && !metric.empty()) volumes[metric] += stats.bytes;
    }
    return volumes;
  }
};

Result<VolumeWish> volume_wish(const Call& call, const Parameters& parameters) {
  VolumeWish wish;
  wish.selection = TRY(loki::select(call, parameters, parameters.get("query")));
  std::string_view mode = parameters.get("aggregateBy");
  if (!mode.empty() && mode != "series" && mode != "labels")
    return Error(Code::invalid_argument, "invalid aggregation option");
  std::int64_t limit = TRY(parameters.integer("limit", 100, "Atoi"));
  if (limit < 0) return Error(Code::invalid_argument, "limit must be a positive value");
  if (limit > 0) wish.limit = static_cast<std::size_t>(limit);
  std::string_view names = parameters.get("targetLabels");
  while (!names.empty()) {
    std::size_t comma = std::min(names.find(','), names.size());
    if (comma > 0) wish.targets.emplace(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  wish.by_label = mode == "labels";
  if (!wish.by_label && wish.targets.empty())
    for (const auto& m : wish.selection.matchers) wish.targets.insert(m.name);
  return wish;
}

// Largest (first) value first, then by labels; at most `limit`.
template <class Item, class ValueOf>
void order_and_cut(std::vector<Item>& items, ValueOf value_of, std::size_t limit) {
  std::ranges::sort(items, [&](const Item& a, const Item& b) {
    return value_of(a) != value_of(b) ? value_of(a) > value_of(b) : a.labels < b.labels;
  });
  if (items.size() > limit) items.resize(limit);
}

Result<std::string> volume_json(const Call& call) {
  Parameters parameters(call.request);
  auto wish = TRY(volume_wish(call, parameters));
  logql::Vector vector;
  vector.time_ns = wish.selection.range.end_ns;
  for (auto& [labels, bytes] : wish.of(call.tenant, wish.selection.range))
    vector.samples.push_back({labels, static_cast<double>(bytes)});
  order_and_cut(vector.samples, [](const logql::Sample& s) { return s.value; }, wish.limit);
  logql::Answer result;
  result.data = std::move(vector);
  return loki::render(result, false, exec::Stats(), 0);
}

// A value at T covers the step that ends there, as the one of `volume` covers the range before it.
Result<std::string> volume_range_json(const Call& call) {
  Parameters parameters(call.request);
  auto wish = TRY(volume_wish(call, parameters));
  const TimeRange range = wish.selection.range;
  std::int64_t step_ns = TRY(loki::step(parameters, range));
  exec::Context context(query_bounds(call));
  std::map<logql::OwnedLabels, std::vector<logql::Point>> found;
  for (std::int64_t start_ns = range.start_ns; start_ns < range.end_ns;) {
    TRY(context.check());
    std::int64_t end_ns = range.end_ns - start_ns > step_ns ? start_ns + step_ns : range.end_ns;
    for (const auto& [labels, bytes] : wish.of(call.tenant, {start_ns, end_ns}))
      found[labels].push_back({end_ns, static_cast<double>(bytes)});
    start_ns = end_ns;
  }
  logql::Matrix matrix;
  for (auto& [labels, points] : found) matrix.series.push_back({labels, std::move(points)});
  order_and_cut(matrix.series, [](const logql::Series& s) { return s.points.front().value; }, wish.limit);

  logql::Answer result;
  if (std::ranges::any_of(matrix.series, [](const auto& s) { return s.points.size() > 1; })) {
    result.data = std::move(matrix);
  } else {  // as Loki answers
    logql::Vector vector;
    vector.time_ns = range.end_ns;
    for (auto& s : matrix.series) vector.samples.push_back({std::move(s.labels), s.points.front().value});
    result.data = std::move(vector);
  }
  return loki::render(result, false, context.stats(), 0);
}

// One shard with everything: a query here is split by the machine's cores, not by its client.
Result<std::string> shards_json(const Call& call) {
  Parameters parameters(call.request);
  if (auto target = text::parse_bytes(parameters.get("targetBytesPerShard")); !target)
    return target.error().in_context("could not parse 'targetBytesPerShard' parameter");
  auto selection = TRY(loki::select(call, parameters, parameters.get("query")));
  std::string out = R"({"shards":[{"bounds":{"min":"0000000000000000","max":"ffffffffffffffff"},"stats":)";
  text::JsonWriter w(out);
  write_totals(w, totals_of(call, selection));
  out += "}],\"statistics\":";
  loki::append_stats(out, exec::Stats(), 0, 0);
  return out + "}";
}

}  // namespace

void loki_index_stats(Call& call) {
  loki::send_made(call, [&]() -> Result<std::string> {
    Parameters parameters(call.request);
    auto selection = TRY(loki::select(call, parameters, parameters.get("query")));
    std::string out;
    text::JsonWriter w(out);
    write_totals(w, totals_of(call, selection));
    return out;
  });
}
void loki_index_volume(Call& call) {
  loki::send_made(call, [&] { return volume_json(call); });
}
void loki_index_volume_range(Call& call) {
  loki::send_made(call, [&] { return volume_range_json(call); });
}
void loki_index_shards(Call& call) {
  loki::send_made(call, [&] { return shards_json(call); });
}

}  // namespace weft::api
