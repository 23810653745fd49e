#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "storage/block/span_block_reader.h"
#include "storage/block/span_block_writer.h"

// Blocks of spans shaped like those of the load generator: traces of six spans of six services, 8 to
// 10 attributes, about 320 bytes on the wire, batches of 500.

namespace weft::storage::block {
namespace {

using namespace std::string_view_literals;

constexpr std::array kServices{"gateway"sv, "storefront"sv, "catalog"sv,
                               "cart"sv,    "checkout"sv,   "payments"sv};
constexpr std::array kMethods{"GET"sv, "GET"sv, "GET"sv, "POST"sv, "PUT"sv};
constexpr std::array kStatuses{200, 200, 200, 200, 201, 204, 304, 404, 500, 503};
constexpr std::array kNouns{"orders"sv, "products"sv, "customers"sv, "carts"sv, "prices"sv};
constexpr std::size_t kTracesPerBatch = 83;

struct Load {
  std::mt19937_64 random{42};
  std::lognormal_distribution<double> length{std::log(80e6), 0.7};
  std::lognormal_distribution<double> wait{std::log(2), 0.6};

  template <class Id>
  Id id() {
    Id out;
    for (std::size_t at = 0; at < out.bytes.size(); at += 8) {
      std::uint64_t bits = random() | 1;
      std::memcpy(out.bytes.data() + at, &bits, 8);
    }
    return out;
  }
  template <class T, std::size_t N>
  const T& one_of(const std::array<T, N>& items) {
    return items[random() % N];
  }

  void trace(SpanBatch& batch, std::int64_t start_ns) {
    Arena& arena = batch.arena;
    auto trace_id = id<TraceId>();
    auto length_ns = static_cast<std::int64_t>(length(random));
    SpanId parent;
    for (std::size_t i = 0; i < kServices.size(); ++i) {
      std::string method(one_of(kMethods));
      std::string noun(one_of(kNouns));
      int status = one_of(kStatuses);
      std::string customer = std::to_string(100'000 + random() % 20'000).substr(1);
      std::vector<Attribute> attributes{
          {"http.request.method", Value::of(arena.copy(method))},
          {"http.route", Value::of(arena.copy("/api/" + noun + "/{id}"))},
          {"http.response.status_code", Value::of(std::int64_t{status})},
          {"url.path", Value::of(arena.copy("/api/" + noun + "/" + std::to_string(random() % 100'000)))},
          {"customer.id", Value::of(arena.copy("c-" + customer))},
          {"server.port", Value::of(std::int64_t{8080})},
          {"cache.hit", Value::of(random() % 10 < 7)},
          {"queue.wait_ms", Value::of(wait(random))},
      };
      if (i % 2 == 1) attributes.push_back({"db.system", Value::of("postgresql"sv)});
      if (i % 3 == 0)
        attributes.push_back({"retry.count", Value::of(static_cast<std::int64_t>(random() % 3))});
      Span& span = batch.spans.emplace_back();
      span.trace_id = trace_id;
      span.span_id = id<SpanId>();
      span.parent_id = parent;
      span.name = arena.copy(method + " " + noun);
      span.kind = i == 0 ? SpanKind::server : i % 2 == 1 ? SpanKind::client : SpanKind::internal;
      span.status = status >= 500 ? SpanStatus::error : SpanStatus::unset;
      span.flags = 1;
      span.start_ns = static_cast<std::uint64_t>(start_ns);
      span.end_ns = static_cast<std::uint64_t>(start_ns + length_ns);
      span.resource = static_cast<std::uint32_t>(i);
      span.attributes = arena.copy(std::span<const Attribute>(attributes));
      parent = span.span_id;
      start_ns += length_ns / 10;
      length_ns = length_ns * 7 / 10;
    }
  }
};

// Spread over five minutes.
std::deque<SpanBatch> make_load(std::size_t spans) {
  Load load;
  std::deque<SpanBatch> batches;
  std::size_t traces = spans / kServices.size();
  for (std::size_t t = 0; t < traces; ++t) {
    if (t % kTracesPerBatch == 0) {
      SpanBatch& batch = batches.emplace_back();
      for (std::string_view service : kServices) {
        std::string pod = std::string(service) + "-6f9c7d-0" + std::to_string(batches.size() % 10);
        std::array<Attribute, 4> attributes{{{"service.name", Value::of(service)},
                                             {"service.version", Value::of("2.4.1"sv)},
                                             {"k8s.namespace.name", Value::of("shop"sv)},
                                             {"k8s.pod.name", Value::of(batch.arena.copy(pod))}}};
        batch.resources.push_back({batch.arena.copy(std::span<const Attribute>(attributes)), 0, {}});
      }
      batch.scopes.push_back({.name = "bench", .version = "1.0"});
    }
    std::int64_t offset =
        static_cast<std::int64_t>(300e9 * static_cast<double>(t) / static_cast<double>(traces));
    load.trace(batches.back(), 1'700'000'000'000'000'000 + offset);
  }
  return batches;
}

const std::deque<SpanBatch>& load_of_200k() {
  static const std::deque<SpanBatch> load = make_load(200'000);
  return load;
}

std::string make_block(const std::deque<SpanBatch>& load, SpanBlockWriter::Options options,
                       std::size_t& spans) {
  SpanBlockWriter writer(options);
  for (const SpanBatch& batch : load) writer.add("bench", batch);
  MemoryWriter out;
  auto written = writer.finish(out);
  spans = written->spans;
  return out.take();
}

void write_block(benchmark::State& state) {
  const auto& load = load_of_200k();
  SpanBlockWriter::Options options;
  options.segment_rows = static_cast<std::size_t>(state.range(0));
  std::size_t spans = 0;
  std::size_t bytes = 0;
  for (auto _ : state) bytes = make_block(load, options, spans).size();
  state.counters["bytes/span"] = static_cast<double>(bytes) / static_cast<double>(spans);
  state.counters["s/million"] =
      benchmark::Counter(static_cast<double>(spans) * 1e-6,
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(write_block)->Arg(1024)->Arg(2048)->Arg(4096)->Arg(8192)->Unit(benchmark::kMillisecond);

std::shared_ptr<const SpanBlockReader> make_reader(std::size_t segment_rows) {
  SpanBlockWriter::Options options;
  options.segment_rows = segment_rows;
  std::size_t spans = 0;
  return *SpanBlockReader::open(
      std::make_shared<MemoryBlock>("bench", make_block(load_of_200k(), options, spans)));
}

void read_trace(benchmark::State& state) {
  auto reader = make_reader(static_cast<std::size_t>(state.range(0)));
  const auto& load = load_of_200k();
  std::size_t at = 0;
  SpanBatch out;
  for (auto _ : state) {
    at = (at + 12'347) % (load.size() - 1);
    benchmark::DoNotOptimize(reader->trace("bench", load[at].spans[6 * (at % 50)].trace_id, out));
  }
}
BENCHMARK(read_trace)->Arg(1024)->Arg(4096)->Unit(benchmark::kMicrosecond);

enum ScanKind : std::int64_t { kBare, kOneColumn, kEverything };

void scan_block(benchmark::State& state) {
  auto reader = make_reader(4096);
  TraceScan scan{.tenant = "bench", .range = {0, std::numeric_limits<std::int64_t>::max()}};
  if (state.range(0) >= kOneColumn) scan.columns = {{AttributeScope::span, "http.response.status_code"}};
  scan.all_attributes = state.range(0) == kEverything;
  std::size_t spans = 0;
  for (auto _ : state) {
    exec::Context context;
    auto source = reader->traces(scan, context);
    TraceRows rows;
    while (*source->next(rows)) spans += rows.spans.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(spans));
}
BENCHMARK(scan_block)->Arg(kBare)->Arg(kOneColumn)->Arg(kEverything)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::storage::block
