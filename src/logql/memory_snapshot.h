#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/snapshot.h"

namespace weft::logql {

// A snapshot of a few log lines in memory, for the tests of this module: what storage promises, in
// the most obvious way.
class MemorySnapshot final : public storage::Snapshot {
 public:
  struct Line {
    std::size_t stream = 0;
    std::int64_t time_ns = 0;
    std::string text;
    std::vector<std::pair<std::string, std::string>> metadata;
    std::vector<Label> views;
  };

  // Streams are told apart by their labels' text form.
  void add(const std::vector<std::pair<std::string, std::string>>& labels, std::int64_t time_ns,
           std::string text, std::vector<std::pair<std::string, std::string>> metadata = {}) {
    std::vector<Label> views;
    for (const auto& [name, value] : labels) views.push_back({name, value});
    LabelSet set = LabelSet::from(views);
    std::size_t index = 0;
    while (index < streams_.size() && !(streams_[index]->labels == set)) ++index;
    if (index == streams_.size()) {
      streams_.push_back(std::make_unique<storage::Stream>());
      streams_.back()->labels = std::move(set);
      streams_.back()->hash = streams_.back()->labels.hash();
    }
    lines_.push_back(std::make_unique<Line>(Line{index, time_ns, std::move(text), std::move(metadata), {}}));
    for (const auto& [name, value] : lines_.back()->metadata) lines_.back()->views.push_back({name, value});
  }

  std::vector<const storage::Stream*> streams(const TenantId&, TimeRange range,
                                              std::span<const exec::LabelMatcher> matchers) const override {
    std::vector<const storage::Stream*> out;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      bool used = std::any_of(lines_.begin(), lines_.end(), [&](const auto& line) {
        return line->stream == i && range.contains(line->time_ns);
      });
      if (used && selected(*streams_[i], matchers)) out.push_back(streams_[i].get());
    }
    std::sort(out.begin(), out.end(),
              [](const auto* a, const auto* b) { return a->labels.to_string() < b->labels.to_string(); });
    return out;
  }
  std::vector<storage::StreamStats> stream_stats(
      const TenantId& tenant, TimeRange range, std::span<const exec::LabelMatcher> matchers) const override {
    std::vector<storage::StreamStats> out;
    for (const auto* stream : streams(tenant, range, matchers)) {
      out.push_back({stream, 0, 0});
      for (const auto& line : lines_) {
        if (streams_[line->stream].get() != stream || !range.contains(line->time_ns)) continue;
        ++out.back().rows;
        out.back().bytes += line->text.size();
      }
    }
    return out;
  }
  std::unique_ptr<storage::LogSource> logs(storage::LogScan scan, const exec::Context&) const override {
    auto source = std::make_unique<Source>();
    for (const auto& line : lines_) {
      if (!scan.range.contains(line->time_ns) || !selected(*streams_[line->stream], scan.matchers)) continue;
      if (!scan.ids.empty() && !holds_any(*line, scan.ids)) continue;
      source->rows.push_back(
          {line->time_ns, streams_[line->stream].get(), line->text, line->views, TraceId(), SpanId()});
    }
    auto before = [&](const storage::LogRow& a, const storage::LogRow& b) {
      if (scan.order == storage::Order::any && a.stream != b.stream) return a.stream < b.stream;
      if (a.time_ns != b.time_ns) return a.time_ns < b.time_ns;
      return a.stream->labels.to_string() < b.stream->labels.to_string();
    };
    std::vector<std::size_t> order(source->rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (before(source->rows[a], source->rows[b])) return true;
      return !before(source->rows[b], source->rows[a]) && a < b;
    });
    if (scan.order == storage::Order::backward) std::reverse(order.begin(), order.end());
    std::vector<storage::LogRow> sorted;
    for (std::size_t i : order) sorted.push_back(source->rows[i]);
    source->rows = std::move(sorted);
    source->by_stream = scan.order == storage::Order::any;
    return source;
  }
  bool trace(const TenantId&, const TraceId&, SpanBatch&) const override { return false; }
  std::unique_ptr<storage::TraceSource> traces(storage::TraceScan, const exec::Context&) const override {
    return nullptr;
  }
  std::vector<storage::AttributeKey> attribute_keys(const TenantId&, TimeRange) const override { return {}; }

 private:
  struct Source final : storage::LogSource {
    Result<bool> next(storage::LogRows& out) override {
      out.rows.clear();
      out.arena.clear();
      // Small batches, of one stream when the scan is by stream.
      while (at < rows.size() && out.rows.size() < 3 &&
             (!by_stream || out.rows.empty() || out.rows[0].stream == rows[at].stream)) {
        storage::LogRow row = rows[at++];
        row.line = out.arena.copy(row.line);
        out.rows.push_back(row);
      }
      return !out.rows.empty();
    }
    std::vector<storage::LogRow> rows;
    std::size_t at = 0;
    bool by_stream = false;
  };

  static bool selected(const storage::Stream& stream, std::span<const exec::LabelMatcher> matchers) {
    return std::all_of(matchers.begin(), matchers.end(),
                       [&](const auto& m) { return m.matcher.matches(stream.labels.get(m.name)); });
  }

  // As the index of ids: runs of 32 hex digits, case ignored.
  static bool holds_any(const Line& line, const std::vector<TraceId>& ids) {
    auto holds = [&](std::string text) {
      for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      return std::any_of(ids.begin(), ids.end(),
                         [&](const TraceId& id) { return text.find(to_hex(id)) != text.npos; });
    };
    if (line.text.find("\\u") != line.text.npos || holds(line.text)) return true;
    return std::any_of(line.metadata.begin(), line.metadata.end(),
                       [&](const auto& m) { return holds(m.second); });
  }

  std::vector<std::unique_ptr<storage::Stream>> streams_;
  std::vector<std::unique_ptr<Line>> lines_;
};

}  // namespace weft::logql
