#include "api/tempo/render.h"
#include "base/protozero.h"
#include "model/time.h"
#include "text/json_writer.h"

namespace weft::api::tempo {
namespace {

using protozero::pbf_writer;
using text::JsonWriter;
using traceql::TypedAttributes;
using traceql::TypedValue;

// --- JSON ---

void any_value(JsonWriter& w, const TypedValue& v) {
  w.begin_object();
  switch (v.type) {
    case TypedValue::Type::nil: break;
    case TypedValue::Type::string: w.key("stringValue").string(v.text); break;
    case TypedValue::Type::integer: w.key("intValue").string(std::to_string(v.integer)); break;
    case TypedValue::Type::number: w.key("doubleValue").number(v.number); break;
    case TypedValue::Type::boolean: w.key("boolValue").boolean(v.boolean); break;
  }
  w.end_object();
}

void attributes(JsonWriter& w, std::string_view name, const TypedAttributes& list) {
  if (list.empty()) return;
  w.key(name).begin_array();
  for (const auto& [key, value] : list) {
    w.begin_object().key("key").string(key).key("value");
    any_value(w, value);
    w.end_object();
  }
  w.end_array();
}

void span_set(JsonWriter& w, const traceql::SpanSet& set) {
  w.begin_object().key("spans").begin_array();
  for (const auto& s : set.spans) {
    w.begin_object().key("spanID").string(to_hex(s.id));
    if (!s.name.empty()) w.key("name").string(s.name);
    w.key("startTimeUnixNano").string(std::to_string(s.start_ns));
    if (s.duration_ns != 0) w.key("durationNanos").string(std::to_string(s.duration_ns));
    attributes(w, "attributes", s.attributes);
    w.end_object();
  }
  w.end_array().key("matched").unsigned_integer(set.matched);
  attributes(w, "attributes", set.attributes);
  w.end_object();
}

void search_metrics(JsonWriter& w, const exec::Stats& stats) {
  w.key("metrics").begin_object();
  if (stats.traces_scanned != 0) w.key("inspectedTraces").unsigned_integer(stats.traces_scanned);
  if (stats.bytes_scanned != 0) w.key("inspectedBytes").string(std::to_string(stats.bytes_scanned));
  w.key("completedJobs").integer(1).key("totalJobs").integer(1).end_object();
}

// --- protobuf: field numbers of tempopb, reference/tempo.md §2.4 and §2.7 ---

void key_value(pbf_writer& parent, std::uint32_t field, std::string_view key, const TypedValue& v) {
  pbf_writer kv(parent, field);
  kv.add_string(1, key.data(), key.size());
  pbf_writer any(kv, 2);
  switch (v.type) {
    case TypedValue::Type::nil: break;
    case TypedValue::Type::string: any.add_string(1, v.text); break;
    case TypedValue::Type::boolean: any.add_bool(2, v.boolean); break;
    case TypedValue::Type::integer: any.add_int64(3, v.integer); break;
    case TypedValue::Type::number: any.add_double(4, v.number); break;
  }
}

void span_set(pbf_writer& parent, std::uint32_t field, const traceql::SpanSet& set) {
  pbf_writer out(parent, field);
  for (const auto& s : set.spans) {
    pbf_writer span(out, 1);
    span.add_string(1, to_hex(s.id));
    if (!s.name.empty()) span.add_string(2, s.name);
    span.add_uint64(3, s.start_ns);
    span.add_uint64(4, s.duration_ns);
    for (const auto& [key, value] : s.attributes) key_value(span, 5, key, value);
  }
  out.add_uint32(2, set.matched);
  for (const auto& [key, value] : set.attributes) key_value(out, 3, key, value);
}

void search_metrics(pbf_writer& parent, std::uint32_t field, const exec::Stats& stats) {
  pbf_writer out(parent, field);
  out.add_uint32(1, static_cast<std::uint32_t>(stats.traces_scanned));
  out.add_uint64(2, stats.bytes_scanned);
  out.add_uint32(4, 1);
  out.add_uint32(5, 1);
}

}  // namespace

std::string short_hex(const TraceId& id) {
  std::string hex = to_hex(id);
  std::size_t first = hex.find_first_not_of('0');
  return first == std::string::npos ? "0" : hex.substr(first);
}

std::string search_json(const std::vector<traceql::FoundTrace>& traces, const exec::Stats& stats) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("traces").begin_array();
  for (const auto& t : traces) {
    w.begin_object().key("traceID").string(short_hex(t.id));
    if (!t.root_service.empty()) w.key("rootServiceName").string(t.root_service);
    if (!t.root_name.empty()) w.key("rootTraceName").string(t.root_name);
    w.key("startTimeUnixNano").string(std::to_string(t.start_ns));
    if (auto ms = t.duration_ns / kNsPerMs; ms != 0) w.key("durationMs").unsigned_integer(ms);
    if (!t.span_sets.empty()) {
      w.key("spanSet");
      span_set(w, t.span_sets.front());
      w.key("spanSets").begin_array();
      for (const auto& set : t.span_sets) span_set(w, set);
      w.end_array();
    }
    if (!t.services.empty()) {
      w.key("serviceStats").begin_object();
      for (const auto& [name, s] : t.services) {
        w.key(name).begin_object().key("spanCount").unsigned_integer(s.spans);
        if (s.errors != 0) w.key("errorCount").unsigned_integer(s.errors);
        w.end_object();
      }
      w.end_object();
    }
    w.end_object();
  }
  w.end_array();
  search_metrics(w, stats);
  w.end_object();
  return out;
}

std::string metrics_json(const traceql::MetricsAnswer& answer, bool instant, const exec::Stats& stats) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("series").begin_array();
  for (const auto& s : answer.series) {
    w.begin_object();
    attributes(w, "labels", s.labels);
    if (instant) {
      double value = s.points.empty() ? 0 : s.points.front().value;
      if (value != 0) w.key("value").number(value);
    } else {
      w.key("samples").begin_array();
      for (const auto& p : s.points) {
        w.begin_object().key("timestampMs").string(std::to_string(p.time_ns / kNsPerMs));
        if (p.value != 0) w.key("value").number(p.value);
        w.end_object();
      }
      w.end_array();
      if (!s.exemplars.empty()) {
        w.key("exemplars").begin_array();
        for (const auto& e : s.exemplars) {
          w.begin_object();
          attributes(w, "labels", e.labels);
          if (e.value != 0) w.key("value").number(e.value);
          w.key("timestampMs").string(std::to_string(e.time_ns / kNsPerMs)).end_object();
        }
        w.end_array();
      }
    }
    w.end_object();
  }
  w.end_array();
  search_metrics(w, stats);
  if (!answer.message.empty()) w.key("status").string("PARTIAL").key("message").string(answer.message);
  w.end_object();
  return out;
}

std::string search_protobuf(const std::vector<traceql::FoundTrace>& traces, const exec::Stats& stats) {
  std::string out;
  pbf_writer w(out);
  for (const auto& t : traces) {
    pbf_writer m(w, 1);
    m.add_string(1, short_hex(t.id));
    m.add_string(2, t.root_service);
    m.add_string(3, t.root_name);
    m.add_uint64(4, t.start_ns);
    m.add_uint32(5, static_cast<std::uint32_t>(t.duration_ns / kNsPerMs));
    if (!t.span_sets.empty()) span_set(m, 6, t.span_sets.front());
    for (const auto& set : t.span_sets) span_set(m, 7, set);
    for (const auto& [name, s] : t.services) {
      pbf_writer entry(m, 8);
      entry.add_string(1, name);
      pbf_writer value(entry, 2);
      value.add_uint32(1, s.spans);
      value.add_uint32(2, s.errors);
    }
  }
  search_metrics(w, 2, stats);
  return out;
}

std::string metrics_protobuf(const traceql::MetricsAnswer& answer, bool instant, const exec::Stats& stats) {
  std::string out;
  pbf_writer w(out);
  for (const auto& s : answer.series) {
    pbf_writer series(w, 1);
    for (const auto& [key, value] : s.labels) key_value(series, 1, key, value);
    if (instant) {
      series.add_double(2, s.points.empty() ? 0 : s.points.front().value);
      continue;
    }
    for (const auto& p : s.points) {
      pbf_writer sample(series, 2);
      sample.add_double(1, p.value);
      sample.add_int64(2, p.time_ns / kNsPerMs);
    }
    for (const auto& e : s.exemplars) {
      pbf_writer exemplar(series, 4);
      for (const auto& [key, value] : e.labels) key_value(exemplar, 1, key, value);
      exemplar.add_double(2, e.value);
      exemplar.add_int64(3, e.time_ns / kNsPerMs);
    }
  }
  search_metrics(w, 2, stats);
  if (!answer.message.empty()) {
    w.add_enum(3, 1);
    w.add_string(4, answer.message);
  }
  return out;
}

}  // namespace weft::api::tempo
