#include <array>

#include "wire/decode/span_ids.h"
#include "wire/json/any_value.h"
#include "wire/otlp.h"

namespace weft::wire {
namespace {

constexpr std::array<std::string_view, 6> kKinds = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                                    "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                                    "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
constexpr std::array<std::string_view, 3> kStatuses = {"STATUS_CODE_UNSET", "STATUS_CODE_OK",
                                                       "STATUS_CODE_ERROR"};

class TracesJsonReader {
 public:
  TracesJsonReader(SpanBatch& batch, std::vector<RejectedSpan>& rejected)
      : batch_(batch), rejected_(rejected), otlp_(batch.arena) {}

  Result<void> request(std::string_view body) {
    return otlp_.request(body, [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key != "resourceSpans") return {};
      return each_item(member, key, [&](on_demand::value item) { return resource_spans(item); });
    });
  }

 private:
  Result<void> resource_spans(on_demand::value json) {
    TRY(otlp_.count_item());
    std::size_t resource = batch_.resources.size();
    batch_.resources.emplace_back();
    return otlp_.members(
        json, "resourceSpans", [&](std::string_view key, on_demand::value member) -> Result<void> {
          if (key == "resource") {
            TRY(otlp_.resource(member, batch_.resources[resource]));
          } else if (key == "scopeSpans") {
            TRY(each_item(member, key, [&](on_demand::value item) { return scope_spans(item, resource); }));
          } else if (key == "schemaUrl") {
            batch_.resources[resource].schema_url = TRY(otlp_.string(member, key));
          }
          return {};
        });
  }

  Result<void> scope_spans(on_demand::value json, std::size_t resource) {
    TRY(otlp_.count_item());
    std::size_t scope = batch_.scopes.size();
    batch_.scopes.emplace_back();
    return otlp_.members(
        json, "scopeSpans", [&](std::string_view key, on_demand::value member) -> Result<void> {
          if (key == "scope") {
            TRY(otlp_.scope(member, batch_.scopes[scope]));
          } else if (key == "spans") {
            TRY(each_item(member, key, [&](on_demand::value item) { return span(item, resource, scope); }));
          } else if (key == "schemaUrl") {
            batch_.scopes[scope].schema_url = TRY(otlp_.string(member, key));
          }
          return {};
        });
  }

  // Ids as bytes, until all of the span is read.
  struct Ids {
    std::string_view trace;
    std::string_view span;
    std::string_view parent;
  };

  Result<void> span(on_demand::value json, std::size_t resource, std::size_t scope) {
    TRY(otlp_.count_item());
    Span& span = batch_.spans.emplace_back();
    span.resource = static_cast<std::uint32_t>(resource);
    span.scope = static_cast<std::uint32_t>(scope);
    Ids ids;
    TRY(otlp_.members(json, "span", [&](std::string_view key, on_demand::value member) {
      return span_member(key, member, span, ids);
    }));
    std::size_t position = position_++;
    if (std::string error = set_span_ids(span, ids.trace, ids.span, ids.parent); !error.empty()) {
      rejected_.push_back({position, std::move(error)});
      batch_.spans.pop_back();
    }
    return {};
  }

  Result<void> span_member(std::string_view key, on_demand::value member, Span& span, Ids& ids) {
    if (key == "traceId") {
      ids.trace = TRY(otlp_.id(member, key));
    } else if (key == "spanId") {
      ids.span = TRY(otlp_.id(member, key));
    } else if (key == "parentSpanId") {
      ids.parent = TRY(otlp_.id(member, key));
    } else if (key == "traceState") {
      span.trace_state = TRY(otlp_.string(member, key));
    } else if (key == "name") {
      span.name = TRY(otlp_.string(member, "span name"));
    } else if (key == "kind") {
      span.kind = span_kind(TRY(otlp_.enumerator(member, key, kKinds)));
    } else if (key == "startTimeUnixNano") {
      span.start_ns = TRY(otlp_.unsigned_integer(member, key));
    } else if (key == "endTimeUnixNano") {
      span.end_ns = TRY(otlp_.unsigned_integer(member, key));
    } else if (key == "attributes") {
      span.attributes = TRY(otlp_.attributes(member));
    } else if (key == "droppedAttributesCount") {
      span.dropped_attributes = TRY(otlp_.unsigned_integer_32(member, key));
    } else if (key == "events") {
      std::size_t mark = otlp_.lists().events.mark();
      TRY(each_item(member, key, [&](on_demand::value item) { return event(item); }));
      span.events = otlp_.lists().events.take(mark, batch_.arena);
    } else if (key == "droppedEventsCount") {
      span.dropped_events = TRY(otlp_.unsigned_integer_32(member, key));
    } else if (key == "links") {
      std::size_t mark = otlp_.lists().links.mark();
      TRY(each_item(member, key, [&](on_demand::value item) { return link(item); }));
      span.links = otlp_.lists().links.take(mark, batch_.arena);
    } else if (key == "droppedLinksCount") {
      span.dropped_links = TRY(otlp_.unsigned_integer_32(member, key));
    } else if (key == "status") {
      TRY(status(member, span));
    } else if (key == "flags") {
      span.flags = TRY(otlp_.unsigned_integer_32(member, key));
    }
    return {};
  }

  Result<void> event(on_demand::value json) {
    TRY(otlp_.count_item());
    SpanEvent event;
    TRY(otlp_.members(json, "event", [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key == "timeUnixNano") {
        event.time_ns = TRY(otlp_.unsigned_integer(member, key));
      } else if (key == "name") {
        event.name = TRY(otlp_.string(member, "event name"));
      } else if (key == "attributes") {
        event.attributes = TRY(otlp_.attributes(member));
      } else if (key == "droppedAttributesCount") {
        event.dropped_attributes = TRY(otlp_.unsigned_integer_32(member, key));
      }
      return {};
    }));
    otlp_.lists().events.push(event);
    return {};
  }

  Result<void> link(on_demand::value json) {
    TRY(otlp_.count_item());
    SpanLink link;
    TRY(otlp_.members(json, "link", [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key == "traceId") {
        link.trace_id = trace_id_from_bytes(TRY(otlp_.id(member, key))).value_or(TraceId());
      } else if (key == "spanId") {
        link.span_id = span_id_from_bytes(TRY(otlp_.id(member, key))).value_or(SpanId());
      } else if (key == "traceState") {
        link.trace_state = TRY(otlp_.string(member, key));
      } else if (key == "attributes") {
        link.attributes = TRY(otlp_.attributes(member));
      } else if (key == "droppedAttributesCount") {
        link.dropped_attributes = TRY(otlp_.unsigned_integer_32(member, key));
      } else if (key == "flags") {
        link.flags = TRY(otlp_.unsigned_integer_32(member, key));
      }
      return {};
    }));
    otlp_.lists().links.push(link);
    return {};
  }

  Result<void> status(on_demand::value json, Span& span) {
    return otlp_.members(json, "status", [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key == "message") {
        span.status_message = TRY(otlp_.string(member, "status message"));
      } else if (key == "code") {
        span.status = span_status(TRY(otlp_.enumerator(member, "status code", kStatuses)));
      }
      return {};
    });
  }

  SpanBatch& batch_;
  std::vector<RejectedSpan>& rejected_;
  OtlpJsonReader otlp_;
  std::size_t position_ = 0;
};

}  // namespace

Result<void> decode_otlp_traces_json(std::string_view body, SpanBatch& batch,
                                     std::vector<RejectedSpan>& rejected) {
  batch.clear();
  rejected.clear();
  return TracesJsonReader(batch, rejected).request(body);
}

}  // namespace weft::wire
