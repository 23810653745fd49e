#include "logql/evaluate/vector.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace weft::logql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

OwnedLabels group_labels(const OwnedLabels& labels, const std::optional<Grouping>& grouping) {
  OwnedLabels out;
  if (!grouping) return out;
  for (const auto& label : labels) {
    bool named =
        std::find(grouping->names.begin(), grouping->names.end(), label.first) != grouping->names.end();
    if (named != grouping->without) out.push_back(label);
  }
  return out;
}

// The columns of each group, groups in the order of their labels.
std::map<OwnedLabels, std::vector<std::size_t>> groups_of(const AggregateExpr& node,
                                                          const StepMatrix& input) {
  std::map<OwnedLabels, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < input.columns.size(); ++i)
    groups[group_labels(input.columns[i].labels, node.grouping)].push_back(i);
  return groups;
}

// The value of one group at one step. Requires values.
double fold(VectorOp op, const std::vector<double>& values) {
  auto count = static_cast<double>(values.size());
  switch (op) {
    case VectorOp::sum: {
      double sum = 0;
      for (double v : values) sum += v;
      return sum;
    }
    case VectorOp::avg: {
      // 80 bits have the range that the sum of the largest doubles needs.
      long double sum = 0;
      for (double v : values) sum += v;
      return static_cast<double>(sum / static_cast<long double>(count));
    }
    case VectorOp::count: return count;
    case VectorOp::min:
    case VectorOp::max: {
      double best = values[0];
      for (double v : values)
        if (std::isnan(best) || (op == VectorOp::max ? v > best : v < best)) best = v;
      return best;
    }
    case VectorOp::stddev:
    case VectorOp::stdvar: {
      double mean = 0, squares = 0, n = 0;
      for (double v : values) {
        n += 1;
        double delta = v - mean;
        mean += delta / n;
        squares += delta * (v - mean);
      }
      return op == VectorOp::stdvar ? squares / n : std::sqrt(squares / n);
    }
    default: return kNan;
  }
}

// True when `a` comes before `b` in topk (bottomk): NaN loses to every number.
bool better(bool top, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  return top ? a > b : a < b;
}

// topk and bottomk keep series, a choice at every step.
StepMatrix choose(const AggregateExpr& node, StepMatrix input, const StepRange& steps) {
  bool top = node.op != VectorOp::bottomk;
  auto k = static_cast<std::size_t>(std::min(node.parameter.value_or(0), 1e9));
  StepMatrix out;
  for (const auto& [labels, members] : groups_of(node, input)) {
    std::vector<std::vector<std::uint8_t>> chosen(members.size(), std::vector<std::uint8_t>(steps.count));
    std::vector<std::size_t> order;
    for (std::size_t step = 0; step < steps.count; ++step) {
      order.clear();
      for (std::size_t m = 0; m < members.size(); ++m)
        if (input.columns[members[m]].present[step]) order.push_back(m);
      auto value = [&](std::size_t m) { return input.columns[members[m]].values[step]; };
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (better(top, value(a), value(b))) return true;
        return !better(top, value(b), value(a)) && a < b;
      });
      for (std::size_t i = 0; i < std::min(k, order.size()); ++i) chosen[order[i]][step] = 1;
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
      Column& column = input.columns[members[m]];
      column.present = std::move(chosen[m]);
      if (!column.empty()) out.columns.push_back(std::move(column));
    }
  }
  return out;
}

// Orders the columns by their value at the first step, NaN last, equal ones by their labels.
StepMatrix sorted(StepMatrix input, bool descending) {
  std::sort(input.columns.begin(), input.columns.end(), [&](const Column& a, const Column& b) {
    if (a.present[0] != b.present[0]) return a.present[0] > b.present[0];
    if (better(descending, a.values[0], b.values[0])) return true;
    return !better(descending, b.values[0], a.values[0]) && a.labels < b.labels;
  });
  return input;
}

}  // namespace

StepMatrix aggregate(const AggregateExpr& node, StepMatrix input, const StepRange& steps) {
  switch (node.op) {
    case VectorOp::topk:
    case VectorOp::bottomk:
    case VectorOp::approx_topk: return choose(node, std::move(input), steps);
    case VectorOp::sort: return sorted(std::move(input), false);
    case VectorOp::sort_desc: return sorted(std::move(input), true);
    default: break;
  }
  StepMatrix out;
  std::vector<double> values;
  for (const auto& [labels, members] : groups_of(node, input)) {
    Column& column = out.columns.emplace_back(labels, steps.count);
    for (std::size_t step = 0; step < steps.count; ++step) {
      values.clear();
      for (std::size_t m : members)
        if (input.columns[m].present[step]) values.push_back(input.columns[m].values[step]);
      if (!values.empty()) column.set(step, fold(node.op, values));
    }
  }
  return out;
}

StepMatrix replace_labels(const LabelReplaceExpr& node, StepMatrix input) {
  for (Column& column : input.columns) {
    auto find = [&](const std::string& name) {
      return std::find_if(column.labels.begin(), column.labels.end(),
                          [&](const auto& l) { return l.first == name; });
    };
    auto source = find(node.source);
    std::string text = source == column.labels.end() ? "" : source->second;
    if (!node.regexp.matches(text)) continue;
    std::string value = node.regexp.replace_all(text, node.replacement);
    auto target = find(node.target);
    if (target != column.labels.end()) column.labels.erase(target);
    if (value.empty()) continue;
    column.labels.emplace_back(node.target, std::move(value));
    std::sort(column.labels.begin(), column.labels.end());
  }
  return input;
}

}  // namespace weft::logql
