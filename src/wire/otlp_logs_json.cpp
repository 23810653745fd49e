#include <array>
#include <limits>

#include "wire/json/any_value.h"
#include "wire/otlp.h"

namespace weft::wire {
namespace {

constexpr std::array<std::string_view, 25> kSeverities = {
    "SEVERITY_NUMBER_UNSPECIFIED", "SEVERITY_NUMBER_TRACE",  "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",      "SEVERITY_NUMBER_TRACE4", "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",      "SEVERITY_NUMBER_DEBUG3", "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",        "SEVERITY_NUMBER_INFO2",  "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",       "SEVERITY_NUMBER_WARN",   "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",       "SEVERITY_NUMBER_WARN4",  "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",      "SEVERITY_NUMBER_ERROR3", "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",       "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4"};

class LogsJsonReader {
 public:
  explicit LogsJsonReader(OtlpLogs& logs) : logs_(logs), otlp_(logs.arena) {}

  Result<void> request(std::string_view body) {
    return otlp_.request(body, [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (key != "resourceLogs") return {};
      return each_item(member, key, [&](on_demand::value item) { return resource_logs(item); });
    });
  }

 private:
  Result<void> resource_logs(on_demand::value json) {
    TRY(otlp_.count_item());
    std::size_t resource = logs_.resources.size();
    logs_.resources.emplace_back();
    return otlp_.members(
        json, "resourceLogs", [&](std::string_view key, on_demand::value member) -> Result<void> {
          if (key == "resource") {
            TRY(otlp_.resource(member, logs_.resources[resource]));
          } else if (key == "scopeLogs") {
            TRY(each_item(member, key, [&](on_demand::value item) { return scope_logs(item, resource); }));
          } else if (key == "schemaUrl") {
            logs_.resources[resource].schema_url = TRY(otlp_.string(member, key));
          }
          return {};
        });
  }

  Result<void> scope_logs(on_demand::value json, std::size_t resource) {
    TRY(otlp_.count_item());
    std::size_t scope = logs_.scopes.size();
    logs_.scopes.emplace_back();
    return otlp_.members(
        json, "scopeLogs", [&](std::string_view key, on_demand::value member) -> Result<void> {
          if (key == "scope") {
            TRY(otlp_.scope(member, logs_.scopes[scope]));
          } else if (key == "logRecords") {
            TRY(each_item(member, key, [&](on_demand::value item) { return record(item, resource, scope); }));
          } else if (key == "schemaUrl") {
            logs_.scopes[scope].schema_url = TRY(otlp_.string(member, key));
          }
          return {};
        });
  }

  Result<void> record(on_demand::value json, std::size_t resource, std::size_t scope) {
    TRY(otlp_.count_item());
    OtlpLogRecord& record = logs_.records.emplace_back();
    record.resource = static_cast<std::uint32_t>(resource);
    record.scope = static_cast<std::uint32_t>(scope);
    return otlp_.members(json, "log record", [&](std::string_view key, on_demand::value member) {
      return record_member(key, member, record);
    });
  }

  Result<void> record_member(std::string_view key, on_demand::value member, OtlpLogRecord& record) {
    if (key == "timeUnixNano") {
      record.time_ns = TRY(otlp_.unsigned_integer(member, key));
    } else if (key == "observedTimeUnixNano") {
      record.observed_time_ns = TRY(otlp_.unsigned_integer(member, key));
    } else if (key == "severityNumber") {
      std::int64_t number = TRY(otlp_.enumerator(member, key, kSeverities));
      if (number < std::numeric_limits<std::int32_t>::min() ||
          number > std::numeric_limits<std::int32_t>::max())
        return json_type_error(key, "an integer of 32 bits");
      record.severity_number = static_cast<std::int32_t>(number);
    } else if (key == "severityText") {
      record.severity_text = TRY(otlp_.string(member, key));
    } else if (key == "body") {
      record.body = TRY(otlp_.value(member));
    } else if (key == "attributes") {
      record.attributes = TRY(otlp_.attributes(member));
    } else if (key == "droppedAttributesCount") {
      record.dropped_attributes = TRY(otlp_.unsigned_integer_32(member, key));
    } else if (key == "flags") {
      record.flags = TRY(otlp_.unsigned_integer_32(member, key));
    } else if (key == "traceId") {
      record.trace_id = TRY(otlp_.id(member, key));
    } else if (key == "spanId") {
      record.span_id = TRY(otlp_.id(member, key));
    } else if (key == "eventName") {
      record.event_name = TRY(otlp_.string(member, key));
    }
    return {};
  }

  OtlpLogs& logs_;
  OtlpJsonReader otlp_;
};

}  // namespace

Result<void> decode_otlp_logs_json(std::string_view body, OtlpLogs& logs) {
  logs.clear();
  return LogsJsonReader(logs).request(body);
}

}  // namespace weft::wire
