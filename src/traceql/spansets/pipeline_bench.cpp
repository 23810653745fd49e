#include "traceql/spansets/pipeline.h"

#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "traceql/query.h"
#include "traceql/syntax/ast.h"

// Cost of a query per span, once the batch is in memory: 2048 spans in traces of 16.

namespace weft::traceql {
namespace {

constexpr std::size_t kSpans = 2048;
constexpr std::size_t kSpansPerTrace = 16;

const char* const kQueries[] = {
    "{ resource.service.name = \"service-3\" }",
    "{ span.http.status_code >= 500 }",
    "{ name =~ \"GET /api/.*\" }",
    "{ duration > 500ms && status = error }",
    "{ .http.status_code = 404 || span.http.method = \"PUT\" }",
    "{ status = error } >> { kind = client }",
    "{ kind = server } | by(resource.service.name) | count() > 2",
};

void fill(const storage::TraceScan& scan, TraceTable& table) {
  static constexpr std::string_view kServices[] = {"service-1", "service-2", "service-3", "service-4",
                                                   "service-5"};
  static constexpr std::string_view kNames[] = {"GET /api/items", "GET /", "SELECT items",
                                                "POST /api/orders"};
  static constexpr std::string_view kMethods[] = {"GET", "POST", "PUT"};
  std::mt19937_64 rng(1);
  storage::TraceRows& rows = table.rows();
  rows.columns.resize(scan.columns.size());
  for (std::uint32_t i = 0; i < kSpans; ++i) {
    std::uint32_t at = i % kSpansPerTrace;
    if (at == 0) rows.traces.push_back({{}, i, kSpansPerTrace});
    Span s;
    s.trace_id.bytes[15] = static_cast<std::uint8_t>(i / kSpansPerTrace);
    s.span_id.bytes[7] = static_cast<std::uint8_t>(at + 1);
    s.parent_id.bytes[7] = static_cast<std::uint8_t>((at + 1) / 2);
    s.name = kNames[rng() % 4];
    s.start_ns = i;
    s.end_ns = i + rng() % 1'000'000'000;
    s.kind = static_cast<SpanKind>(rng() % 6);
    s.status = rng() % 20 == 0 ? SpanStatus::error : SpanStatus::unset;
    rows.spans.push_back(s);
    for (std::size_t c = 0; c < scan.columns.size(); ++c) {
      Value value;
      if (scan.columns[c].key == "service.name") value = Value::of(kServices[i / 4 % 5]);
      if (scan.columns[c].key == "http.status_code")
        value = Value::of(static_cast<std::int64_t>(200 + rng() % 4 * 100));
      if (scan.columns[c].key == "http.method") value = Value::of(kMethods[rng() % 3]);
      rows.columns[c].push_back(value);
    }
  }
}

void run_query(benchmark::State& state) {
  const char* text = kQueries[state.range(0)];
  state.SetLabel(text);
  Query query = *Query::parse(text);
  Slots slots({{storage::AttributeScope::span, "http.method"},
               {storage::AttributeScope::span, "http.status_code"},
               {storage::AttributeScope::resource, "service.name"}});
  PipelineCompiler compiler(slots);
  PipelinePlan plan = *compiler.compile(query.root().pipeline);
  storage::TraceScan scan;
  slots.describe(scan);
  TraceTable table;
  fill(scan, table);
  SpansetRunner runner(slots, table);
  std::vector<Spanset> sets;
  for (auto _ : state) {
    table.derive(slots.needs());
    runner.begin();
    std::size_t matched = 0;
    for (std::size_t t = 0; t < table.rows().traces.size(); ++t) {
      if (!runner.run(plan, t, sets)) state.SkipWithError("failed");
      matched += sets.size();
    }
    benchmark::DoNotOptimize(matched);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kSpans));
}
BENCHMARK(run_query)->DenseRange(0, std::size(kQueries) - 1);

}  // namespace
}  // namespace weft::traceql
