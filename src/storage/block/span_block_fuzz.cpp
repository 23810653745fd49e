#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "storage/block/page.h"
#include "storage/block/span_block_reader.h"
#include "storage/block/span_block_writer.h"
#include "storage/testing/span_samples.h"

// A good block in which the input changes bytes, section by section. Whole sections are written anew,
// with hashes that fit; so are the pages that a change touches. What is left is what our own reading has
// to notice.

namespace weft::storage::block {
namespace {

constexpr SectionTag kTags[] = {kSpanPages,     kTraceTable, kTraceIds,     kTraceIdIndex,
                                kTraceIdFilter, kResources,  kSpanDirectory};

struct Sample {
  std::string bytes[std::size(kTags)];
  bool whole[std::size(kTags)] = {};
};

Sample make_sample() {
  testing::SpanSamples samples(7);
  auto batches = samples.make({.traces = 8, .spans_max = 8, .keys = 6, .large = false});
  SpanBlockWriter writer({.row_group_rows = 20, .segment_rows = 9, .traces_per_page = 3, .slice_rows = 15});
  for (const SpanBatch& batch : batches) writer.add("t", batch);
  MemoryWriter out;
  CHECK_OR_DIE(writer.finish(out));
  auto file = BlockFile::open(std::make_shared<MemoryBlock>("sample", out.take()), BlockKind::spans);
  CHECK_OR_DIE(file);
  Sample sample;
  for (std::size_t i = 0; i < std::size(kTags); ++i) {
    sample.whole[i] = file->find(kTags[i])->form == Section::Form::whole;
    auto bytes = sample.whole[i] ? file->whole(kTags[i]) : file->all_parts(kTags[i]);
    CHECK_OR_DIE(bytes);
    sample.bytes[i] = *bytes;
  }
  return sample;
}

// Makes the hashes of all pages right, as far as there seem to be pages.
void mend_pages(std::string& bytes) {
  for (std::size_t at = 0; at + kPageHeaderBytes <= bytes.size();) {
    auto size = page_bytes(std::string_view(bytes).substr(at));
    if (!size || *size > bytes.size() - at) return;
    auto hash = static_cast<std::uint32_t>(hash64(std::string_view(bytes).substr(at + 4, *size - 4)));
    std::memcpy(bytes.data() + at, &hash, sizeof hash);
    at += *size;
  }
}

void read_everything(std::string block) {
  auto reader = SpanBlockReader::open(std::make_shared<MemoryBlock>("fuzz", std::move(block)));
  if (!reader) return;
  (void)(*reader)->attribute_keys("t");
  for (unsigned i = 0; i < 3; ++i) {
    SpanBatch batch;
    auto found = (*reader)->trace("t", testing::SpanSamples::trace_id(i), batch);
    if (!found || !*found) continue;
    for (const Span& span : batch.spans)
      CHECK_OR_DIE(span.resource < batch.resources.size() && span.scope < batch.scopes.size());
  }
  exec::Context context;
  TraceScan scan{.tenant = "t",
                 .range = {0, std::numeric_limits<std::int64_t>::max()},
                 .columns = {{AttributeScope::span, "key.1"}, {AttributeScope::resource, "service.name"}},
                 .all_attributes = true,
                 .events = true,
                 .links = true};
  auto source = (*reader)->traces(scan, context);
  TraceRows rows;
  for (int batch = 0; batch < 3; ++batch) {
    auto more = source->next(rows);
    if (!more || !*more) return;
    for (const auto& trace : rows.traces) CHECK_OR_DIE(trace.first + trace.count <= rows.spans.size());
    for (const auto& column : rows.columns) CHECK_OR_DIE(column.size() == rows.spans.size());
  }
}

}  // namespace
}  // namespace weft::storage::block

// The input: changes of four bytes each: section, place (two), what to add to the byte there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::storage::block;
  static const Sample sample = make_sample();
  Sample damaged = sample;
  for (; size >= 4; data += 4, size -= 4) {
    std::string& bytes = damaged.bytes[data[0] % std::size(kTags)];
    std::size_t at = (data[1] | static_cast<std::size_t>(data[2]) << 8) % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] + data[3]);
  }
  MemoryWriter out;
  BlockWriter writer(BlockKind::spans, out);
  for (std::size_t i = 0; i < std::size(kTags); ++i) {
    if (damaged.whole[i]) {
      CHECK_OR_DIE(writer.add_whole(kTags[i], damaged.bytes[i]));
      continue;
    }
    mend_pages(damaged.bytes[i]);
    writer.begin(kTags[i]);
    CHECK_OR_DIE(writer.append(damaged.bytes[i]));
    writer.end();
  }
  CHECK_OR_DIE(writer.finish({}));
  read_everything(out.take());
  return 0;
}
