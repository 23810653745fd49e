#include "wire/zipkin.h"

#include <limits>
#include <map>
#include <utility>

#include "wire/json/any_value.h"

namespace weft::wire {
namespace {

constexpr std::string_view kNoService = "unknown_service";

std::uint64_t nanoseconds(std::uint64_t microseconds) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  return microseconds > kMax / 1000 ? kMax : microseconds * 1000;
}

std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max()
                                                           : a + b;
}

// Of the field `kind` (upper case) and of the tag span.kind (lower case).
SpanKind kind_from(std::string_view name) {
  static constexpr std::pair<std::string_view, SpanKind> kNames[] = {
      {"CLIENT", SpanKind::client},     {"client", SpanKind::client},     {"SERVER", SpanKind::server},
      {"server", SpanKind::server},     {"PRODUCER", SpanKind::producer}, {"producer", SpanKind::producer},
      {"CONSUMER", SpanKind::consumer}, {"consumer", SpanKind::consumer}, {"internal", SpanKind::internal}};
  for (const auto& [known, kind] : kNames)
    if (known == name) return kind;
  return SpanKind::unspecified;
}

class ZipkinReader {
 public:
  ZipkinReader(SpanBatch& batch, std::vector<RejectedSpan>& rejected)
      : batch_(batch), rejected_(rejected), json_(batch.arena) {}

  Result<void> request(std::string_view body) {
    return json_.request_list(body, [&](on_demand::value item) { return span(item); });
  }

 private:
  // What becomes part of a span when all of it is read.
  struct Parts {
    std::string_view trace_id, id, parent_id;
    std::string_view service;
    std::string_view kind_tag;
    std::string_view scope_name, scope_version;
    std::string_view status_code, status_description;
    std::string_view error;
    bool has_error = false;
    std::uint64_t duration_us = 0;
  };

  Result<void> span(on_demand::value item) {
    TRY(json_.count_item());
    Span span;
    Parts parts;
    std::size_t attributes = json_.lists().attributes.mark();
    std::size_t events = json_.lists().events.mark();
    TRY(json_.members(item, "span", [&](std::string_view key, on_demand::value member) {
      return span_member(key, member, span, parts);
    }));
    set_status(parts, span);
    span.attributes = json_.lists().attributes.take(attributes, batch_.arena);
    span.events = json_.lists().events.take(events, batch_.arena);
    if (span.kind == SpanKind::unspecified) span.kind = kind_from(parts.kind_tag);
    if (span.start_ns == 0) span.start_ns = first_event(span);
    span.end_ns = add(span.start_ns, nanoseconds(parts.duration_us));
    std::size_t position = position_++;
    if (std::string error = set_ids(parts, span); !error.empty()) {
      rejected_.push_back({position, std::move(error)});
      return {};
    }
    span.resource = resource_of(parts.service.empty() ? kNoService : parts.service);
    span.scope = scope_of(parts.scope_name, parts.scope_version);
    batch_.spans.push_back(span);
    return {};
  }

  Result<void> span_member(std::string_view key, on_demand::value member, Span& span, Parts& parts) {
    if (key == "traceId") {
      parts.trace_id = TRY(json_.string(member, key));
    } else if (key == "id") {
      parts.id = TRY(json_.string(member, key));
    } else if (key == "parentId") {
      parts.parent_id = TRY(json_.string(member, key));
    } else if (key == "name") {
      span.name = TRY(json_.string(member, "span name"));
    } else if (key == "kind") {
      span.kind = kind_from(TRY(json_.string(member, key)));
    } else if (key == "timestamp") {
      span.start_ns = nanoseconds(TRY(json_.unsigned_integer(member, key)));
    } else if (key == "duration") {
      parts.duration_us = TRY(json_.unsigned_integer(member, key));
    } else if (key == "localEndpoint") {
      parts.service = TRY(endpoint(member, {key, "net.host.ip", "net.host.port"}));
    } else if (key == "remoteEndpoint") {
      auto peer = TRY(endpoint(member, {key, "net.peer.ip", "net.peer.port"}));
      if (!peer.empty()) TRY(attribute("peer.service", Value::of(peer)));
    } else if (key == "tags") {
      return json_.members(member, key, [&](std::string_view name, on_demand::value text) {
        return tag(name, text, span, parts);
      });
    } else if (key == "annotations") {
      return each_item(member, key, [&](on_demand::value annotation) { return event(annotation); });
    }
    return {};
  }

  struct EndpointNames {
    std::string_view what, ip, port;
  };

  // Adds the address to the attributes and returns the service's name.
  Result<std::string_view> endpoint(on_demand::value json, const EndpointNames& names) {
    std::string_view service;
    std::string_view address;
    TRY(json_.members(json, names.what, [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key == "serviceName") {
        service = TRY(json_.string(member, key));
      } else if (key == "ipv4" || (key == "ipv6" && address.empty())) {
        address = TRY(json_.string(member, key));
      } else if (key == "port") {
        std::uint32_t port = TRY(json_.unsigned_integer_32(member, key));
        if (port != 0) TRY(attribute(names.port, Value::of(std::int64_t{port})));
      }
      return {};
    }));
    if (!address.empty()) TRY(attribute(names.ip, Value::of(address)));
    return service;
  }

  Result<void> tag(std::string_view name, on_demand::value json, Span& span, Parts& parts) {
    // Texts by the protocol; what else comes is kept as it stands there.
    std::string_view text = is_string(json) ? TRY(json_.string(json, "tag")) : TRY(raw_text(json));
    if (name == "error") {
      parts.has_error = true;
      parts.error = text;
      // What the status says completely needs no attribute.
      if (text.empty() || text == "true") return {};
    } else if (name == "span.kind") {
      parts.kind_tag = text;
      if (kind_from(text) != SpanKind::unspecified) return {};
    } else if (name == "otel.status_code") {
      parts.status_code = text;
      return {};
    } else if (name == "otel.status_description") {
      parts.status_description = text;
      return {};
    } else if (name == "otel.scope.name" || name == "otel.library.name") {
      parts.scope_name = text;
      return {};
    } else if (name == "otel.scope.version" || name == "otel.library.version") {
      parts.scope_version = text;
      return {};
    } else if (name == "w3c.tracestate") {
      span.trace_state = text;
      return {};
    }
    return attribute(name, Value::of(text));
  }

  Result<void> attribute(std::string_view key, Value value) {
    TRY(json_.count_item());
    json_.lists().attributes.push({key, value});
    return {};
  }

  Result<void> event(on_demand::value json) {
    TRY(json_.count_item());
    SpanEvent event;
    TRY(json_.members(json, "annotation", [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key == "timestamp") {
        event.time_ns = nanoseconds(TRY(json_.unsigned_integer(member, key)));
      } else if (key == "value") {
        event.name = TRY(json_.string(member, "annotation"));
      }
      return {};
    }));
    json_.lists().events.push(event);
    return {};
  }

  static void set_status(const Parts& parts, Span& span) {
    span.status_message = parts.status_description;
    if (parts.status_code == "OK") {
      span.status = SpanStatus::ok;
    } else if (parts.status_code == "ERROR" || (parts.has_error && parts.error != "false")) {
      span.status = SpanStatus::error;
      if (span.status_message.empty() && parts.error != "true") span.status_message = parts.error;
    }
  }

  static std::uint64_t first_event(const Span& span) {
    std::uint64_t first = 0;
    for (const SpanEvent& e : span.events)
      if (first == 0 || (e.time_ns != 0 && e.time_ns < first)) first = e.time_ns;
    return first;
  }

  // Returns why the span cannot be kept; empty when it can.
  static std::string set_ids(const Parts& parts, Span& span) {
    auto trace = parse_trace_id(parts.trace_id);
    if (!trace || trace->is_zero())
      return "trace ids must be 1 to 32 hex digits and not all zero, received \"" +
             std::string(parts.trace_id.substr(0, 64)) + "\"";
    auto own = parse_span_id(parts.id);
    if (!own || own->is_zero())
      return "span ids must be 1 to 16 hex digits and not all zero, received \"" +
             std::string(parts.id.substr(0, 64)) + "\"";
    span.trace_id = *trace;
    span.span_id = *own;
    span.parent_id = parse_span_id(parts.parent_id).value_or(SpanId());
    return {};
  }

  std::uint32_t resource_of(std::string_view service) {
    auto next = static_cast<std::uint32_t>(batch_.resources.size());
    auto [place, is_new] = resources_.try_emplace(service, next);
    if (is_new) {
      Attribute name{"service.name", Value::of(service)};
      batch_.resources.push_back({batch_.arena.copy(std::span<const Attribute>(&name, 1)), 0, {}});
    }
    return place->second;
  }

  std::uint32_t scope_of(std::string_view name, std::string_view version) {
    auto next = static_cast<std::uint32_t>(batch_.scopes.size());
    auto [place, is_new] = scopes_.try_emplace({name, version}, next);
    if (is_new) batch_.scopes.push_back({name, version, {}, 0, {}});
    return place->second;
  }

  SpanBatch& batch_;
  std::vector<RejectedSpan>& rejected_;
  OtlpJsonReader json_;
  std::map<std::string_view, std::uint32_t> resources_;  // by service
  std::map<std::pair<std::string_view, std::string_view>, std::uint32_t> scopes_;
  std::size_t position_ = 0;
};

}  // namespace

Result<void> decode_zipkin_json(std::string_view body, SpanBatch& batch,
                                std::vector<RejectedSpan>& rejected) {
  batch.clear();
  rejected.clear();
  return ZipkinReader(batch, rejected).request(body);
}

}  // namespace weft::wire
