#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ingest/derive.h"
#include "ingest/ids.h"
#include "ingest/level.h"
#include "ingest/log_checks.h"
#include "ingest/otlp_logs.h"
#include "ingest/pipeline.h"
#include "text/json_writer.h"
#include "wire/loki_push.h"
#include "wire/otlp.h"

namespace weft::ingest {
namespace {

std::string hex(std::mt19937_64& rng, int digits) {
  std::string out;
  for (int i = 0; i < digits; ++i) out += "0123456789abcdef"[rng() % 16];
  return out;
}

// About 220 bytes each, the mix of forms of a usual cluster.
enum class Kind { json, json_with_ids, logfmt, access, java_with_ids };

std::vector<std::string> lines_of(Kind kind, std::size_t count) {
  std::mt19937_64 rng(7);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) {
    std::string n = std::to_string(rng() % 1'000'000);
    switch (kind) {
      case Kind::json:
        lines.push_back(R"({"time":"2026-11-20T10:15:30.)" + n +
                        R"(Z","level":"INFO","msg":"Payment processed for the customer","amount":99.99,)"
                        R"("currency":"USD","route":"/cart/checkout","duration":"12.031ms","user":"u-)" +
                        n + R"(","client_ip":"10.1.2.3","bytes":)" + n + "}");
        break;
      case Kind::json_with_ids:
        lines.push_back(R"({"time":"2026-11-20T10:15:30.)" + n +
                        R"(Z","level":"INFO","msg":"Processing payment",)" + R"("trace_id":")" +
                        hex(rng, 32) + R"(","span_id":")" + hex(rng, 16) +
                        R"(","trace_sampled":true,"amount":99.99,"currency":"USD","bytes":)" + n + "}");
        break;
      case Kind::logfmt:
        lines.push_back(
            "ts=2026-11-20T10:15:30.123456Z caller=server.go:114 level=info msg=\"request finished in good "
            "time\" method=GET path=/api/v1/items/" +
            n + " status=200 duration=12.031ms bytes=" + n + " client=10.1.2.3:51234 org=fake");
        break;
      case Kind::access:
        lines.push_back(
            "10.1.200.3 - frank [20/Nov/2026:10:15:30 +0000] \"GET /product/" + n +
            "/reviews?page=2&sort=stars HTTP/1.1\" 200 " + n +
            " \"https://shop.example.com/search?q=teapot\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0)\"");
        break;
      case Kind::java_with_ids:
        lines.push_back(
            "2026-11-20T10:15:30.123456Z INFO  [inventory," + hex(rng, 32) + "," + hex(rng, 16) +
            "] 1 --- [exec-3] c.s.inventory.ItemsDao : query finished duration=12.031ms rows=" + n);
        break;
    }
  }
  return lines;
}

void per_line(benchmark::State& state, auto work) {
  auto lines = lines_of(static_cast<Kind>(state.range(0)), 2000);
  std::size_t bytes = 0;
  for (const std::string& l : lines) bytes += l.size();
  for (auto _ : state)
    for (const std::string& line : lines) work(line);
  state.counters["ns/line"] = benchmark::Counter(static_cast<double>(state.iterations()) * 2000e-9,
                                                 benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes/line"] = static_cast<double>(bytes) / 2000;
}

void ids(benchmark::State& state) {
  per_line(state, [](std::string_view line) {
    RowIds ids;
    find_ids_in_line(line, ids);
    benchmark::DoNotOptimize(ids);
  });
}
BENCHMARK(ids)->ArgName("kind")->DenseRange(0, 4);

void level(benchmark::State& state) {
  per_line(state, [](std::string_view line) { benchmark::DoNotOptimize(level_of_line(line)); });
}
BENCHMARK(level)->ArgName("kind")->DenseRange(0, 4);

// A request of 2000 lines in 20 streams from its bytes to what storage gets: decoding, limits,
// levels, ids. `form` 0: protobuf, 1: JSON.
void request(benchmark::State& state) {
  constexpr std::int64_t kNow = 1'795'168'800'000'000'000;
  auto lines = lines_of(static_cast<Kind>(state.range(0)), 2000);
  bool json = state.range(1) != 0;
  LogBatch sent;
  std::string body = R"({"streams":[)";
  for (std::size_t s = 0; s < 20; ++s) {
    sent.streams.push_back({static_cast<std::uint32_t>(sent.labels.size()), 6,
                            static_cast<std::uint32_t>(sent.entries.size()), 100});
    sent.labels.insert(sent.labels.end(), {{"namespace", "production"},
                                           {"app", "payment-service"},
                                           {"pod", sent.arena.copy("payment-7d9f-" + std::to_string(s))},
                                           {"container", "server"},
                                           {"node_name", "node-a"},
                                           {"stream", "stdout"}});
    body += R"({"stream":{"namespace":"production","app":"payment-service","pod":"payment-7d9f-)" +
            std::to_string(s) +
            R"(","container":"server","node_name":"node-a","stream":"stdout"},"values":[)";
    for (std::size_t i = s * 100; i < s * 100 + 100; ++i) {
      sent.entries.push_back({.time_ns = kNow, .line = lines[i]});
      body += "[\"" + std::to_string(kNow) + "\",";
      text::append_json_string(body, lines[i]);
      body += "],";
    }
    body.back() = ']';
    body += "},";
  }
  body.back() = ']';
  body += '}';
  if (!json) body = wire::encode_loki_push(sent);

  LogBatch batch;
  std::vector<wire::RejectedStream> rejected;
  std::vector<std::uint8_t> discovered;
  Refusals refusals;
  Options options;
  for (auto _ : state) {
    batch.clear();
    bool decoded = json ? bool(wire::decode_loki_push_json(body, batch))
                        : bool(wire::decode_loki_push(body, batch, rejected));
    if (!decoded) return state.SkipWithError("cannot be decoded");
    refusals.begin(batch.entries.size());
    normalise_labels(batch, options.service_name_labels, Unlabelled::stays, discovered);
    check_logs(batch, discovered, {options.limits, kNow}, refusals);
    derive_logs(batch, {}, refusals);
    remove_refused(batch, refusals);
    if (batch.entries.size() != 2000) return state.SkipWithError("entries were refused");
  }
  state.counters["ns/line"] = benchmark::Counter(static_cast<double>(state.iterations()) * 2000e-9,
                                                 benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(request)->ArgNames({"kind", "json"})->ArgsProduct({{0, 1, 2, 3, 4}, {0, 1}});

// The same for OTLP: 2000 records of one resource with twelve attributes, three of their own.
void otlp_request(benchmark::State& state) {
  constexpr std::int64_t kNow = 1'795'168'800'000'000'000;
  auto text = [](std::string_view s) { return Value::of(s); };
  const Attribute resource[] = {{"service.name", text("payment-service")},
                                {"service.namespace", text("shop")},
                                {"service.version", text("3.1.7")},
                                {"namespace", text("production")},
                                {"app", text("payment-service")},
                                {"pod", text("payment-7d9f-x2x1a")},
                                {"container", text("server")},
                                {"k8s.namespace.name", text("production")},
                                {"k8s.pod.name", text("payment-7d9f-x2x1a")},
                                {"k8s.node.name", text("node-b")},
                                {"telemetry.sdk.language", text("go")},
                                {"process.pid", Value::of(std::int64_t{1015})}};
  const Attribute attributes[] = {
      {"amount", Value::of(99.99)}, {"currency", text("USD")}, {"attempt", Value::of(std::int64_t{1})}};
  auto lines = lines_of(static_cast<Kind>(state.range(0)), 2000);
  std::mt19937_64 rng(3);
  wire::OtlpLogs sent;
  sent.resources.push_back({resource});
  sent.scopes.push_back({.name = "payments", .version = "1.0"});
  for (const std::string& line : lines)
    sent.records.push_back({.time_ns = std::uint64_t{kNow},
                            .observed_time_ns = std::uint64_t{kNow} + 5,
                            .severity_number = 9,
                            .severity_text = "INFO",
                            .body = text(line),
                            .attributes = attributes,
                            .flags = 1,
                            .trace_id = sent.arena.copy(hex(rng, 16)),
                            .span_id = sent.arena.copy(hex(rng, 8))});
  std::string body = wire::encode_otlp_logs(sent);
  wire::OtlpLogs logs;
  LogBatch batch;
  std::vector<std::uint8_t> discovered;
  Refusals refusals;
  Options options;
  for (auto _ : state) {
    batch.clear();
    logs.clear();
    if (!wire::decode_otlp_logs(body, logs)) return state.SkipWithError("cannot be decoded");
    map_otlp_logs(logs, kNow, options.limits, batch, refusals);
    normalise_labels(batch, options.service_name_labels, Unlabelled::gets_service_name, discovered);
    check_logs(batch, discovered, {options.limits, kNow}, refusals);
    derive_logs(batch, {.names_are_normal = true}, refusals);
    remove_refused(batch, refusals);
    if (batch.entries.size() != 2000) return state.SkipWithError("entries were refused");
  }
  state.counters["ns/line"] = benchmark::Counter(static_cast<double>(state.iterations()) * 2000e-9,
                                                 benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(otlp_request)->ArgName("kind")->Arg(0)->Arg(1);

}  // namespace
}  // namespace weft::ingest
