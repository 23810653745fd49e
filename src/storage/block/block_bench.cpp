#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/hash.h"
#include "storage/block/bit_packing.h"
#include "storage/block/bitmap.h"
#include "storage/block/bloom.h"
#include "storage/block/encoding_integer.h"
#include "storage/block/encoding_string.h"
#include "storage/block/id_dictionary.h"

// What reading and writing one page of 8192 values costs. items_per_second are values (keys, ids).

namespace weft::storage::block {
namespace {

constexpr std::size_t kValues = kPageValuesMax;

template <class T>
void unpack_values(benchmark::State& state) {
  auto width = static_cast<unsigned>(state.range(0));
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> values(kValues);
  for (auto& value : values) value = random() >> (64 - width);
  std::string packed;
  pack(values.data(), values.size(), width, packed);
  std::vector<T> out(kValues);
  for (auto _ : state) {
    unpack(packed.data(), kValues, width, T{7}, out.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kValues) * state.iterations());
}
BENCHMARK(unpack_values<std::uint32_t>)->Arg(1)->Arg(6)->Arg(13)->Arg(32);
BENCHMARK(unpack_values<std::uint64_t>)->Arg(6)->Arg(20)->Arg(40);

void pack_values(benchmark::State& state) {
  auto width = static_cast<unsigned>(state.range(0));
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> values(kValues);
  for (auto& value : values) value = random() >> (64 - width);
  std::string packed;
  for (auto _ : state) {
    packed.clear();
    pack(values.data(), values.size(), width, packed);
    benchmark::DoNotOptimize(packed.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kValues) * state.iterations());
}
BENCHMARK(pack_values)->Arg(6)->Arg(20)->Arg(40);

std::vector<std::int64_t> integers_of(std::int64_t shape) {
  std::mt19937_64 random(2);
  std::vector<std::int64_t> values(kValues);
  for (std::size_t i = 0; i < kValues; ++i) {
    auto row = static_cast<std::int64_t>(i);
    auto noise = static_cast<std::int64_t>(random() % 1'000'000);
    values[i] = shape == 0 ? noise : shape == 1 ? row * 10'000'000 + noise : row / 50 * 7919 % 1000;
  }
  return values;
}

const char* name_of(std::int64_t shape) {
  return shape == 0 ? "frame_of_reference" : shape == 1 ? "delta" : "run_length";
}

void encode_integer_page(benchmark::State& state) {
  std::vector<std::int64_t> values = integers_of(state.range(0));
  std::string page;
  for (auto _ : state) {
    page.clear();
    encode_integers(values, page);
    benchmark::DoNotOptimize(page.data());
  }
  state.SetLabel(name_of(state.range(0)));
  state.SetItemsProcessed(static_cast<std::int64_t>(kValues) * state.iterations());
}
BENCHMARK(encode_integer_page)->DenseRange(0, 2);

void decode_integer_page(benchmark::State& state) {
  std::string page;
  encode_integers(integers_of(state.range(0)), page);
  Zstd zstd;
  PageBuffer buffer;
  std::vector<std::int64_t> out;
  for (auto _ : state) {
    out.clear();
    std::string_view bytes = page;
    if (!decode_integers(*take_page(bytes, zstd, buffer), out)) state.SkipWithError("corrupted");
    benchmark::DoNotOptimize(out.data());
  }
  state.SetLabel(name_of(state.range(0)));
  state.SetItemsProcessed(static_cast<std::int64_t>(kValues) * state.iterations());
}
BENCHMARK(decode_integer_page)->DenseRange(0, 2);

// Pages as logs have them: a label of 50 values, and bodies of about 30 bytes (what fits 256 KiB).
std::vector<std::string> strings_of(bool bodies) {
  std::mt19937_64 random(3);
  std::vector<std::string> values;
  for (std::size_t i = 0; i < kValues; ++i) {
    values.push_back(bodies ? "GET /api/orders/" + std::to_string(random() % 100'000) + " took " +
                                  std::to_string(random() % 900) + " ms"
                            : "checkout-service-" + std::to_string(random() % 50));
  }
  return values;
}

void encode_string_page(benchmark::State& state) {
  std::vector<std::string> values = strings_of(state.range(0) != 0);
  std::vector<std::string_view> views(values.begin(), values.end());
  views.resize(strings_in_page(views));
  std::size_t bytes = 0;
  for (std::string_view value : views) bytes += value.size();
  Zstd zstd;
  StringEncoder encoder(zstd);
  std::string page;
  for (auto _ : state) {
    page.clear();
    if (!encoder.encode(views, page)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(page.data());
  }
  state.SetLabel((state.range(0) != 0 ? "strings, " : "dictionary, ") + std::to_string(bytes) + " -> " +
                 std::to_string(page.size()));
  state.SetItemsProcessed(static_cast<std::int64_t>(views.size()) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}
BENCHMARK(encode_string_page)->Arg(0)->Arg(1);

void decode_string_page(benchmark::State& state) {
  std::vector<std::string> values = strings_of(state.range(0) != 0);
  std::vector<std::string_view> views(values.begin(), values.end());
  views.resize(strings_in_page(views));
  std::size_t size = 0;
  for (std::string_view value : views) size += value.size();
  Zstd zstd;
  StringEncoder encoder(zstd);
  std::string page;
  if (!encoder.encode(views, page)) state.SkipWithError("refused");
  StringPage decoded;
  for (auto _ : state) {
    std::string_view bytes = page;
    if (!decoded.decode(bytes, zstd)) state.SkipWithError("corrupted");
    benchmark::DoNotOptimize(&decoded);
  }
  state.SetLabel(state.range(0) != 0 ? "strings" : "dictionary");
  state.SetItemsProcessed(static_cast<std::int64_t>(views.size()) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
}
BENCHMARK(decode_string_page)->Arg(0)->Arg(1);

// Filters in the second-level cache, and larger than any; no key comes twice.
constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15ULL;

void bloom_insert(benchmark::State& state) {
  BloomBuilder builder(static_cast<std::size_t>(state.range(0)));
  std::uint64_t hash = 0;
  for (auto _ : state) builder.insert(hash += kSpread);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(bloom_insert)->Arg(100'000)->Arg(50'000'000);

void bloom_probe(benchmark::State& state) {
  auto keys = static_cast<std::size_t>(state.range(0));
  BloomBuilder builder(keys);
  std::mt19937_64 random(5);
  for (std::size_t i = 0; i < keys; ++i) builder.insert(random());
  std::string bytes;
  builder.append_to(bytes);
  BloomFilter filter = *BloomFilter::open(bytes);
  std::uint64_t hash = 0;
  std::size_t found = 0;
  for (auto _ : state) found += static_cast<std::size_t>(filter.may_contain(hash += kSpread));
  state.SetItemsProcessed(state.iterations());
  state.counters["found_per_mille"] =
      1000.0 * static_cast<double>(found) / static_cast<double>(state.iterations());
}
BENCHMARK(bloom_probe)->Arg(100'000)->Arg(50'000'000);

void find_id(benchmark::State& state) {
  std::mt19937_64 random(6);
  std::vector<TraceId> ids(1'000'000);
  for (TraceId& id : ids)
    for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random());
  std::ranges::sort(ids);
  IdDictionaryWriter writer;
  std::string pages;
  for (std::uint32_t i = 0; i < ids.size(); ++i)
    if (!writer.add(ids[i], {{i / 100}}, pages)) state.SkipWithError("refused");
  if (!writer.finish(pages)) state.SkipWithError("refused");
  std::string index = writer.index();
  IdDictionary dictionary = *IdDictionary::open(pages, index);
  std::vector<std::uint32_t> postings;
  for (auto _ : state) benchmark::DoNotOptimize(dictionary.find(ids[random() % ids.size()], &postings));
  state.SetLabel(std::to_string(pages.size() + index.size()) + " bytes for 1 M ids");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(find_id);

}  // namespace
}  // namespace weft::storage::block
