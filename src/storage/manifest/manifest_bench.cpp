#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "storage/manifest/encoding.h"
#include "storage/manifest/manifest_store.h"
#include "storage/manifest/testing.h"
#include "storage/testing/memory_objects.h"

namespace weft::storage {
namespace {

Manifest manifest_of(std::int64_t blocks) {
  Manifest manifest{.partition = {Signal::logs, 20'000}, .version = 1};
  for (std::int64_t i = 1; i <= blocks; ++i)
    manifest.blocks.push_back(some_block(static_cast<std::uint64_t>(i)));
  manifest.watermarks = {{"node-a", 1'000'000}};
  return manifest;
}

void encode(benchmark::State& state) {
  Manifest manifest = manifest_of(state.range(0));
  std::size_t bytes = 0;
  for (auto _ : state) bytes = encode_manifest(manifest)->size();
  state.counters["bytes_per_block"] = static_cast<double>(bytes) / static_cast<double>(state.range(0));
}
BENCHMARK(encode)->Arg(1)->Arg(40)->Arg(1000);

void decode(benchmark::State& state) {
  Manifest manifest = manifest_of(state.range(0));
  std::string bytes = *encode_manifest(manifest);
  for (auto _ : state) benchmark::DoNotOptimize(decode_manifest(bytes, manifest.partition));
}
BENCHMARK(decode)->Arg(1)->Arg(40)->Arg(1000);

// One commit to one of `range` partitions of 20 blocks each, all in memory: what a commit costs beyond I/O.
void commit(benchmark::State& state) {
  MemoryObjects objects;
  Registry metrics;
  ManifestStore store(objects, {.node = "a"}, metrics);
  std::uint64_t number = 0;
  for (std::int64_t day = 0; day < state.range(0); ++day) {
    Flush flush{.from = 0, .to = 1};
    for (int i = 0; i < 20; ++i) flush.blocks.push_back(some_block(++number));
    if (!store.commit_flush({Signal::logs, static_cast<std::int32_t>(day)}, flush, objects.now_ns()))
      state.SkipWithError("commit failed");
  }
  Lsn from = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(store.commit_flush({Signal::logs, 0}, {.from = from, .to = from + 1}, 0));
    ++from;
  }
}
BENCHMARK(commit)->Arg(1)->Arg(365);

// Which of 365 days x 20 blocks overlap one hour.
void blocks_of_an_hour(benchmark::State& state) {
  MemoryObjects objects;
  Registry metrics;
  ManifestStore store(objects, {.node = "a"}, metrics);
  constexpr std::int64_t kHourNs = 3600 * kNsPerSecond;
  std::uint64_t number = 0;
  for (std::int32_t day = 0; day < 365; ++day) {
    Flush flush{.from = 0, .to = 1};
    for (int i = 0; i < 20; ++i) {
      flush.blocks.push_back(some_block(++number));
      flush.blocks.back().first_ns = day * 24 * kHourNs + i * kHourNs;
      flush.blocks.back().last_ns = flush.blocks.back().first_ns + kHourNs;
    }
    if (!store.commit_flush({Signal::logs, day}, flush, objects.now_ns()))
      state.SkipWithError("commit failed");
  }
  for (auto _ : state) {
    auto view = store.view();
    benchmark::DoNotOptimize(view->blocks(Signal::logs, {200 * 24 * kHourNs, 200 * 24 * kHourNs + kHourNs}));
  }
}
BENCHMARK(blocks_of_an_hour);

}  // namespace
}  // namespace weft::storage
