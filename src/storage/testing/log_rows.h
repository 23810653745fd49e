#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "storage/block/log_metadata.h"
#include "storage/block/log_reader.h"
#include "storage/block/log_writer.h"

// Log rows that own their text, blocks made of them, and what blocks should then say.

namespace weft::storage::block::testing {

struct Row {
  TenantId tenant;
  std::vector<std::pair<std::string, std::string>> labels;
  std::int64_t time_ns = 0;
  std::string line;
  std::vector<std::pair<std::string, std::string>> metadata;
  TraceId trace_id;
  SpanId span_id;
  std::vector<TraceId> ids;
  bool overflow = false;

  auto key() const { return std::tie(tenant, labels, time_ns, line, metadata); }
};

inline std::vector<Label> views(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<Label> out;
  for (const auto& [name, value] : pairs) out.push_back({name, value});
  return out;
}

inline std::string show(const Row& row) {
  std::string text = std::to_string(row.time_ns) + " " + row.line + " ";
  for (const auto& [name, value] : row.metadata) text += name + "=" + value + ",";
  return text + to_hex(row.trace_id) + to_hex(row.span_id);
}

inline std::string show(const LogBlockRows::Row& row) {
  std::string text = std::to_string(row.ref.time_ns) + " " + std::string(row.line) + " ";
  for (const Label& l : row.metadata) text += std::string(l.name) + "=" + std::string(l.value) + ",";
  return text + to_hex(row.trace_id) + to_hex(row.span_id);
}

// Adds all rows to a writer whose text they are.
class Given {
 public:
  explicit Given(std::vector<Row> rows) : rows(std::move(rows)) {}
  void add_to(LogBlockWriter& writer) {
    for (const Row& row : rows) {
      std::string& metadata = encoded_.emplace_back(std::make_unique<std::string>()).operator*();
      append_metadata(views(row.metadata), metadata);
      std::uint32_t stream = writer.add_stream(row.tenant, LabelSet::from(views(row.labels)));
      writer.add({row.time_ns, stream, row.line, metadata, row.trace_id, row.span_id, row.ids, row.overflow});
    }
  }
  std::vector<Row> rows;

 private:
  std::vector<std::unique_ptr<std::string>> encoded_;
};

inline std::string make_block(const std::vector<Row>& rows, const LogBlockOptions& options,
                              LogBlockSummary* summary = nullptr) {
  LogBlockWriter writer(options);
  Given given(rows);
  given.add_to(writer);
  MemoryWriter out;
  auto written = writer.write(out);
  EXPECT_TRUE(written) << written.error().message();
  if (written && summary != nullptr) *summary = *written;
  return out.take();
}

inline Result<std::shared_ptr<const LogBlockReader>> open_block(std::string bytes) {
  return LogBlockReader::open(std::make_shared<MemoryBlock>("b", std::move(bytes)));
}

// All rows of a stream in a range, shown.
inline Result<std::vector<std::string>> read_stream(const LogBlockReader& reader, LogPageCache& cache,
                                                    const LogRowCursor::Options& options,
                                                    std::size_t batch = 7) {
  std::vector<std::string> out;
  LogRowCursor cursor(reader, cache, options);
  std::vector<LogRowRef> refs;
  LogBlockRows rows;
  while (true) {
    TRY(cursor.next(batch, refs));
    if (refs.empty()) return out;
    TRY(reader.fetch(refs, {}, cache, rows));
    for (const LogBlockRows::Row& row : rows.rows) out.push_back(show(row));
  }
}

// Everything in a block, in its order, with streams.
inline Result<std::vector<std::string>> read_block(const LogBlockReader& reader, std::size_t batch = 7) {
  LogPageCache cache;
  std::vector<std::string> out;
  for (std::uint32_t s = 0; s < reader.directory().streams.size(); ++s) {
    const LogBlockStream& stream = reader.directory().streams[s];
    out.push_back(reader.directory().tenants[stream.tenant].id + " " + stream.labels.to_string());
    TimeRange all{stream.oldest_ns, stream.newest_ns + 1};
    for (std::string& row : TRY(read_stream(reader, cache, {.stream = s, .range = all}, batch)))
      out.push_back(std::move(row));
  }
  return out;
}

template <class Id>
Id random_id(std::mt19937_64& random) {
  Id id;
  for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random());
  return id;
}

// Rows of all sorts. `variety` is how many different metadata keys there may be.
inline std::vector<Row> random_rows(std::size_t count, std::mt19937_64& random, std::size_t variety = 6) {
  std::vector<Row> rows;
  std::vector<TraceId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(random_id<TraceId>(random));
  auto one_of = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  while (rows.size() < count) {
    if (!rows.empty() && one_of(12) == 0) {
      rows.push_back(rows[one_of(rows.size())]);  // a duplicate
      continue;
    }
    Row row;
    row.tenant = "tenant" + std::to_string(one_of(3));
    row.labels = {{"app", "a" + std::to_string(one_of(3))},
                  {"service_name", "s" + std::to_string(one_of(2))}};
    row.time_ns = static_cast<std::int64_t>(one_of(40)) * 30'000'000'000 - 300'000'000'000;
    if (one_of(2) == 0) row.trace_id = ids[one_of(ids.size())];
    if (one_of(3) == 0) row.span_id = random_id<SpanId>(random);
    for (std::size_t i = one_of(12); i < 4; ++i) row.ids.push_back(ids[one_of(ids.size())]);
    row.overflow = one_of(100) == 0;
    row.line = "line " + std::to_string(one_of(50));
    switch (one_of(8)) {
      case 0: row.line.clear(); break;
      case 1: row.line += " trace_id=" + to_hex(row.trace_id) + " span " + to_hex(row.span_id); break;
      case 2: row.line = to_hex(ids[0]) + (row.ids.empty() ? "" : to_hex(row.ids[0])); break;
      case 3: row.line.append(one_of(3000), static_cast<char>(one_of(256))); break;
      case 4:
        for (char& c : row.line) c = static_cast<char>(one_of(6));
        row.line += to_hex(row.span_id) + to_hex(row.span_id);
        break;
      default: break;
    }
    std::set<std::string> keys;
    for (std::size_t i = one_of(5); i > 0; --i) {
      std::string key = "k" + std::to_string(one_of(one_of(2) == 0 ? variety : 3));
      if (!keys.insert(key).second) continue;
      std::string value = "v" + std::to_string(one_of(10));
      if (one_of(4) == 0) value = to_hex(row.trace_id);
      if (one_of(9) == 0) value = std::string("\x01\x04", 2);
      if (one_of(9) == 0) value.clear();
      row.metadata.emplace_back(key, value);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// What read_block() shows of a block with these rows.
inline std::map<std::pair<TenantId, std::string>, std::vector<const Row*>> expected_streams(
    const std::vector<Row>& rows) {
  std::map<std::pair<TenantId, std::string>, std::vector<const Row*>> streams;
  std::set<std::decay_t<decltype(rows[0].key())>> seen;
  for (const Row& row : rows)
    if (seen.insert(row.key()).second)
      streams[{row.tenant, LabelSet::from(views(row.labels)).to_string()}].push_back(&row);
  for (auto& [name, of] : streams)
    std::ranges::sort(of, {}, [](const Row* row) { return std::pair(row->time_ns, row); });
  return streams;
}

}  // namespace weft::storage::block::testing
