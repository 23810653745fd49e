#include "app/load_generator.h"

#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "base/compress.h"
#include "text/units.h"
#include "wire/loki_push.h"

namespace weft::app {

namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kServices{"gateway"sv,  "storefront"sv, "catalog"sv,   "cart"sv,
                               "checkout"sv, "payments"sv,   "inventory"sv, "shipping"sv};
constexpr std::array kMessages{"request served"sv, "cache miss, asking the database"sv,
                               "order accepted"sv, "retrying after timeout"sv,
                               "stock reserved"sv, "token refreshed"sv};
constexpr std::array kLevels{"info"sv, "info"sv, "info"sv, "info"sv, "debug"sv, "warn"sv, "error"sv};
constexpr std::array kMethods{"GET"sv, "GET"sv, "GET"sv, "POST"sv, "PUT"sv};
constexpr std::array kStatuses{200, 200, 200, 200, 201, 204, 304, 404, 500, 503};
constexpr std::array kResources{"orders"sv, "products"sv, "customers"sv, "carts"sv, "prices"sv};
constexpr std::size_t kPods = 10, kLinesPerTrace = 6, kSpansPerTrace = 6;

template <class Id>
Id random_id(Random& random) {
  Id id;
  for (std::size_t at = 0; at < id.bytes.size(); at += 8) {
    const std::uint64_t bits = random.next() | 1;  // never all zero
    std::memcpy(id.bytes.data() + at, &bits, 8);
  }
  return id;
}

template <class Item, std::size_t kCount>
const Item& one_of(Random& random, const std::array<Item, kCount>& items) {
  return items[random.below(kCount)];
}

std::string pod_name(std::string_view service, std::size_t pod) {
  return fmt::format("{}-6f9c7d-{:02}", service, pod);
}

std::string line_of(Random& random, LineKind kind, std::size_t number, std::string_view service,
                    std::int64_t time_ns, const TraceId& trace_id) {
  const std::string time =
      text::format_rfc3339(time_ns / 1000 * 1000 + 1000);  // microseconds, as most loggers
  const std::string trace = to_hex(trace_id), span = to_hex(random_id<SpanId>(random));
  const std::string_view level = one_of(random, kLevels), message = one_of(random, kMessages);
  const std::string_view method = one_of(random, kMethods), resource = one_of(random, kResources);
  const int status = one_of(random, kStatuses);
  const std::uint64_t item = random.below(100'000);
  const double ms = random.log_normal(12, 0.8);
  const std::size_t form = kind == LineKind::json ? 0 : number % 4;
  if (form < 2) {
    return fmt::format(
        R"({{"time":"{}","level":"{}","msg":"{}","trace_id":"{}","span_id":"{}","method":"{}","path":"/api/{}/{}","status":{},"ms":{:.2f}}})",
        time, level, message, trace, span, method, resource, item, status, ms);
  }
  if (form == 2) {
    return fmt::format(
        "ts={} level={} caller={}/handler.go:{} msg=\"{}\" trace_id={} span_id={} method={} path=/api/{}/{} "
        "status={} ms={:.2f}",
        time, level, service, 40 + random.below(60), message, trace, span, method, resource, item, status,
        ms);
  }
  return fmt::format(
      "{} [{}] {} c.e.{}.RequestHandler - {} {} /api/{}/{} answered {} after {:.2f} ms, trace {} span {} "
      "attempt 1 of 3",
      time, level, service, service, message, method, resource, item, status, ms, trace, span);
}

std::size_t batches_for(std::size_t rows, std::size_t per_batch) {
  return (rows + per_batch - 1) / per_batch;
}

// The time of item `at` of `count` in batch `batch` of `batches`.
std::int64_t spread(const LoadOptions& options, std::size_t batch, std::size_t batches, std::size_t at,
                    std::size_t count) {
  const double part = (static_cast<double>(batch) + static_cast<double>(at) / static_cast<double>(count)) /
                      static_cast<double>(batches);
  return options.start_ns + static_cast<std::int64_t>(part * static_cast<double>(options.length_ns));
}

}  // namespace

LogLoad::LogLoad(const LoadOptions& options)
    : options_(options), batches_(batches_for(options.rows, kLoadLinesPerBatch)), random_(options.seed) {}

void LogLoad::next(LogBatch& batch) {
  constexpr std::size_t kPerStream = kLoadLinesPerBatch / kServices.size();
  batch.clear();
  batch.entries.resize(kLoadLinesPerBatch);
  for (std::size_t service = 0; service < kServices.size(); ++service) {
    batch.streams.push_back({.labels_begin = static_cast<std::uint32_t>(batch.labels.size()),
                             .labels_count = 4,
                             .entries_begin = static_cast<std::uint32_t>(service * kPerStream),
                             .entries_count = kPerStream});
    batch.labels.push_back({"app", kServices[service]});
    batch.labels.push_back({"container", "main"});
    batch.labels.push_back({"namespace", kLoadNamespace});
    batch.labels.push_back({"pod", batch.arena.copy(pod_name(kServices[service], made_ % kPods))});
  }
  // Line after line in time, dealt out to the services in turn: a trace's six lines are of six services.
  for (std::size_t i = 0; i < kLoadLinesPerBatch; ++i) {
    const std::size_t number = made_ * kLoadLinesPerBatch + i;
    const std::size_t service = i % kServices.size();
    if (number % kLinesPerTrace == 0) trace_id_ = random_id<TraceId>(random_);
    LogEntry& entry = batch.entries[service * kPerStream + i / kServices.size()];
    entry.time_ns = spread(options_, made_, batches_, i, kLoadLinesPerBatch);
    // Not the number of the line: every service writes all forms.
    entry.line = batch.arena.copy(
        line_of(random_, options_.kind, i / kServices.size(), kServices[service], entry.time_ns, trace_id_));
  }
  ++made_;
}

SpanLoad::SpanLoad(const LoadOptions& options)
    : options_(options), batches_(batches_for(options.rows, kLoadSpansPerBatch)), random_(options.seed) {}

void SpanLoad::next(SpanBatch& batch) {
  batch.clear();
  Arena& arena = batch.arena;
  const std::size_t pod = made_ % kPods;
  for (std::size_t service = 0; service < kSpansPerTrace; ++service) {
    const std::array<Attribute, 4> attributes{{
        {"service.name", Value::of(kServices[service])},
        {"service.version", Value::of("2.4.1"sv)},
        {"k8s.namespace.name", Value::of(kLoadNamespace)},
        {"k8s.pod.name", Value::of(arena.copy(pod_name(kServices[service], pod)))},
    }};
    batch.resources.push_back({.attributes = arena.copy(std::span<const Attribute>(attributes))});
  }
  batch.scopes.push_back({.name = "bench", .version = "1.0"});
  const std::size_t traces = kLoadSpansPerBatch / kSpansPerTrace;
  for (std::size_t trace = 0; trace < traces; ++trace) {
    const TraceId trace_id = random_id<TraceId>(random_);
    std::int64_t start_ns = spread(options_, made_, batches_, trace, traces);
    std::int64_t length_ns = static_cast<std::int64_t>(random_.log_normal(80e6, 0.7));
    SpanId parent;
    for (std::size_t i = 0; i < kSpansPerTrace; ++i) {
      const std::string_view method = one_of(random_, kMethods), resource = one_of(random_, kResources);
      const int status = one_of(random_, kStatuses);
      std::vector<Attribute> attributes{
          {"http.request.method", Value::of(method)},
          {"http.route", Value::of(arena.copy(fmt::format("/api/{}/{{id}}", resource)))},
          {"http.response.status_code", Value::of(std::int64_t{status})},
          {"url.path", Value::of(arena.copy(fmt::format("/api/{}/{}", resource, random_.below(100'000))))},
          {"customer.id", Value::of(arena.copy(fmt::format("c-{:05}", random_.below(20'000))))},
          {"server.port", Value::of(std::int64_t{8080})},
          {"cache.hit", Value::of(random_.chance(0.7))},
          {"queue.wait_ms", Value::of(random_.log_normal(2, 0.6))},
      };
      if (i % 2 == 1) attributes.push_back({"db.system", Value::of("postgresql"sv)});
      if (i % 3 == 0)
        attributes.push_back({"retry.count", Value::of(static_cast<std::int64_t>(random_.below(3)))});
      Span span;
      span.trace_id = trace_id;
      span.span_id = random_id<SpanId>(random_);
      span.parent_id = parent;
      span.name = arena.copy(fmt::format("{} {}", method, resource));
      span.kind = i == 0 ? SpanKind::server : i % 2 == 1 ? SpanKind::client : SpanKind::internal;
      span.status = status >= 500 ? SpanStatus::error : SpanStatus::unset;
      span.flags = 1;
      span.start_ns = static_cast<std::uint64_t>(start_ns);
      span.end_ns = static_cast<std::uint64_t>(start_ns + length_ns);
      span.resource = static_cast<std::uint32_t>(i);
      span.attributes = arena.copy(std::span<const Attribute>(attributes));
      batch.spans.push_back(span);
      parent = span.span_id;
      start_ns += length_ns / 10;
      length_ns = length_ns * 7 / 10;
    }
  }
  ++made_;
}

void otlp_logs_of(const LogBatch& batch, wire::OtlpLogs& logs) {
  logs.clear();
  logs.scopes.push_back({.name = "bench"});
  for (const LogStream& stream : batch.streams) {
    const std::span<const Label> labels = batch.labels_of(stream);
    const std::array<Attribute, 4> attributes{{
        {"service.name", Value::of(labels[0].value)},
        {"k8s.container.name", Value::of(labels[1].value)},
        {"k8s.namespace.name", Value::of(labels[2].value)},
        {"k8s.pod.name", Value::of(labels[3].value)},
    }};
    logs.resources.push_back({.attributes = logs.arena.copy(std::span<const Attribute>(attributes))});
    for (std::uint32_t i = 0; i < stream.entries_count; ++i) {
      const LogEntry& entry = batch.entries[stream.entries_begin + i];
      logs.records.push_back({.time_ns = static_cast<std::uint64_t>(entry.time_ns),
                              .observed_time_ns = static_cast<std::uint64_t>(entry.time_ns),
                              .severity_number = 9,
                              .severity_text = "INFO",
                              .body = Value::of(entry.line),
                              .resource = static_cast<std::uint32_t>(logs.resources.size() - 1)});
    }
  }
}

std::vector<LoadBody> encode_log_load(const LoadOptions& options, LoadProtocol protocol) {
  std::vector<LoadBody> bodies;
  LogLoad load(options);
  LogBatch batch;
  wire::OtlpLogs logs;
  bodies.reserve(load.batches());
  for (std::size_t i = 0; i < load.batches(); ++i) {
    load.next(batch);
    LoadBody body{.rows = batch.entries.size()};
    for (const LogEntry& entry : batch.entries) body.raw_bytes += entry.line.size();
    if (protocol == LoadProtocol::loki) {
      Result<std::string> compressed = compress(Codec::snappy_block, wire::encode_loki_push(batch));
      CHECK(compressed);
      body.bytes = std::move(*compressed);
    } else {
      otlp_logs_of(batch, logs);
      body.bytes = wire::encode_otlp_logs(logs);
    }
    bodies.push_back(std::move(body));
  }
  return bodies;
}

std::vector<LoadBody> encode_span_load(const LoadOptions& options) {
  std::vector<LoadBody> bodies;
  SpanLoad load(options);
  SpanBatch batch;
  bodies.reserve(load.batches());
  for (std::size_t i = 0; i < load.batches(); ++i) {
    load.next(batch);
    std::string bytes = wire::encode_otlp_traces(batch);
    const std::size_t size = bytes.size();
    bodies.push_back({std::move(bytes), batch.spans.size(), size});
  }
  return bodies;
}

}  // namespace weft::app
