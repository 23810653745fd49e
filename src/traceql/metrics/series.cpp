#include "traceql/metrics/series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "model/time.h"

namespace weft::traceql {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::strong_ordering order(const TypedValue& a, const TypedValue& b) {
  if (a.type != b.type) return a.type <=> b.type;
  switch (a.type) {
    case TypedValue::Type::nil: return std::strong_ordering::equal;
    case TypedValue::Type::string: return a.text <=> b.text;
    case TypedValue::Type::integer: return a.integer <=> b.integer;
    case TypedValue::Type::boolean: return a.boolean <=> b.boolean;
    case TypedValue::Type::number: return std::strong_order(a.number, b.number);
  }
  return std::strong_ordering::equal;
}

std::strong_ordering order(const TypedAttributes& a, const TypedAttributes& b) {
  if (a.size() != b.size()) return a.size() <=> b.size();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (auto by_key = a[i].first <=> b[i].first; by_key != 0) return by_key;
    if (auto by_value = order(a[i].second, b[i].second); by_value != 0) return by_value;
  }
  return std::strong_ordering::equal;
}

void drop_empty(std::vector<Series>& series) {
  std::erase_if(series, [](const Series& s) {
    return std::all_of(s.values.begin(), s.values.end(), [](double v) { return std::isnan(v); });
  });
}

bool holds(Op op, double a, double b) {
  switch (op) {
    case Op::equal: return a == b;
    case Op::not_equal: return a != b;
    case Op::less: return a < b;
    case Op::less_equal: return a <= b;
    case Op::greater: return a > b;
    case Op::greater_equal: return a >= b;
    default: return false;
  }
}

double as_seconds_or_number(const Literal& literal) {
  if (literal.type == Type::number) return literal.number;
  double value = static_cast<double>(literal.integer);
  return literal.type == Type::duration ? value / static_cast<double>(kNsPerSecond) : value;
}

// Ties go to the first series in label order for topk, to the last for bottomk, as in Tempo.
void keep_extremes(bool top, std::size_t limit, std::vector<Series>& series) {
  std::sort(series.begin(), series.end(), label_order);
  std::size_t points = series.empty() ? 0 : series[0].values.size();
  std::vector<std::size_t> ranked;
  for (std::size_t p = 0; p < points; ++p) {
    ranked.clear();
    for (std::size_t s = 0; s < series.size(); ++s)
      if (!std::isnan(series[s].values[p])) ranked.push_back(s);
    if (ranked.size() <= limit) continue;
    auto better = [&](std::size_t a, std::size_t b) {
      double x = series[a].values[p];
      double y = series[b].values[p];
      if (x != y) return top ? x > y : x < y;
      return top ? a < b : a > b;
    };
    auto middle = ranked.begin() + static_cast<std::ptrdiff_t>(limit);
    std::nth_element(ranked.begin(), middle, ranked.end(), better);
    for (auto it = middle; it != ranked.end(); ++it) series[*it].values[p] = kNone;
  }
}

double calculate(Op op, double a, double b) {
  switch (op) {
    case Op::add: return a + b;
    case Op::subtract: return a - b;
    case Op::multiply: return a * b;
    case Op::divide: return b == 0 ? kNone : a / b;
    default: return kNone;
  }
}

bool is_name(const std::pair<std::string, TypedValue>& label) {
  return label.first == "__name__";
}

// A series that by() did not split.
bool is_lone(const std::vector<Series>& series) {
  return series.size() == 1 && std::all_of(series[0].labels.begin(), series[0].labels.end(), is_name);
}

void calculate_into(Op op, Series& a, const Series& b) {
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] = calculate(op, a.values[i], b.values[i]);
}

void rename(Series& series, const std::string& name) {
  for (auto& label : series.labels)
    if (is_name(label)) label.second.text = name;
}

}  // namespace

bool label_order(const Series& a, const Series& b) {
  return order(a.labels, b.labels) < 0;
}

void apply_second_stages(std::span<const SecondStage> stages, std::vector<Series>& series) {
  for (const SecondStage& stage : stages) {
    if (stage.kind == SecondStage::Kind::comparison) {
      double value = as_seconds_or_number(stage.value);
      for (Series& s : series)
        for (double& v : s.values)
          if (!holds(stage.op, v, value)) v = kNone;
    } else {
      keep_extremes(stage.kind == SecondStage::Kind::top, static_cast<std::size_t>(stage.limit), series);
    }
    drop_empty(series);
  }
}

void apply_scalar(Op op, double scalar, bool left, std::vector<Series>& series) {
  for (Series& s : series)
    for (double& v : s.values) v = left ? calculate(op, scalar, v) : calculate(op, v, scalar);
  drop_empty(series);
}

std::vector<Series> combine(Op op, const std::string& name, std::vector<Series> a, std::vector<Series> b) {
  std::vector<Series> out;
  if (is_lone(b)) {
    for (Series& s : a) calculate_into(op, s, b[0]);
    out = std::move(a);
  } else if (is_lone(a)) {
    for (const Series& s : b) {
      out.push_back(a[0]);
      calculate_into(op, out.back(), s);
      out.back().labels = s.labels;
    }
  } else {
    std::sort(b.begin(), b.end(), label_order);
    for (Series& s : a) {
      auto it = std::lower_bound(b.begin(), b.end(), s, label_order);
      if (it == b.end() || label_order(s, *it)) continue;
      calculate_into(op, s, *it);
      out.push_back(std::move(s));
    }
  }
  for (Series& s : out) {
    rename(s, name);
    s.exemplars.clear();
  }
  drop_empty(out);
  return out;
}

}  // namespace weft::traceql
