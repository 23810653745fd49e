#include "api/tempo/render.h"
#include "api/tempo/trace_groups.h"
#include "text/json_writer.h"
#include "wire/otlp.h"

// The form of a trace for language models: ids in hex, attributes as plain JSON, a service's name
// beside its spans.

namespace weft::api::tempo {
namespace {

using text::JsonWriter;

// A map by key. Without attributes there is no member.
void attributes(JsonWriter& w, std::string_view name, Attributes list) {
  if (list.empty()) return;
  std::string map;
  wire::append_plain_json(map, Value::of(list));
  w.key(name).raw(map);
}

std::string_view service_name(const Resource& resource) {
  for (const Attribute& a : resource.attributes)
    if (a.key == "service.name" && a.value.type == Value::Type::string) return a.value.as_text();
  return {};
}

void events(JsonWriter& w, std::span<const SpanEvent> list) {
  if (list.empty()) return;
  w.key("events").begin_array();
  for (const SpanEvent& e : list) {
    w.begin_object().key("name").string(e.name).key("timeUnixNano").string(std::to_string(e.time_ns));
    attributes(w, "attributes", e.attributes);
    w.end_object();
  }
  w.end_array();
}

void links(JsonWriter& w, std::span<const SpanLink> list) {
  if (list.empty()) return;
  w.key("links").begin_array();
  for (const SpanLink& l : list) {
    w.begin_object().key("traceId").string(to_hex(l.trace_id)).key("spanId").string(to_hex(l.span_id));
    attributes(w, "attributes", l.attributes);
    w.end_object();
  }
  w.end_array();
}

void span(JsonWriter& w, const Span& s) {
  w.begin_object().key("spanId").string(to_hex(s.span_id)).key("name").string(s.name);
  w.key("parentSpanId").string(s.parent_id.is_zero() ? std::string() : to_hex(s.parent_id));
  w.key("kind").string(kind_name(s.kind));
  w.key("startTimeUnixNano").string(std::to_string(s.start_ns));
  w.key("endTimeUnixNano").string(std::to_string(s.end_ns));
  w.key("durationMs").number(static_cast<double>(s.duration_ns()) / 1e6);
  attributes(w, "attributes", s.attributes);
  events(w, s.events);
  links(w, s.links);
  w.key("status").begin_object().key("code").string(status_name(s.status));
  w.key("message").string(s.status_message).end_object().end_object();
}

}  // namespace

void append_trace_for_llm(std::string& out, const SpanBatch& trace) {
  JsonWriter w(out);
  w.begin_object();
  if (!trace.spans.empty()) {
    w.key("traceId").string(to_hex(trace.spans.front().trace_id)).key("services").begin_array();
    for (const ResourceGroup& r : group_spans(trace)) {
      const Resource& resource = trace.resources[r.resource];
      w.begin_object().key("serviceName").string(service_name(resource));
      attributes(w, "resource", resource.attributes);
      w.key("scopes").begin_array();
      for (const ScopeGroup& s : r.scopes) {
        const Scope& scope = trace.scopes[s.scope];
        w.begin_object().key("name").string(scope.name).key("version").string(scope.version);
        w.key("spans").begin_array();
        for (const Span* item : s.spans) span(w, *item);
        w.end_array().end_object();
      }
      w.end_array().end_object();
    }
    w.end_array();
  }
  w.end_object();
}

}  // namespace weft::api::tempo
