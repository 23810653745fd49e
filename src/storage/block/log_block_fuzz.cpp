#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "storage/block/format.h"
#include "storage/block/log_metadata.h"
#include "storage/block/log_reader.h"
#include "storage/block/log_writer.h"
#include "storage/block/page.h"

// Any bytes as a block of logs. The first byte says how: as they are; or as changes to the sections of a
// small sound block, each of four bytes (section, place in two, value), after which every hash of the
// container is made good, and those of the pages too if that is asked for. Whatever opens is read
// in every way there is.

namespace weft::storage::block {
namespace {

void read_everything(const LogBlockReader& reader) {
  const LogDirectory& directory = reader.directory();
  LogPageCache cache(1 << 20);
  TraceId id;
  for (auto& byte : id.bytes) byte = 7;
  auto hits = reader.find_ids({&id, 1}, cache);
  LogBlockRows rows;
  std::vector<LogRowRef> refs;
  TimeRange all{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  for (const LogBlockTenant& tenant : directory.tenants) (void)reader.streams(tenant.id, {0, 1000});
  for (std::uint32_t stream = 0; stream < directory.streams.size() && stream < 8; ++stream) {
    for (bool backward : {false, true}) {
      LogRowCursor cursor(
          reader, cache,
          {.stream = stream, .range = all, .backward = backward, .ids = backward && hits ? &*hits : nullptr});
      for (int batch = 0; batch < 4; ++batch) {
        if (!cursor.next(16, refs) || refs.empty()) break;
        if (!reader.fetch(refs, {}, cache, rows)) break;
        CHECK_OR_DIE(rows.rows.size() == refs.size());
        std::size_t bytes = 0;
        for (const LogBlockRows::Row& row : rows.rows) {
          for (char c : row.line) bytes += static_cast<unsigned char>(c);
          for (const Label& label : row.metadata) bytes += label.name.size() + label.value.size();
        }
        [[maybe_unused]] static volatile std::size_t sink;
        sink = bytes;
      }
    }
  }
}

void use(std::string bytes) {
  auto reader = LogBlockReader::open(std::make_shared<MemoryBlock>("fuzzed", std::move(bytes)));
  if (reader) read_everything(**reader);
}

std::string sound_block() {
  LogBlockWriter writer({.group_rows = 9, .page_rows = 4, .page_bytes = 120});
  std::vector<std::unique_ptr<std::string>> texts;
  TraceId id;
  for (auto& byte : id.bytes) byte = 7;
  SpanId span;
  span.bytes[3] = 9;
  for (unsigned i = 0; i < 24; ++i) {
    std::string pod = std::to_string(i % 3);
    Label labels[] = {{"app", "shop"}, {"pod", pod}};
    std::uint32_t stream = writer.add_stream(i % 5 == 0 ? "a" : "b", LabelSet::from(labels));
    texts.push_back(std::make_unique<std::string>("line " + std::to_string(i) + " of trace " + to_hex(id)));
    std::string_view line = *texts.back();
    texts.push_back(std::make_unique<std::string>());
    std::string hex = to_hex(span);
    Label metadata[] = {{"level", "info"}, {i % 4 == 0 ? "span_id" : "user", hex}};
    append_metadata(metadata, *texts.back());
    TraceId other = id;
    other.bytes[0] = static_cast<std::uint8_t>(i % 4);
    writer.add({.time_ns = static_cast<std::int64_t>(i * 37 % 11),
                .stream = stream,
                .line = line,
                .metadata = *texts.back(),
                .trace_id = i % 2 == 0 ? id : TraceId(),
                .span_id = i % 2 == 0 ? span : SpanId(),
                .ids = {&other, 1},
                .ids_overflow = i == 17});
  }
  MemoryWriter out;
  CHECK_OR_DIE(static_cast<bool>(writer.write(out)));
  return out.take();
}

// The sections of the sound block, decompressed.
struct Parts {
  SectionTag tag;
  Section::Form form;
  std::string bytes;
};

std::vector<Parts> sound_parts() {
  std::vector<Parts> out;
  auto file = BlockFile::open(std::make_shared<MemoryBlock>("sound", sound_block()), BlockKind::logs);
  CHECK_OR_DIE(static_cast<bool>(file));
  for (const Section& section : file->sections()) {
    bool whole = section.form == Section::Form::whole;
    auto bytes = whole ? file->whole(section.tag) : file->all_parts(section.tag);
    CHECK_OR_DIE(static_cast<bool>(bytes));
    out.push_back({section.tag, section.form, *bytes});
  }
  return out;
}

// Makes the hashes of pages that follow one another good, as far as their sizes lead.
void mend_pages(std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    auto size = page_bytes(std::string_view(bytes).substr(at));
    if (!size || *size > bytes.size() - at) return;
    auto hash = static_cast<std::uint32_t>(hash64(std::string_view(bytes).substr(at + 4, *size - 4)));
    bytes.replace(at, sizeof hash, reinterpret_cast<const char*>(&hash), sizeof hash);
    at += *size;
  }
}

void use_changed(std::string_view changes, bool mend) {
  static const std::vector<Parts> sound = sound_parts();
  std::vector<Parts> parts = sound;
  for (; changes.size() >= 4; changes.remove_prefix(4)) {
    std::string& bytes = parts[static_cast<unsigned char>(changes[0]) % parts.size()].bytes;
    if (bytes.empty()) continue;
    std::size_t place =
        static_cast<unsigned char>(changes[1]) + 256U * static_cast<unsigned char>(changes[2]);
    bytes[place % bytes.size()] = changes[3];
  }
  MemoryWriter out;
  BlockWriter writer(BlockKind::logs, out);
  for (Parts& part : parts) {
    if (part.form == Section::Form::parts) {
      if (mend) mend_pages(part.bytes);
      writer.begin(part.tag);
      CHECK_OR_DIE(static_cast<bool>(writer.append(part.bytes)));
      writer.end();
    } else {
      CHECK_OR_DIE(static_cast<bool>(writer.add_whole(part.tag, part.bytes)));
    }
  }
  CHECK_OR_DIE(static_cast<bool>(writer.finish({})));
  use(out.take());
}

}  // namespace
}  // namespace weft::storage::block

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::storage::block;
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) {
    use(std::string(bytes));
  } else {
    use_changed(bytes, data[0] % 3 == 1);
  }
  return 0;
}
