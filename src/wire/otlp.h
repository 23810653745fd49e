#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/log_batch.h"
#include "model/span_batch.h"

// OTLP: opentelemetry-proto 1.x, protobuf and JSON. Pure functions. Unknown fields are skipped.
// Nesting deeper than kNestingMax is refused. Views point into `body` and the batch's arena. A decoder
// replaces what the batch holds; after an error the batch holds a part of the request. Errors beside
// those named: resource_exhausted for a request of more than four million records and attributes.

namespace weft::wire {

// A span that cannot be kept, by its position among all spans of the request as sent.
struct RejectedSpan {
  std::size_t position = 0;
  std::string error;
};

// ExportTraceServiceRequest (also TracesData, Trace: the same bytes). Spans with a bad id are left
// out and listed in `rejected` ("trace ids must be 128 bit, received 64 bits", "span ids must be
// 64 bit and not all zero, received 0 bits"); so are spans of the all-zero trace. Errors: invalid_argument.
Result<void> decode_otlp_traces(std::string_view body, SpanBatch& batch, std::vector<RejectedSpan>& rejected);
Result<void> decode_otlp_traces_json(std::string_view body, SpanBatch& batch, std::vector<RejectedSpan>& rejected);

// One resource's or scope's log records, in OTLP's own terms; ingest maps them to streams.
struct OtlpLogRecord {
  std::uint64_t time_ns = 0;
  std::uint64_t observed_time_ns = 0;
  std::int32_t severity_number = 0;
  std::string_view severity_text;
  Value body;
  Attributes attributes;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t flags = 0;
  std::string_view trace_id;  // raw bytes: 16 or empty or wrong
  std::string_view span_id;   // raw bytes
  std::string_view event_name;
  std::uint32_t resource = 0;
  std::uint32_t scope = 0;
};
struct OtlpLogs {
  std::vector<Resource> resources;
  std::vector<Scope> scopes;
  std::vector<OtlpLogRecord> records;
  Arena arena;
  void clear();
};
Result<void> decode_otlp_logs(std::string_view body, OtlpLogs& logs);
Result<void> decode_otlp_logs_json(std::string_view body, OtlpLogs& logs);

// --- encoding: answers (trace by id) and clients (demo, bench, tests) ---

// TracesData protobuf: spans grouped by resource, then scope, in the batch's order.
std::string encode_otlp_traces(const SpanBatch& batch);
std::string encode_otlp_logs(const OtlpLogs& logs);

// A value as OTLP/JSON's AnyValue ({"intValue":"5"}); bytes are base64. Appends.
void append_json(std::string& out, const Value& value);
// A value as plain JSON (5, "text", [..], {..}): what a log body that is a map looks like as a line.
void append_plain_json(std::string& out, const Value& value);

// google.rpc.Status {code, message} protobuf, optionally with a RetryInfo detail (seconds > 0).
std::string encode_rpc_status(int code, std::string_view message, int retry_seconds = 0);
// ExportTracePartialSuccess / ExportLogsPartialSuccess response body; empty when rejected is 0 and
// message empty.
std::string encode_partial_success(std::int64_t rejected, std::string_view message);

}  // namespace weft::wire
