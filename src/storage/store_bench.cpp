#include "storage/store.h"

#include <future>
#include <random>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "storage/read/cut.h"

// The store's share of a request: everything but decoding. Requests of 500 log rows (220 bytes, a
// label set of 10 streams, two metadata labels that repeat and, in every second row, a trace) and of
// 500 spans (9 attributes, 8 spans a trace).

namespace weft::storage {
namespace {

constexpr std::size_t kRows = 500;

class Files {
 public:
  Files() : path_("/tmp/weft-store-bench-" + std::to_string(::getpid())) {}
  ~Files() {
    if (auto names = files.list(path_))
      for (const std::string& name : *names) (void)files.remove(path_ + "/" + name);
    (void)::rmdir(path_.c_str());
  }
  std::unique_ptr<Store> open(Durability durability = Durability::interval) {
    return *Store::open({.path = path_, .durability = durability}, files, clock_, metrics_);
  }
  PosixFileSystem files;

 private:
  std::string path_;
  SystemClock clock_;
  Registry metrics_;
};

void fill(LogBatch& batch, std::mt19937_64& random) {
  batch.clear();
  static constexpr std::string_view kPods[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"};
  static const std::string line(220, 'x');
  for (std::uint32_t s = 0; s < 10; ++s) {
    auto& stream = batch.streams.emplace_back();
    stream.labels_begin = static_cast<std::uint32_t>(batch.labels.size());
    stream.labels_count = 3;
    batch.labels.insert(batch.labels.end(), {{"app", "shop"}, {"namespace", "prod"}, {"pod", kPods[s]}});
    stream.entries_begin = static_cast<std::uint32_t>(batch.entries.size());
    stream.entries_count = kRows / 10;
    for (std::uint32_t i = 0; i < kRows / 10; ++i) {
      LogEntry& entry = batch.entries.emplace_back();
      entry.time_ns = static_cast<std::int64_t>(i);
      entry.line = line;
      entry.metadata_begin = static_cast<std::uint32_t>(batch.metadata.size());
      entry.metadata_count = 2;
      batch.metadata.insert(batch.metadata.end(), {{"detected_level", "info"}, {"container", "web"}});
      if (i % 2 == 1) continue;
      std::uint64_t bits[2] = {random(), random()};
      std::memcpy(entry.trace_id.bytes.data(), bits, 16);
      entry.ids_begin = static_cast<std::uint32_t>(batch.candidate_ids.size());
      entry.ids_count = 1;
      batch.candidate_ids.push_back(entry.trace_id);
    }
  }
}

void fill(SpanBatch& batch, std::mt19937_64& random) {
  batch.clear();
  static constexpr std::string_view kKeys[] = {
      "http.request.method", "http.route", "http.response.status_code", "server.address",
      "server.port",         "url.scheme", "user_agent.original",       "network.protocol.version",
      "client.address"};
  auto resource = batch.arena.allocate_array<Attribute>(2);
  resource[0] = {"service.name", Value::of(std::string_view("checkout"))};
  resource[1] = {"k8s.pod.name", Value::of(std::string_view("checkout-1"))};
  batch.resources.push_back({resource, 0, {}});
  batch.scopes.push_back({"scope", "1", {}, 0, {}});
  TraceId id;
  for (std::size_t i = 0; i < kRows; ++i) {
    Span span;
    if (i % 8 == 0) {
      std::uint64_t bits[2] = {random(), random()};
      std::memcpy(id.bytes.data(), bits, 16);
    }
    std::uint64_t bits = random();
    std::memcpy(span.span_id.bytes.data(), &bits, 8);
    span.trace_id = id;
    span.name = "GET /api/cart";
    span.start_ns = i;
    span.end_ns = i + 1000;
    auto attributes = batch.arena.allocate_array<Attribute>(9);
    for (std::size_t k = 0; k < 9; ++k) attributes[k] = {kKeys[k], Value::of(std::string_view("value"))};
    attributes[2].value = Value::of(std::int64_t{200});
    attributes[4].value = Value::of(static_cast<std::int64_t>(random() % 60'000));
    attributes[8].value = Value::of(batch.arena.copy("10.1.2." + std::to_string(random() % 100'000)));
    span.attributes = attributes;
    batch.spans.push_back(span);
  }
}

template <class Batch>
void append(benchmark::State& state) {
  Files files;
  auto store = files.open();
  std::mt19937_64 random(1);
  Batch batch;
  std::string body(30'000, 'b');
  Frame frame{.tenant = "t", .encoding = Codec::snappy_block, .body = body};
  for (auto _ : state) {
    state.PauseTiming();
    fill(batch, random);
    state.ResumeTiming();
    store->append(frame, batch, [](const Result<void>&) {});
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
  state.counters["ns/row"] = benchmark::Counter(static_cast<double>(state.iterations() * kRows),
                                                benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(append<LogBatch>)->Name("append/logs")->Iterations(2000)->MeasureProcessCPUTime();
BENCHMARK(append<SpanBatch>)->Name("append/spans")->Iterations(1000)->MeasureProcessCPUTime();

// One client that waits for each answer: what a sync costs on this disk.
void acknowledge(benchmark::State& state) {
  Files files;
  auto store = files.open(Durability::sync);
  std::mt19937_64 random(1);
  LogBatch batch;
  fill(batch, random);
  std::string body(30'000, 'b');
  Frame frame{.tenant = "t", .encoding = Codec::snappy_block, .body = body};
  for (auto _ : state) {
    std::promise<bool> answer;
    store->append(frame, batch, [&](const Result<void>& result) { answer.set_value(bool(result)); });
    if (!answer.get_future().get()) return state.SkipWithError("not stored");
  }
}
BENCHMARK(acknowledge)->Iterations(500)->UseRealTime();

template <class Head>
double bytes_a_row(std::size_t requests) {
  Head head;
  std::mt19937_64 random(1);
  StreamTable table;
  std::uint32_t tenant = table.tenant("t");
  for (std::size_t i = 0; i < requests; ++i) {
    if constexpr (std::is_same_v<Head, LogHead>) {
      LogBatch batch;
      fill(batch, random);
      std::vector<StreamPtr> streams;
      for (const LogStream& s : batch.streams) streams.push_back(table.intern(tenant, batch.labels_of(s)));
      head.append(streams, batch, 0);
    } else {
      SpanBatch batch;
      fill(batch, random);
      head.append(tenant, batch, 0);
    }
  }
  return static_cast<double>(head.memory_bytes()) / static_cast<double>(head.rows());
}

void memory(benchmark::State& state) {
  for (auto _ : state) {
    state.counters["bytes/log row"] = bytes_a_row<LogHead>(400);
    state.counters["bytes/span"] = bytes_a_row<SpanHead>(400);
  }
}
BENCHMARK(memory)->Iterations(1);

// Rows a second of a whole scan by one thread, and of the newest thousand.
void scan(benchmark::State& state) {
  Files files;
  auto store = files.open();
  std::mt19937_64 random(1);
  LogBatch batch;
  for (int i = 0; i < 1000; ++i) {
    fill(batch, random);
    for (LogEntry& entry : batch.entries) entry.time_ns += i * 1000;
    store->append({.tenant = "t"}, batch, [](const Result<void>&) {});
  }
  if (!store->close()) return state.SkipWithError("not stored");
  auto snapshot = store->snapshot();
  auto order = static_cast<Order>(state.range(0));
  std::size_t rows_seen = 0;
  for (auto _ : state) {
    exec::Context context;
    auto source =
        snapshot->logs({.tenant = "t", .range = {0, std::int64_t{1} << 60}, .order = order}, context);
    LogRows rows;
    while (*source->next(rows)) {
      for (const LogRow& row : rows.rows) benchmark::DoNotOptimize(row.line.size());
      rows_seen += rows.rows.size();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(rows_seen));
}
BENCHMARK(scan)->Arg(static_cast<int>(Order::any))->Arg(static_cast<int>(Order::backward));

void scan_traces(benchmark::State& state) {
  Files files;
  auto store = files.open();
  std::mt19937_64 random(1);
  SpanBatch batch;
  for (int i = 0; i < 400; ++i) {
    fill(batch, random);
    store->append({.tenant = "t"}, batch, [](const Result<void>&) {});
  }
  if (!store->close()) return state.SkipWithError("not stored");
  auto snapshot = store->snapshot();
  std::size_t spans = 0;
  for (auto _ : state) {
    exec::Context context;
    auto source = snapshot->traces(
        {.tenant = "t",
         .range = {0, std::int64_t{1} << 60},
         .columns = {{AttributeScope::span, "http.route"}, {AttributeScope::resource, "service.name"}}},
        context);
    TraceRows rows;
    while (*source->next(rows)) spans += rows.spans.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(spans));
}
BENCHMARK(scan_traces);

void recover(benchmark::State& state) {
  Files files;
  std::mt19937_64 random(1);
  LogBatch batch;
  fill(batch, random);
  std::string body(30'000, 'b');
  {
    auto store = files.open();
    for (int i = 0; i < 2000; ++i)
      store->append({.tenant = "t", .encoding = Codec::snappy_block, .body = body}, batch,
                    [](const Result<void>&) {});
  }
  for (auto _ : state) {
    auto store = files.open();
    auto report = store->recover([&](const Frame&) -> Result<void> {
      store->replay_logs("t", batch);
      return {};
    });
    state.SetBytesProcessed(static_cast<std::int64_t>(report->rows * 220));
  }
}
BENCHMARK(recover)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::storage
