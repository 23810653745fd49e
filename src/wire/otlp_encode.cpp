#include <algorithm>
#include <numeric>
#include <tuple>

#include "wire/otlp.h"
#include "base/protozero.h"

namespace weft::wire {
namespace {

using protozero::pbf_writer;

void write_attributes(pbf_writer& to, std::uint32_t field, Attributes attributes);

// As deep as the value: what was decoded nests at most kNestingMax deep. (A pbf_writer that nothing
// was written to takes its field back, so what is empty is written as such.)
void write_value(pbf_writer& to, std::uint32_t field, const Value& value) {
  if (value.type == Value::Type::nil) {
    to.add_message(field, std::string_view());
    return;
  }
  pbf_writer message(to, field);
  switch (value.type) {
    case Value::Type::nil: break;
    case Value::Type::string: message.add_string(1, value.as_text()); break;
    case Value::Type::boolean: message.add_bool(2, value.boolean); break;
    case Value::Type::integer: message.add_int64(3, value.integer); break;
    case Value::Type::number: message.add_double(4, value.number); break;
    case Value::Type::array: {
      if (value.size == 0) message.add_message(5, std::string_view());
      pbf_writer array(message, 5);
      for (const Value& item : value.as_array()) write_value(array, 1, item);
      break;
    }
    case Value::Type::map: {
      if (value.size == 0) message.add_message(6, std::string_view());
      pbf_writer map(message, 6);
      write_attributes(map, 1, value.as_map());
      break;
    }
    case Value::Type::bytes: message.add_bytes(7, value.as_text()); break;
  }
}

void write_attributes(pbf_writer& to, std::uint32_t field, Attributes attributes) {
  for (const Attribute& attribute : attributes) {
    pbf_writer message(to, field);
    message.add_string(1, attribute.key);
    write_value(message, 2, attribute.value);
  }
}

// Fields that have their default value are left out, as protobuf 3 has it.
void write_text(pbf_writer& to, std::uint32_t field, std::string_view text) {
  if (!text.empty()) to.add_string(field, text);
}
void write_count(pbf_writer& to, std::uint32_t field, std::uint32_t count) {
  if (count != 0) to.add_uint32(field, count);
}
template <class Id>
void write_id(pbf_writer& to, std::uint32_t field, const Id& id) {
  if (!id.is_zero()) to.add_bytes(field, reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

void write_resource(pbf_writer& to, const Resource& resource) {
  pbf_writer message(to, 1);
  write_attributes(message, 1, resource.attributes);
  write_count(message, 2, resource.dropped_attributes);
}

void write_scope(pbf_writer& to, const Scope& scope) {
  pbf_writer message(to, 1);
  write_text(message, 1, scope.name);
  write_text(message, 2, scope.version);
  write_attributes(message, 3, scope.attributes);
  write_count(message, 4, scope.dropped_attributes);
}

void write_event(pbf_writer& to, const SpanEvent& event) {
  pbf_writer message(to, 11);
  message.add_fixed64(1, event.time_ns);
  write_text(message, 2, event.name);
  write_attributes(message, 3, event.attributes);
  write_count(message, 4, event.dropped_attributes);
}

void write_link(pbf_writer& to, const SpanLink& link) {
  pbf_writer message(to, 13);
  write_id(message, 1, link.trace_id);
  write_id(message, 2, link.span_id);
  write_text(message, 3, link.trace_state);
  write_attributes(message, 4, link.attributes);
  write_count(message, 5, link.dropped_attributes);
  message.add_fixed32(6, link.flags);  // always, so that the message is never empty
}

void write_span(pbf_writer& to, const Span& span) {
  pbf_writer message(to, 2);
  write_id(message, 1, span.trace_id);
  write_id(message, 2, span.span_id);
  write_text(message, 3, span.trace_state);
  write_id(message, 4, span.parent_id);
  write_text(message, 5, span.name);
  if (span.kind != SpanKind::unspecified) message.add_enum(6, static_cast<std::int32_t>(span.kind));
  message.add_fixed64(7, span.start_ns);
  message.add_fixed64(8, span.end_ns);
  write_attributes(message, 9, span.attributes);
  write_count(message, 10, span.dropped_attributes);
  for (const SpanEvent& event : span.events) write_event(message, event);
  write_count(message, 12, span.dropped_events);
  for (const SpanLink& link : span.links) write_link(message, link);
  write_count(message, 14, span.dropped_links);
  if (span.status != SpanStatus::unset || !span.status_message.empty()) {
    pbf_writer status(message, 15);
    write_text(status, 2, span.status_message);
    if (span.status != SpanStatus::unset) status.add_enum(3, static_cast<std::int32_t>(span.status));
  }
  if (span.flags != 0) message.add_fixed32(16, span.flags);
}

void write_record(pbf_writer& to, const OtlpLogRecord& record) {
  pbf_writer message(to, 2);
  message.add_fixed64(1, record.time_ns);  // always, so that the message is never empty
  if (record.severity_number != 0) message.add_enum(2, record.severity_number);
  write_text(message, 3, record.severity_text);
  if (record.body.type != Value::Type::nil) write_value(message, 5, record.body);
  write_attributes(message, 6, record.attributes);
  write_count(message, 7, record.dropped_attributes);
  if (record.flags != 0) message.add_fixed32(8, record.flags);
  if (!record.trace_id.empty()) message.add_bytes(9, record.trace_id);
  if (!record.span_id.empty()) message.add_bytes(10, record.span_id);
  if (record.observed_time_ns != 0) message.add_fixed64(11, record.observed_time_ns);
  write_text(message, 12, record.event_name);
}

// TracesData and LogsData have one shape: resources (1) of scopes (2) of rows (2), each level led by
// its owner (1) and followed by a schema (3). Rows keep their order within resource and scope.
template <class Row, class WriteRow>
std::string write_grouped(std::span<const Resource> resources, std::span<const Scope> scopes,
                          std::span<const Row> rows, WriteRow write_row) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(rows[i].resource, rows[i].scope, i); });
  std::string out;
  pbf_writer request(out);
  for (std::size_t at = 0; at < order.size();) {
    std::uint32_t resource = rows[order[at]].resource;
    pbf_writer of_resource(request, 1);
    write_resource(of_resource, resources[resource]);
    while (at < order.size() && rows[order[at]].resource == resource) {
      std::uint32_t scope = rows[order[at]].scope;
      pbf_writer of_scope(of_resource, 2);
      write_scope(of_scope, scopes[scope]);
      for (; at < order.size() && rows[order[at]].resource == resource && rows[order[at]].scope == scope;
           ++at)
        write_row(of_scope, rows[order[at]]);
      write_text(of_scope, 3, scopes[scope].schema_url);
    }
    write_text(of_resource, 3, resources[resource].schema_url);
  }
  return out;
}

}  // namespace

std::string encode_otlp_traces(const SpanBatch& batch) {
  return write_grouped<Span>(batch.resources, batch.scopes, batch.spans, write_span);
}

std::string encode_otlp_logs(const OtlpLogs& logs) {
  return write_grouped<OtlpLogRecord>(logs.resources, logs.scopes, logs.records, write_record);
}

std::string encode_rpc_status(int code, std::string_view message, int retry_seconds) {
  std::string out;
  pbf_writer status(out);
  if (code != 0) status.add_int32(1, code);
  write_text(status, 2, message);
  if (retry_seconds > 0) {
    pbf_writer detail(status, 3);
    detail.add_string(1, "type.googleapis.com/google.rpc.RetryInfo");
    pbf_writer retry_info(detail, 2);
    pbf_writer delay(retry_info, 1);
    delay.add_int64(1, retry_seconds);
  }
  return out;
}

std::string encode_partial_success(std::int64_t rejected, std::string_view message) {
  std::string out;
  if (rejected == 0 && message.empty()) return out;
  pbf_writer response(out);
  pbf_writer partial(response, 1);
  if (rejected != 0) partial.add_int64(1, rejected);
  write_text(partial, 2, message);
  return out;
}

}  // namespace weft::wire
