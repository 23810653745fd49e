#include <benchmark/benchmark.h>

#include "wire/samples/samples.h"

// Decoding what collectors send: 2000 log lines of 220 bytes in 8 streams, and 600 spans of about 320
// bytes with 9 attributes in 4 resources. "ns" is per row.

namespace weft::wire {
namespace {

constexpr std::size_t kLines = 2000;
constexpr std::size_t kSpans = 600;

void per_row(benchmark::State& state, std::size_t rows, std::size_t bytes) {
  state.counters["row"] = benchmark::Counter(
      static_cast<double>(rows), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_row"] = static_cast<double>(bytes) / static_cast<double>(rows);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes * state.iterations()));
}

LogBatch log_lines() {
  LogBatch batch;
  samples::fill(batch, kLines, 8, 220);
  return batch;
}

void fill_spans(SpanBatch& batch) {
  std::vector<Attribute> owner = {{"service.name", Value::of(std::string_view("checkout"))},
                                  {"k8s.pod.name", Value::of(std::string_view("checkout-7d9f-x2x1"))}};
  std::vector<Attribute> own = {{"http.request.method", Value::of(std::string_view("GET"))},
                                {"url.path", Value::of(std::string_view("/api/v1/orders/1234567"))},
                                {"http.response.status_code", Value::of(std::int64_t{200})},
                                {"server.address", Value::of(std::string_view("shop.example"))},
                                {"server.port", Value::of(std::int64_t{8443})},
                                {"user.tier", Value::of(std::string_view("gold"))},
                                {"cache.hit", Value::of(true)},
                                {"cart.value", Value::of(129.95)},
                                {"net.peer", Value::of(std::string_view("10.1.2.3"))}};
  for (int i = 0; i < 4; ++i) {
    batch.resources.push_back({batch.arena.copy(std::span<const Attribute>(owner)), 0, ""});
    batch.scopes.push_back({"go.opentelemetry.io/http", "0.49.0", {}, 0, ""});
  }
  for (std::size_t i = 0; i < kSpans; ++i) {
    Span span;
    span.trace_id = samples::trace_id(static_cast<std::uint8_t>(i));
    span.span_id = samples::span_id(static_cast<std::uint8_t>(i + 1));
    span.parent_id = samples::span_id(static_cast<std::uint8_t>(i + 2));
    span.name = "GET /api/v1/orders/{id}";
    span.start_ns = 1'700'000'000'000'000'000U + i;
    span.end_ns = span.start_ns + 5'000'000;
    span.kind = SpanKind::server;
    span.resource = span.scope = static_cast<std::uint32_t>(i / 150);
    span.attributes = batch.arena.copy(std::span<const Attribute>(own));
    batch.spans.push_back(span);
  }
}

void loki_protobuf(benchmark::State& state) {
  std::string body = encode_loki_push(log_lines());
  LogBatch batch;
  std::vector<RejectedStream> rejected;
  for (auto _ : state) benchmark::DoNotOptimize(bool(decode_loki_push(body, batch, rejected)));
  per_row(state, kLines, body.size());
}
BENCHMARK(loki_protobuf);

void loki_json(benchmark::State& state) {
  LogBatch lines = log_lines();
  std::string body = "{\"streams\":[";
  for (const LogStream& stream : lines.streams) {
    body += (body.back() == '[' ? "" : ",") + std::string("{\"stream\":{");
    for (const Label& l : lines.labels_of(stream)) {
      body += body.back() == '{' ? "" : ",";
      append_quoted(body, l.name);
      body += ':';
      append_quoted(body, l.value);
    }
    body += "},\"values\":[";
    for (const LogEntry& e : std::span(lines.entries).subspan(stream.entries_begin, stream.entries_count)) {
      body += std::string(body.back() == '[' ? "" : ",") + "[\"" + std::to_string(e.time_ns) + "\",";
      append_quoted(body, e.line);
      body += ']';
    }
    body += "]}";
  }
  body += "]}";
  LogBatch batch;
  for (auto _ : state) benchmark::DoNotOptimize(bool(decode_loki_push_json(body, batch)));
  per_row(state, kLines, body.size());
}
BENCHMARK(loki_json);

void otlp_traces_protobuf(benchmark::State& state) {
  SpanBatch spans;
  fill_spans(spans);
  std::string body = encode_otlp_traces(spans);
  SpanBatch batch;
  std::vector<RejectedSpan> rejected;
  for (auto _ : state) benchmark::DoNotOptimize(bool(decode_otlp_traces(body, batch, rejected)));
  per_row(state, kSpans, body.size());
}
BENCHMARK(otlp_traces_protobuf);

void otlp_traces_encode(benchmark::State& state) {
  SpanBatch spans;
  fill_spans(spans);
  std::size_t bytes = 0;
  for (auto _ : state) bytes = encode_otlp_traces(spans).size();
  per_row(state, kSpans, bytes);
}
BENCHMARK(otlp_traces_encode);

void otlp_logs_protobuf(benchmark::State& state) {
  LogBatch lines = log_lines();
  OtlpLogs logs;
  logs.resources.emplace_back();
  logs.scopes.emplace_back();
  for (const LogEntry& e : lines.entries) {
    OtlpLogRecord record;
    record.time_ns = static_cast<std::uint64_t>(e.time_ns);
    record.severity_number = 9;
    record.severity_text = "INFO";
    record.body = Value::of(e.line);
    record.trace_id = "0123456789abcdef";
    record.span_id = "01234567";
    logs.records.push_back(record);
  }
  std::string body = encode_otlp_logs(logs);
  OtlpLogs decoded;
  for (auto _ : state) benchmark::DoNotOptimize(bool(decode_otlp_logs(body, decoded)));
  per_row(state, kLines, body.size());
}
BENCHMARK(otlp_logs_protobuf);

}  // namespace
}  // namespace weft::wire
