#include "logql/query.h"

#include <string>

#include <benchmark/benchmark.h>

#include "model/time.h"

// Whole queries over 200'000 rows in memory: what evaluation costs a row, without storage.

namespace weft::logql {
namespace {

constexpr std::int64_t kStart = 1'795'168'800 * kNsPerSecond;
constexpr std::size_t kRows = 200'000;
constexpr std::size_t kStreams = 20;

// Rows of twenty streams, half of them JSON and half of them logfmt, ordered as a scan wants them.
class BenchSnapshot final : public storage::Snapshot {
 public:
  BenchSnapshot() {
    for (std::size_t s = 0; s < kStreams; ++s) {
      std::string pod = "payment-7d9f-" + std::to_string(s);
      Label labels[] = {{"app", s % 2 ? "json" : "logfmt"},
                        {"namespace", "production"},
                        {"pod", pod},
                        {"container", "server"},
                        {"level", "info"},
                        {"service_name", "payment"}};
      streams_[s].labels = LabelSet::from(labels);
    }
    lines_.reserve(kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
      bool json = i / (kRows / kStreams) % 2 == 1;
      std::string status = i % 50 == 0 ? "500" : "200", n = std::to_string(i);
      std::string id = "6ed91f2e3af9f30c5a6614773d" + std::to_string(100'000 + i % 900'000);
      lines_.push_back(
          json ? R"({"time":"2026-11-20T10:00:32.137563Z","level":"INFO","msg":"Processing payment )" + n +
                     R"(","trace_id":")" + id + R"(","status":)" + status +
                     R"(,"http":{"method":"GET","route":"/cart"},"amount":113.29,"currency":"EUR"})"
               : "ts=2026-11-20T10:00:32.137563Z level=info msg=\"Processing payment " + n +
                     "\" trace_id=" + id + " status=" + status + " amount=113.29 currency=EUR");
      bytes_ += lines_.back().size();
    }
    for (std::size_t i = 0; i < kRows; ++i)
      rows_.push_back({kStart + static_cast<std::int64_t>(i % (kRows / kStreams)) * 360 * kNsPerMs,
                       &streams_[i / (kRows / kStreams)], lines_[i], metadata_, TraceId(), SpanId()});
  }

  std::size_t bytes() const { return bytes_; }

  std::vector<const storage::Stream*> streams(const TenantId&, TimeRange,
                                              std::span<const exec::LabelMatcher>) const override {
    return {};
  }
  std::vector<storage::StreamStats> stream_stats(const TenantId&, TimeRange,
                                                 std::span<const exec::LabelMatcher>) const override {
    return {};
  }
  std::unique_ptr<storage::LogSource> logs(storage::LogScan scan, const exec::Context&) const override {
    struct Source final : storage::LogSource {
      Result<bool> next(storage::LogRows& out) override {
        out.rows.clear();
        while (at < rows->size() && out.rows.size() < 2048) {
          const storage::LogRow& row = (*rows)[at++];
          if (selected[static_cast<std::size_t>(row.stream - first)]) out.rows.push_back(row);
        }
        return !out.rows.empty();
      }
      const std::vector<storage::LogRow>* rows = nullptr;
      const storage::Stream* first = nullptr;
      bool selected[kStreams] = {};
      std::size_t at = 0;
    };
    auto source = std::make_unique<Source>();
    source->rows = &rows_;
    source->first = streams_;
    for (std::size_t s = 0; s < kStreams; ++s) {
      source->selected[s] = true;
      for (const auto& m : scan.matchers)
        source->selected[s] = source->selected[s] && m.matcher.matches(streams_[s].labels.get(m.name));
    }
    return source;
  }
  bool trace(const TenantId&, const TraceId&, SpanBatch&) const override { return false; }
  std::unique_ptr<storage::TraceSource> traces(storage::TraceScan, const exec::Context&) const override {
    return nullptr;
  }
  std::vector<storage::AttributeKey> attribute_keys(const TenantId&, TimeRange) const override { return {}; }

 private:
  storage::Stream streams_[kStreams];
  Label metadata_[2] = {{"detected_level", "info"}, {"trace_id", "6ed91f2e3af9f30c5a6614773da9d8c0"}};
  std::vector<std::string> lines_;
  std::vector<storage::LogRow> rows_;
  std::size_t bytes_ = 0;
};

void run(benchmark::State& state, const char* text) {
  static const BenchSnapshot data;
  auto query = Query::parse(text);
  if (!query) {
    state.SkipWithError(query.error().message().c_str());
    return;
  }
  Params params;
  params.start_ns = kStart;
  params.end_ns = kStart + 3600 * kNsPerSecond;
  params.step_ns = query->is_log_query() ? 0 : 15 * kNsPerSecond;
  params.series_max = kRows;
  for (auto _ : state) {
    exec::Context context;
    auto answer = evaluate(*query, params, data, context);
    if (!answer) state.SkipWithError(answer.error().message().c_str());
    benchmark::DoNotOptimize(answer);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRows));
}

// Line filters see all rows; the others see the half that is in their format.
BENCHMARK_CAPTURE(run, contains_none, R"({app=~".+"} |= "no such text anywhere")");
BENCHMARK_CAPTURE(run, regexp_with_literal, R"({app=~".+"} |~ "status=7..")");
BENCHMARK_CAPTURE(run, ignoring_case, R"({app=~".+"} |~ "(?i)NO SUCH TEXT")");
BENCHMARK_CAPTURE(run, json_filter, R"({app="json"} | json | status=501)");
BENCHMARK_CAPTURE(run, logfmt_filter, R"({app="logfmt"} | logfmt | status=501)");
BENCHMARK_CAPTURE(run, pattern_filter,
                  R"({app="logfmt"} | pattern "ts=<_> level=<l> msg=\"<m>\"" | l="warn")");
BENCHMARK_CAPTURE(run, count, R"(count_over_time({app=~".+"}[1m]))");
BENCHMARK_CAPTURE(run, sum_rate, R"(sum(rate({app=~".+"}[5m])))");
BENCHMARK_CAPTURE(run, sum_by_stream_label, R"(sum by (pod) (rate({app=~".+"}[5m])))");
BENCHMARK_CAPTURE(run, sum_by_json_field, R"(sum by (status) (rate({app="json"} | json [5m])))");
BENCHMARK_CAPTURE(run, sum_by_logfmt_field, R"(sum by (status) (rate({app="logfmt"} | logfmt [5m])))");
BENCHMARK_CAPTURE(run, quantile,
                  R"(quantile_over_time(0.99, {app="json"} | json | unwrap amount [5m]) by (status))");
BENCHMARK_CAPTURE(run, line_format,
                  R"({app="json"} | json | line_format "{{.status}} {{.msg}}" |= "no such")");

}  // namespace
}  // namespace weft::logql
