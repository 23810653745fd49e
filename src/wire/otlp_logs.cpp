#include "wire/otlp.h"
#include "wire/protobuf/any_value.h"

namespace weft::wire {
namespace {

class LogsReader {
 public:
  explicit LogsReader(OtlpLogs& logs) : logs_(logs), otlp_(logs.arena) {}

  void request(pbf_reader message) {
    while (message.next()) {
      if (message.tag_and_type() == bytes_field(1)) {
        resource_logs(message.get_message());
      } else {
        message.skip();
      }
    }
  }

 private:
  void resource_logs(pbf_reader message) {
    otlp_.count_item();
    std::size_t resource = logs_.resources.size();
    logs_.resources.emplace_back();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): otlp_.resource(message.get_message(), logs_.resources[resource]); break;
        case bytes_field(2): scope_logs(message.get_message(), resource); break;
        case bytes_field(3): logs_.resources[resource].schema_url = message.get_view(); break;
        default: message.skip();
      }
    }
  }

  void scope_logs(pbf_reader message, std::size_t resource) {
    otlp_.count_item();
    std::size_t scope = logs_.scopes.size();
    logs_.scopes.emplace_back();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): otlp_.scope(message.get_message(), logs_.scopes[scope]); break;
        case bytes_field(2): record(message.get_message(), resource, scope); break;
        case bytes_field(3): logs_.scopes[scope].schema_url = message.get_view(); break;
        default: message.skip();
      }
    }
  }

  void record(pbf_reader message, std::size_t resource, std::size_t scope) {
    otlp_.count_item();
    OtlpLogRecord& record = logs_.records.emplace_back();
    record.resource = static_cast<std::uint32_t>(resource);
    record.scope = static_cast<std::uint32_t>(scope);
    std::size_t mark = otlp_.lists().attributes.mark();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case fixed64_field(1): record.time_ns = message.get_fixed64(); break;
        case varint_field(2): record.severity_number = message.get_int32(); break;
        case bytes_field(3): record.severity_text = message.get_view(); break;
        case bytes_field(5): record.body = otlp_.value(message.get_message()); break;
        case bytes_field(6): otlp_.attribute(message.get_message()); break;
        case varint_field(7): record.dropped_attributes = message.get_uint32(); break;
        case fixed32_field(8): record.flags = message.get_fixed32(); break;
        case bytes_field(9): record.trace_id = message.get_view(); break;
        case bytes_field(10): record.span_id = message.get_view(); break;
        case fixed64_field(11): record.observed_time_ns = message.get_fixed64(); break;
        case bytes_field(12): record.event_name = message.get_view(); break;
        default: message.skip();
      }
    }
    record.attributes = otlp_.lists().attributes.take(mark, logs_.arena);
  }

  OtlpLogs& logs_;
  OtlpReader otlp_;
};

}  // namespace

void OtlpLogs::clear() {
  resources.clear();
  scopes.clear();
  records.clear();
  arena.clear();
}

Result<void> decode_otlp_logs(std::string_view body, OtlpLogs& logs) {
  logs.clear();
  LogsReader reader(logs);
  return read_protobuf(body, "ExportLogsServiceRequest",
                       [&](pbf_reader message) { reader.request(message); });
}

}  // namespace weft::wire
