#include "logql/evaluate/range.h"

#include <algorithm>
#include <unordered_map>

#include "logql/evaluate/plan.h"
#include "logql/evaluate/series_key.h"
#include "logql/evaluate/windows.h"

namespace weft::logql {
namespace {

// Longer ranges and offsets reach beyond every timestamp; the bound keeps sums within 64 bits.
constexpr std::int64_t kSpanMaxNs = std::int64_t{100} * 365 * 86'400 * kNsPerSecond;

struct KeyHash {
  std::size_t operator()(const Hash128& key) const { return key.low; }
};

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return a / b + (a % b > 0 ? 1 : 0);
}

// Which windows a time belongs to. Remembers the answer, since neighbours in time share it.
class WindowFinder {
 public:
  WindowFinder(const StepRange& steps, std::int64_t range_ns) : steps_(steps), range_ns_(range_ns) {}

  // False: none. `time_ns` is shifted by the offset already.
  bool find(std::int64_t time_ns) {
    if (time_ns > low_ && time_ns <= high_) [[likely]]
      return first < last;
    std::int64_t i = ceil_divide(time_ns - steps_.start_ns, steps_.step_ns);
    std::int64_t j = ceil_divide(time_ns + range_ns_ - steps_.start_ns, steps_.step_ns);
    auto upper = [&](std::int64_t k) { return steps_.start_ns + k * steps_.step_ns; };
    low_ = std::max(upper(i - 1), upper(j - 1) - range_ns_);
    high_ = std::min(upper(i), upper(j) - range_ns_);
    auto count = static_cast<std::int64_t>(steps_.count);
    first = static_cast<std::uint32_t>(std::clamp<std::int64_t>(i, 0, count));
    last = static_cast<std::uint32_t>(std::clamp<std::int64_t>(j, 0, count));
    return first < last;
  }

  std::uint32_t first = 0, last = 0;  // steps [first, last)

 private:
  const StepRange& steps_;
  std::int64_t range_ns_;
  std::int64_t low_ = 0, high_ = 0;  // (low, high]
};

Error pipeline_error(const Row& row, OwnedLabels labels) {
  auto set = [&](std::string_view name, std::string_view value) {
    std::erase_if(labels, [&](const auto& label) { return label.first == name; });
    if (!value.empty()) labels.emplace_back(name, value);
  };
  set(kErrorLabel, row.error());
  set(kErrorDetailsLabel, row.error_details());
  std::sort(labels.begin(), labels.end());
  std::vector<Label> views;
  for (const auto& [name, value] : labels) views.push_back({name, value});
  return Error(
      Code::invalid_argument,
      "pipeline error: '" + std::string(row.error()) + "' for series: '" + label_text(views) +
          "'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"" +
          std::string(row.error()) +
          "\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\nThe label "
          "filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n");
}

class RangeEvaluator {
 public:
  RangeEvaluator(const RangeExpr& node, const Grouping* outer, const StepRange& steps, exec::Context& context)
      : node_(node),
        context_(context),
        steps_(steps),
        key_(outer ? outer : (node.grouping ? &*node.grouping : nullptr),
             node.unwrap ? node.unwrap->label : ""),
        unwrap_name_(node.unwrap ? std::string_view(node.unwrap->label) : std::string_view()) {
    kind_.op = node.op;
    kind_.parameter = node.parameter.value_or(0);
    kind_.range_ns = std::min(node.range_ns, kSpanMaxNs);
    kind_.per_second = node.op == RangeOp::rate || node.op == RangeOp::bytes_rate;
    kind_.steps = steps;
    kind_.offset_ns = std::clamp(node.offset_ns, -kSpanMaxNs, kSpanMaxNs);
  }

  Result<StepMatrix> run(const Params& params, const storage::Snapshot& data) {
    WantedLabels wanted;
    key_.want(wanted);
    if (node_.op != RangeOp::absent) {
      if (node_.unwrap) wanted.add(node_.unwrap->label);
    } else {
      wanted.all();
    }
    ScanPlan plan = plan_scan(node_.log, &node_.after_unwrap, wanted);
    std::int64_t first = steps_.start_ns - kind_.offset_ns;
    std::int64_t last = steps_.at(steps_.count - 1) - kind_.offset_ns;
    TimeRange range{first - kind_.range_ns + 1, last + 1};
    if (kind_.range_ns > 0) {
      auto order = needs_order(node_.op) ? storage::Order::forward : storage::Order::any;
      auto source = data.logs(make_scan(node_.log, plan, params, range, order, data), context_);
      TRY(read(*source, plan, params));
    }
    return node_.op == RangeOp::absent ? absent() : finish();
  }

 private:
  struct SeriesState {
    OwnedLabels labels;
    std::unique_ptr<SeriesWindows> windows;
  };

  Result<void> read(storage::LogSource& source, const ScanPlan& plan, const Params& params) {
    WindowFinder finder(steps_, kind_.range_ns);
    storage::LogRows rows;
    Row row;
    row.now_ns = params.now_ns != 0 ? params.now_ns : params.end_ns;
    row.wanted = plan.wants_all ? nullptr : &plan.wanted;
    std::uint64_t matched = 0;
    while (true) {
      TRY(context_.check());
      if (!TRY(source.next(rows))) break;
      for (const storage::LogRow& item : rows.rows) {
        if (!finder.find(item.time_ns + kind_.offset_ns)) continue;  // between two windows
        if (!plan.run(row, item)) continue;
        double value = 1;
        if (node_.op == RangeOp::bytes || node_.op == RangeOp::bytes_rate)
          value = static_cast<double>(row.line.size());
        if (node_.unwrap && !unwrap(row, value)) continue;
        if (row.has_error() && !key_.groups_by_error() && !row.has(preserve_error_))
          return pipeline_error(row, key_.labels(row));
        ++matched;
        SeriesState& series = *TRY(series_of(row));
        series.windows->add(item.time_ns, value, finder.first, finder.last);
      }
      row.release();
      TRY(account());
    }
    context_.stats().rows_matched += matched;
    return {};
  }

  bool unwrap(Row& row, double& value) const {
    if (!node_.unwrap->extract(row, unwrap_name_, value)) return false;
    for (const auto& stage : node_.after_unwrap)
      if (!stage->apply(row)) return false;
    return true;
  }

  Result<SeriesState*> series_of(const Row& row) {
    Hash128 key = node_.op == RangeOp::absent ? Hash128{} : key_.of(row);
    if (current_ != kNone && key == current_key_) [[likely]]
      return &series_[current_];
    auto [found, added] = index_.try_emplace(key, series_.size());
    if (added) {
      SeriesState state{node_.op == RangeOp::absent ? OwnedLabels() : key_.labels(row), make_windows(kind_)};
      // The column that it will become is part of its price.
      std::size_t bytes = steps_.count * 9 + 256;
      for (const auto& [name, value] : state.labels) bytes += name.size() + value.size() + 64;
      TRY(context_.take_memory(bytes, "the query"));
      series_.push_back(std::move(state));
    }
    current_ = found->second;
    current_key_ = key;
    return &series_[current_];
  }

  // What samples need beyond what has been taken; looked at now and then, since it grows slowly.
  Result<void> account() {
    if (++batches_ % 64 != 0) return {};
    std::size_t total = 0;
    for (const SeriesState& series : series_) total += series.windows->bytes();
    if (total <= accounted_) return {};
    std::size_t more = total - accounted_;
    accounted_ = total;
    return context_.take_memory(more, "the query");
  }

  Result<StepMatrix> finish() {
    StepMatrix out;
    out.columns.reserve(series_.size());
    for (SeriesState& series : series_) {
      Column& column = out.columns.emplace_back(std::move(series.labels), steps_.count);
      series.windows->finish(column);
      series.windows.reset();
    }
    TRY(context_.check());
    return out;
  }

  // 1 where the window is empty, under the equality matchers of the selector.
  Result<StepMatrix> absent() {
    Column seen({}, steps_.count);
    if (!series_.empty()) series_[0].windows->finish(seen);
    OwnedLabels labels;
    const auto& matchers = node_.log.matchers;
    for (const auto& matcher : matchers) {
      auto same = std::count_if(matchers.begin(), matchers.end(),
                                [&](const auto& m) { return m.name == matcher.name; });
      if (same == 1 && matcher.matcher.op() == exec::MatchOp::equal && !matcher.matcher.value().empty())
        labels.emplace_back(matcher.name, matcher.matcher.value());
    }
    std::sort(labels.begin(), labels.end());
    StepMatrix out;
    Column& column = out.columns.emplace_back(std::move(labels), steps_.count);
    for (std::size_t step = 0; step < steps_.count; ++step)
      if (!seen.present[step]) column.set(step, 1);
    return out;
  }

  static constexpr std::size_t kNone = ~std::size_t{0};

  const RangeExpr& node_;
  exec::Context& context_;
  const StepRange steps_;
  WindowKind kind_;
  SeriesKey key_;
  Name unwrap_name_;
  Name preserve_error_{kPreserveErrorLabel};
  std::vector<SeriesState> series_;
  std::unordered_map<Hash128, std::size_t, KeyHash> index_;
  std::size_t current_ = kNone;
  Hash128 current_key_;
  std::size_t batches_ = 0;
  std::size_t accounted_ = 0;
};

}  // namespace

bool adds_up(RangeOp op) {
  switch (op) {
    case RangeOp::count:
    case RangeOp::rate:
    case RangeOp::bytes:
    case RangeOp::bytes_rate:
    case RangeOp::sum: return true;
    default: return false;
  }
}

Result<StepMatrix> evaluate_range(const RangeExpr& node, const Grouping* outer, const StepRange& steps,
                                  const Params& params, const storage::Snapshot& data,
                                  exec::Context& context) {
  return RangeEvaluator(node, outer, steps, context).run(params, data);
}

}  // namespace weft::logql
