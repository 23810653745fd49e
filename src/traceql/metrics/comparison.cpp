#include "traceql/metrics/comparison.h"

#include <algorithm>
#include <numeric>

#include "traceql/answer.h"
#include "traceql/syntax/names.h"
#include "traceql/syntax/printer.h"

namespace weft::traceql {
namespace {

// Beyond it an attribute is an id of some kind, and says nothing.
constexpr std::size_t kValuesMax = 10'000;

constexpr Intrinsic kCompared[] = {Intrinsic::name, Intrinsic::status, Intrinsic::kind, Intrinsic::root_name,
                                   Intrinsic::root_service};

TypedValue text_value(std::string text) {
  TypedValue out;
  out.type = TypedValue::Type::string;
  out.text = std::move(text);
  return out;
}

bool is_countable(const Value& value) {
  return value.type == Value::Type::string || value.type == Value::Type::integer ||
         value.type == Value::Type::number || value.type == Value::Type::boolean;
}

}  // namespace

Comparison::Comparison(const MetricsStage& stage, const Intervals& intervals, Slots& slots)
    : stage_(stage), intervals_(intervals), slots_(slots) {
  if (!stage.compare_arguments.empty()) top_ = static_cast<std::size_t>(stage.compare_arguments[0]);
  for (Intrinsic intrinsic : kCompared) {
    AttributeRef a;
    a.intrinsic = intrinsic;
    intrinsic_slots_.push_back(slots.add(a));
    Attribute& own = intrinsics_.emplace_back();
    own.label = to_string(a);
    own.type = name_of(intrinsic).type;
  }
}

Comparison::Attribute& Comparison::attribute(storage::AttributeScope scope, std::string_view key) {
  bool resource = scope == storage::AttributeScope::resource;
  auto& known = resource ? resources_ : spans_;
  if (auto it = known.find(key); it != known.end()) return it->second;
  AttributeRef a;
  a.scope = resource ? Scope::resource : Scope::span;
  a.key = key;
  Attribute& own = known[a.key];
  own.label = to_string(a);
  return own;
}

Result<void> Comparison::count(Attribute& attribute, const Value& value, bool selected, std::size_t interval,
                               exec::Context& context) {
  if (!is_countable(value)) return {};
  auto add = [&](Counts& counts) {
    std::vector<double>& side = counts.sides[selected ? 1 : 0];
    if (side.empty()) side.assign(intervals_.count(), 0);
    ++side[interval];
    ++counts.totals[selected ? 1 : 0];
  };
  add(attribute.all);
  if (attribute.too_many) return {};
  std::size_t group = attribute.values.find(std::span(&value, 1));
  if (group == attribute.counts.size()) {
    if (group == kValuesMax) {
      attribute.too_many = true;
      attribute.counts.clear();
      return {};
    }
    TRY(context.take_memory(sizeof(Counts) + intervals_.count() * 2 * sizeof(double) + value.size + 64,
                            "compare()"));
    attribute.counts.emplace_back();
  }
  add(attribute.counts[group]);
  return {};
}

Result<void> Comparison::add(std::uint32_t span, bool selected, TraceTable& table, exec::Context& context) {
  const Span& s = table.rows().spans[span];
  std::size_t interval = intervals_.index(s.start_ns);
  if (interval == intervals_.count()) return {};
  if (stage_.compare_arguments.size() == 3) {
    auto start = static_cast<std::int64_t>(s.start_ns);
    selected = selected && start >= stage_.compare_arguments[1] && start < stage_.compare_arguments[2];
  }
  for (std::size_t i = 0; i < intrinsics_.size(); ++i)
    TRY(count(intrinsics_[i], slots_.value(intrinsic_slots_[i], table, span), selected, interval, context));
  for (const weft::Attribute& a : s.attributes)
    TRY(count(attribute(storage::AttributeScope::span, a.key), a.value, selected, interval, context));
  for (const weft::Attribute& a : table.rows().resources[s.resource].attributes)
    TRY(count(attribute(storage::AttributeScope::resource, a.key), a.value, selected, interval, context));
  return {};
}

void Comparison::add_side(const Attribute& attribute, std::size_t side, std::vector<Series>& out) const {
  if (attribute.all.totals[side] == 0) return;
  std::string meta = side == 1 ? "selection" : "baseline";
  auto add = [&](std::string type, TypedValue value, const std::vector<double>& values) {
    Series series;
    series.labels.emplace_back("__meta_type", text_value(std::move(type)));
    series.labels.emplace_back(attribute.label, std::move(value));
    series.values = values;
    out.push_back(std::move(series));
  };
  if (attribute.too_many) {
    add(meta, text_value("nil"), std::vector<double>(intervals_.count(), 0));
    out.back().labels.insert(out.back().labels.begin() + 1,
                             {"__meta_error", text_value("__too_many_values__")});
  } else {
    std::vector<std::size_t> ranked;
    for (std::size_t i = 0; i < attribute.counts.size(); ++i)
      if (attribute.counts[i].totals[side] > 0) ranked.push_back(i);
    std::size_t kept = std::min(ranked.size(), top_);
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end(),
                      [&](std::size_t a, std::size_t b) {
                        double x = attribute.counts[a].totals[side];
                        double y = attribute.counts[b].totals[side];
                        return x != y ? x > y : a < b;
                      });
    for (std::size_t i = 0; i < kept; ++i)
      add(meta, show(attribute.values.tuple(ranked[i])[0], attribute.type),
          attribute.counts[ranked[i]].sides[side]);
  }
  add(meta + "_total", text_value("nil"), attribute.all.sides[side]);
}

std::vector<Series> Comparison::finish() const {
  std::vector<Series> out;
  for (std::size_t side = 0; side < 2; ++side) {
    for (const Attribute& a : intrinsics_) add_side(a, side, out);
    for (const auto& [key, a] : resources_) add_side(a, side, out);
    for (const auto& [key, a] : spans_) add_side(a, side, out);
  }
  std::sort(out.begin(), out.end(), label_order);
  return out;
}

}  // namespace weft::traceql
