#include "wire/decode/span_ids.h"
#include "wire/otlp.h"
#include "wire/protobuf/any_value.h"

namespace weft::wire {
namespace {

class TracesReader {
 public:
  TracesReader(SpanBatch& batch, std::vector<RejectedSpan>& rejected)
      : batch_(batch), rejected_(rejected), otlp_(batch.arena) {}

  void request(pbf_reader message) {
    while (message.next()) {
      if (message.tag_and_type() == bytes_field(1)) {
        resource_spans(message.get_message());
      } else {
        message.skip();
      }
    }
  }

 private:
  void resource_spans(pbf_reader message) {
    otlp_.count_item();
    std::size_t resource = batch_.resources.size();  // by index: fields come in any order
    batch_.resources.emplace_back();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): otlp_.resource(message.get_message(), batch_.resources[resource]); break;
        case bytes_field(2): scope_spans(message.get_message(), resource); break;
        case bytes_field(3): batch_.resources[resource].schema_url = message.get_view(); break;
        default: message.skip();
      }
    }
  }

  void scope_spans(pbf_reader message, std::size_t resource) {
    otlp_.count_item();
    std::size_t scope = batch_.scopes.size();
    batch_.scopes.emplace_back();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): otlp_.scope(message.get_message(), batch_.scopes[scope]); break;
        case bytes_field(2): span(message.get_message(), resource, scope); break;
        case bytes_field(3): batch_.scopes[scope].schema_url = message.get_view(); break;
        default: message.skip();
      }
    }
  }

  void span(pbf_reader message, std::size_t resource, std::size_t scope) {
    otlp_.count_item();
    Span& span = batch_.spans.emplace_back();
    span.resource = static_cast<std::uint32_t>(resource);
    span.scope = static_cast<std::uint32_t>(scope);
    std::string_view trace_id;
    std::string_view span_id;
    std::string_view parent_id;
    Lists& lists = otlp_.lists();
    std::size_t attributes = lists.attributes.mark();
    std::size_t events = lists.events.mark();
    std::size_t links = lists.links.mark();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): trace_id = message.get_view(); break;
        case bytes_field(2): span_id = message.get_view(); break;
        case bytes_field(3): span.trace_state = message.get_view(); break;
        case bytes_field(4): parent_id = message.get_view(); break;
        case bytes_field(5): span.name = message.get_view(); break;
        case varint_field(6): span.kind = span_kind(message.get_int64()); break;
        case fixed64_field(7): span.start_ns = message.get_fixed64(); break;
        case fixed64_field(8): span.end_ns = message.get_fixed64(); break;
        case bytes_field(9): otlp_.attribute(message.get_message()); break;
        case varint_field(10): span.dropped_attributes = message.get_uint32(); break;
        case bytes_field(11): event(message.get_message()); break;
        case varint_field(12): span.dropped_events = message.get_uint32(); break;
        case bytes_field(13): link(message.get_message()); break;
        case varint_field(14): span.dropped_links = message.get_uint32(); break;
        case bytes_field(15): status(message.get_message(), span); break;
        case fixed32_field(16): span.flags = message.get_fixed32(); break;
        default: message.skip();
      }
    }
    span.attributes = lists.attributes.take(attributes, batch_.arena);
    span.events = lists.events.take(events, batch_.arena);
    span.links = lists.links.take(links, batch_.arena);
    std::size_t position = position_++;
    if (std::string error = set_span_ids(span, trace_id, span_id, parent_id); !error.empty()) {
      rejected_.push_back({position, std::move(error)});
      batch_.spans.pop_back();
    }
  }

  void event(pbf_reader message) {
    otlp_.count_item();
    SpanEvent event;
    Lists& lists = otlp_.lists();
    std::size_t mark = lists.attributes.mark();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case fixed64_field(1): event.time_ns = message.get_fixed64(); break;
        case bytes_field(2): event.name = message.get_view(); break;
        case bytes_field(3): otlp_.attribute(message.get_message()); break;
        case varint_field(4): event.dropped_attributes = message.get_uint32(); break;
        default: message.skip();
      }
    }
    event.attributes = lists.attributes.take(mark, batch_.arena);
    lists.events.push(event);
  }

  void link(pbf_reader message) {
    otlp_.count_item();
    SpanLink link;
    Lists& lists = otlp_.lists();
    std::size_t mark = lists.attributes.mark();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1):
          link.trace_id = trace_id_from_bytes(message.get_view()).value_or(TraceId());
          break;
        case bytes_field(2): link.span_id = span_id_from_bytes(message.get_view()).value_or(SpanId()); break;
        case bytes_field(3): link.trace_state = message.get_view(); break;
        case bytes_field(4): otlp_.attribute(message.get_message()); break;
        case varint_field(5): link.dropped_attributes = message.get_uint32(); break;
        case fixed32_field(6): link.flags = message.get_fixed32(); break;
        default: message.skip();
      }
    }
    link.attributes = lists.attributes.take(mark, batch_.arena);
    lists.links.push(link);
  }

  static void status(pbf_reader message, Span& span) {
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(2): span.status_message = message.get_view(); break;
        case varint_field(3): span.status = span_status(message.get_int64()); break;
        default: message.skip();
      }
    }
  }

  SpanBatch& batch_;
  std::vector<RejectedSpan>& rejected_;
  OtlpReader otlp_;
  std::size_t position_ = 0;
};

}  // namespace

Result<void> decode_otlp_traces(std::string_view body, SpanBatch& batch,
                                std::vector<RejectedSpan>& rejected) {
  batch.clear();
  rejected.clear();
  TracesReader reader(batch, rejected);
  return read_protobuf(body, "ExportTraceServiceRequest",
                       [&](pbf_reader message) { reader.request(message); });
}

}  // namespace weft::wire
