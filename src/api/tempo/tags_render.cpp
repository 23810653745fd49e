#include "api/tempo/tags_render.h"

#include <map>

#include "base/protozero.h"
#include "text/json_writer.h"

namespace weft::api::tempo {
namespace {

using protozero::pbf_writer;
using text::JsonWriter;

// MetadataMetrics: one job, and it is done.

void metadata_metrics(JsonWriter& w, const exec::Stats& stats) {
  w.key("metrics").begin_object();
  if (stats.bytes_scanned != 0) w.key("inspectedBytes").string(std::to_string(stats.bytes_scanned));
  w.key("totalJobs").integer(1).key("completedJobs").integer(1).end_object();
}

void metadata_metrics(pbf_writer& parent, const exec::Stats& stats) {
  pbf_writer out(parent, 2);
  if (stats.bytes_scanned != 0) out.add_uint64(1, stats.bytes_scanned);
  out.add_uint32(2, 1);
  out.add_uint32(3, 1);
}

}  // namespace

std::string texts_json(std::string_view member, std::span<const std::string> texts,
                       const exec::Stats& stats) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key(member).begin_array();
  for (const std::string& t : texts) w.string(t);
  w.end_array();
  metadata_metrics(w, stats);
  w.end_object();
  return out;
}

std::string texts_protobuf(std::span<const std::string> texts, const exec::Stats& stats) {
  std::string out;
  pbf_writer w(out);
  for (const std::string& t : texts) w.add_string(1, t);
  metadata_metrics(w, stats);
  return out;
}

std::string scopes_json(std::span<const traceql::ScopedTags> scopes, const exec::Stats& stats) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("scopes").begin_array();
  for (const traceql::ScopedTags& s : scopes) {
    w.begin_object().key("name").string(s.scope);
    if (!s.tags.empty()) {
      w.key("tags").begin_array();
      for (const std::string& tag : s.tags) w.string(tag);
      w.end_array();
    }
    w.end_object();
  }
  w.end_array();
  metadata_metrics(w, stats);
  w.end_object();
  return out;
}

std::string scopes_protobuf(std::span<const traceql::ScopedTags> scopes, const exec::Stats& stats) {
  std::string out;
  pbf_writer w(out);
  for (const traceql::ScopedTags& s : scopes) {
    pbf_writer scope(w, 1);
    scope.add_string(1, s.scope);
    for (const std::string& tag : s.tags) scope.add_string(2, tag);
  }
  metadata_metrics(w, stats);
  return out;
}

std::string values_json(std::span<const traceql::TagValue> values, const exec::Stats& stats) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("tagValues").begin_array();
  for (const traceql::TagValue& v : values)
    w.begin_object().key("type").string(v.type).key("value").string(v.value).end_object();
  w.end_array();
  metadata_metrics(w, stats);
  w.end_object();
  return out;
}

std::string values_protobuf(std::span<const traceql::TagValue> values, const exec::Stats& stats) {
  std::string out;
  pbf_writer w(out);
  for (const traceql::TagValue& v : values) {
    pbf_writer value(w, 1);
    value.add_string(1, v.type);
    value.add_string(2, v.value);
  }
  metadata_metrics(w, stats);
  return out;
}

std::string values_llm(std::span<const traceql::TagValue> values, const exec::Stats& stats) {
  std::map<std::string_view, std::vector<std::string_view>> by_type;
  for (const traceql::TagValue& v : values) by_type[v.type].push_back(v.value);
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("tagValues").begin_object();
  for (const auto& [type, texts] : by_type) {
    w.key(type).begin_array();
    for (std::string_view t : texts) w.string(t);
    w.end_array();
  }
  w.end_object();
  metadata_metrics(w, stats);
  w.end_object();
  return out;
}

}  // namespace weft::api::tempo
