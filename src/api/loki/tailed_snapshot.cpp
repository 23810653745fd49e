#include "api/loki/tailed_snapshot.h"

#include <algorithm>
#include <tuple>

#include "exec/matcher.h"

namespace weft::api::loki {
namespace {

constexpr std::size_t kRowsPerBatch = 2048;

bool selected(const storage::Stream& stream, std::span<const exec::LabelMatcher> matchers) {
  return std::ranges::all_of(
      matchers, [&](const auto& m) { return m.matcher.matches(stream.labels.get(m.name)); });
}

class RowSource final : public storage::LogSource {
 public:
  RowSource(std::vector<storage::LogRow> rows, exec::Stats& stats) : rows_(std::move(rows)), stats_(stats) {}

  Result<bool> next(storage::LogRows& out) override {
    out.rows.clear();
    out.arena.clear();
    std::size_t end = std::min(rows_.size(), next_ + kRowsPerBatch);
    for (; next_ < end; ++next_) {
      stats_.bytes_scanned += rows_[next_].line.size();
      out.rows.push_back(rows_[next_]);
    }
    stats_.rows_scanned += out.rows.size();
    return !out.rows.empty();
  }

 private:
  std::vector<storage::LogRow> rows_;
  exec::Stats& stats_;
  std::size_t next_ = 0;
};

class NoTraces final : public storage::TraceSource {
 public:
  Result<bool> next(storage::TraceRows&) override { return false; }
};

}  // namespace

TailedSnapshot::TailedSnapshot(std::vector<ingest::TailedRowsPointer> pushes) : pushes_(std::move(pushes)) {
  for (const auto& push : pushes_) {
    const LogBatch& batch = push->batch;
    for (const LogStream& s : batch.streams) {
      LabelSet labels = LabelSet::from(batch.labels_of(s));
      auto [found, added] = streams_.try_emplace(labels.to_string());
      storage::Stream& stream = found->second;
      if (added) {
        stream.hash = labels.hash();
        stream.labels = std::move(labels);
      }
      for (const LogEntry& e : std::span(batch.entries).subspan(s.entries_begin, s.entries_count))
        rows_.push_back({e.time_ns, &stream, e.line, batch.metadata_of(e), e.trace_id, e.span_id});
    }
  }
  std::map<const storage::Stream*, std::size_t> rank;
  for (const auto& [text, stream] : streams_) rank.emplace(&stream, rank.size());
  std::vector<std::tuple<std::int64_t, std::size_t, std::size_t>> order;  // (time, stream, arrival)
  for (const auto& row : rows_) order.emplace_back(row.time_ns, rank.at(row.stream), order.size());
  std::ranges::sort(order);
  std::vector<storage::LogRow> sorted;
  sorted.reserve(rows_.size());
  for (const auto& key : order) sorted.push_back(rows_[std::get<2>(key)]);
  rows_ = std::move(sorted);
  auto doubles = std::ranges::unique(rows_, [](const auto& a, const auto& b) {
    return a.time_ns == b.time_ns && a.stream == b.stream && a.line == b.line &&
           std::ranges::equal(a.metadata, b.metadata);
  });
  rows_.erase(doubles.begin(), doubles.end());
}

std::vector<const storage::Stream*> TailedSnapshot::streams(
    const TenantId& tenant, TimeRange range, std::span<const exec::LabelMatcher> matchers) const {
  std::vector<const storage::Stream*> out;
  for (const auto& stats : stream_stats(tenant, range, matchers)) out.push_back(stats.stream);
  return out;
}

std::vector<storage::StreamStats> TailedSnapshot::stream_stats(
    const TenantId&, TimeRange range, std::span<const exec::LabelMatcher> matchers) const {
  std::map<const storage::Stream*, storage::StreamStats> found;
  for (const auto& row : rows_) {
    if (!range.contains(row.time_ns)) continue;
    auto& stats = found[row.stream];
    ++stats.rows;
    stats.bytes += row.line.size();
  }
  std::vector<storage::StreamStats> out;
  for (const auto& [text, stream] : streams_) {
    auto stats = found.find(&stream);
    if (stats == found.end() || !selected(stream, matchers)) continue;
    out.push_back({&stream, stats->second.rows, stats->second.bytes});
  }
  return out;
}

std::unique_ptr<storage::LogSource> TailedSnapshot::logs(storage::LogScan scan,
                                                         const exec::Context& context) const {
  std::map<const storage::Stream*, bool> wanted;
  for (const auto& [text, stream] : streams_) wanted.emplace(&stream, selected(stream, scan.matchers));
  std::vector<storage::LogRow> rows;
  for (const auto& row : rows_)
    if (scan.range.contains(row.time_ns) && wanted.at(row.stream)) rows.push_back(row);
  if (scan.order == storage::Order::backward) std::ranges::reverse(rows);
  if (scan.order == storage::Order::any) {
    std::map<const storage::Stream*, std::vector<storage::LogRow>> by_stream;
    for (const auto& row : rows) by_stream[row.stream].push_back(row);
    rows.clear();
    for (const auto& [stream, of_stream] : by_stream) rows.insert(rows.end(), of_stream.begin(), of_stream.end());
  }
  return std::make_unique<RowSource>(std::move(rows), context.stats());
}

bool TailedSnapshot::trace(const TenantId&, const TraceId&, SpanBatch&) const {
  return false;
}

std::unique_ptr<storage::TraceSource> TailedSnapshot::traces(storage::TraceScan, const exec::Context&) const {
  return std::make_unique<NoTraces>();
}

std::vector<storage::AttributeKey> TailedSnapshot::attribute_keys(const TenantId&, TimeRange) const {
  return {};
}

}  // namespace weft::api::loki
