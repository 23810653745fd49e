#include "logql/evaluate/log_query.h"

#include <algorithm>
#include <unordered_map>

#include "logql/evaluate/plan.h"
#include "logql/evaluate/series_key.h"

namespace weft::logql {
namespace {

struct KeyHash {
  std::size_t operator()(const Hash128& key) const { return key.low; }
};

std::string text_of(const OwnedLabels& labels) {
  std::vector<Label> views;
  for (const auto& [name, value] : labels) views.push_back({name, value});
  return label_text(views);
}

class Collector {
 public:
  Collector(const Params& params, exec::Context& context)
      : params_(params), context_(context), key_(SeriesKey::everything()) {}

  bool full() const { return count_ >= params_.limit; }

  // At most one entry in an interval of the answer, whatever its stream.
  bool too_close(std::int64_t time_ns) const {
    if (params_.interval_ns <= 0 || count_ == 0) return false;
    return params_.order == storage::Order::forward ? time_ns < last_ns_ + params_.interval_ns
                                                    : time_ns > last_ns_ - params_.interval_ns;
  }

  Result<void> add(const Row& row) {
    ++count_;
    last_ns_ = row.time_ns;
    ResultStream& stream = stream_of(row);
    Entry entry;
    entry.time_ns = row.time_ns;
    entry.line = row.line;
    std::size_t bytes = sizeof(Entry) + row.line.size();
    if (params_.categorize_labels) {
      for (const RowLabel& label : row.labels()) {
        if (!label.live || label.category == Category::stream) continue;
        OwnedLabels& to = label.category == Category::metadata ? entry.metadata : entry.parsed;
        to.emplace_back(label.name.text, label.value);
        bytes += label.name.text.size() + label.value.size() + 64;
      }
      if (row.has_error()) {
        entry.parsed.emplace_back(kErrorLabel, row.error());
        if (!row.error_details().empty()) entry.parsed.emplace_back(kErrorDetailsLabel, row.error_details());
      }
      std::sort(entry.metadata.begin(), entry.metadata.end());
      std::sort(entry.parsed.begin(), entry.parsed.end());
    }
    stream.entries.push_back(std::move(entry));
    return context_.take_memory(bytes, "the answer");
  }

  Streams finish() {
    std::vector<std::pair<std::string, std::size_t>> order;
    for (std::size_t i = 0; i < streams_.size(); ++i) order.emplace_back(text_of(streams_[i].labels), i);
    std::sort(order.begin(), order.end());
    Streams out;
    for (auto& [text, index] : order) out.streams.push_back(std::move(streams_[index]));
    return out;
  }

 private:
  ResultStream& stream_of(const Row& row) {
    if (params_.categorize_labels && row.stream_intact()) {
      auto [found, added] = by_stream_.try_emplace(row.stream(), streams_.size());
      if (added) streams_.push_back({stream_labels(row), {}});
      return streams_[found->second];
    }
    if (params_.categorize_labels) return by_text(row);
    auto [found, added] = by_key_.try_emplace(key_.of(row), streams_.size());
    if (added) streams_.push_back({key_.labels(row), {}});
    return streams_[found->second];
  }

  static OwnedLabels stream_labels(const Row& row) {
    OwnedLabels out;
    for (const RowLabel& label : row.labels())
      if (label.live && label.category == Category::stream) out.emplace_back(label.name.text, label.value);
    return out;
  }

  // Streams that have lost labels may be equal to one another.
  ResultStream& by_text(const Row& row) {
    OwnedLabels labels = stream_labels(row);
    auto [found, added] = by_text_.try_emplace(text_of(labels), streams_.size());
    if (added) streams_.push_back({std::move(labels), {}});
    return streams_[found->second];
  }

  const Params& params_;
  exec::Context& context_;
  SeriesKey key_;
  std::size_t count_ = 0;
  std::int64_t last_ns_ = 0;
  std::vector<ResultStream> streams_;
  std::unordered_map<Hash128, std::size_t, KeyHash> by_key_;
  std::unordered_map<const storage::Stream*, std::size_t> by_stream_;
  std::unordered_map<std::string, std::size_t> by_text_;
};

}  // namespace

Result<Streams> evaluate_log(const LogExpr& log, const Params& params, const storage::Snapshot& data,
                             exec::Context& context) {
  WantedLabels wanted;
  wanted.all();
  ScanPlan plan = plan_scan(log, nullptr, wanted);
  TimeRange range{params.start_ns, params.end_ns};
  Collector collector(params, context);
  if (range.empty() || collector.full()) return collector.finish();
  storage::Order order = params.order == storage::Order::any ? storage::Order::backward : params.order;
  auto source = data.logs(make_scan(log, plan, params, range, order, data), context);
  storage::LogRows rows;
  Row row;
  row.now_ns = params.now_ns != 0 ? params.now_ns : params.end_ns;
  std::uint64_t matched = 0;
  while (!collector.full()) {
    TRY(context.check());
    if (!TRY(source->next(rows))) break;
    for (const storage::LogRow& item : rows.rows) {
      if (!plan.run(row, item) || collector.too_close(row.time_ns)) continue;
      ++matched;
      TRY(collector.add(row));
      if (collector.full()) break;
    }
    row.release();
  }
  context.stats().rows_matched += matched;
  return collector.finish();
}

}  // namespace weft::logql
