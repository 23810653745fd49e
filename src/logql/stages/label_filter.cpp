#include "logql/stages/label_filter.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "exec/substring.h"
#include "text/regexp.h"
#include "text/units.h"

namespace weft::logql {
namespace {

constexpr std::array<std::string_view, 6> kCompareOps = {"==", "!=", ">", ">=", "<", "<="};
constexpr std::array<std::string_view, 4> kMatchOps = {"=", "!=", "=~", "!~"};

template <class T>
bool compare(CompareOp op, T a, T b) {
  switch (op) {
    case CompareOp::equal: return a == b;
    case CompareOp::not_equal: return a != b;
    case CompareOp::greater: return a > b;
    case CompareOp::greater_equal: return a >= b;
    case CompareOp::less: return a < b;
    case CompareOp::less_equal: return a <= b;
  }
  return false;
}

class ConditionBase : public Stage {
 public:
  Kind kind() const override { return Kind::label_filter; }
};

class StringCondition final : public ConditionBase {
 public:
  explicit StringCondition(exec::LabelMatcher matcher)
      : matcher_(std::move(matcher)), name_(matcher_.name), loki_contains_(loki_contains(matcher_.matcher)) {}

  bool apply(Row& row) const override {
    std::string_view value = row.get(name_);
    if (!loki_contains_) return matcher_.matcher.matches(value);
    bool found = exec::find_substring(value, *loki_contains_) != std::string_view::npos;
    return found == (matcher_.matcher.op() == exec::MatchOp::regex);
  }

  void print(std::string& out) const override {
    out += matcher_.name;
    out += kMatchOps[static_cast<std::size_t>(matcher_.matcher.op())];
    out += quoted(matcher_.matcher.value());
  }

  void want(WantedLabels& wanted) const override { wanted.add(matcher_.name); }

  void hint(IdHints& hints) const override {
    const auto& literals = matcher_.matcher.literals();
    if (literals.empty()) return;
    for (const auto& [label, needle] : hints.contains)
      if (label == matcher_.name) {
        if (literals.size() == 1 && literals[0] == "true") hints.require(ids_in_needle(needle));
        return;
      }
    // A value that came from the line as it was, or from the entry's own labels, is in the entry.
    if (!hints.line_intact || matcher_.name == kErrorDetailsLabel) return;
    if (std::find(hints.opaque.begin(), hints.opaque.end(), matcher_.name) != hints.opaque.end()) return;
    std::vector<TraceId> ids;
    for (const std::string& literal : literals) {
      std::vector<TraceId> some;
      if (literal.size() == 32) some = ids_in_needle(literal);
      if (some.empty()) return;
      ids.push_back(some[0]);
    }
    hints.require(std::move(ids));
  }

 private:
  // Loki's quirk: in a label filter, but not in a selector, `text.*` and `.*text` mean the same as
  // `.*text.*` (recorded from Loki 3.7: currency!~"U.*" drops EUR). Other expressions are anchored.
  static std::optional<std::string> loki_contains(const exec::StringMatcher& matcher) {
    std::string_view pattern = matcher.value();
    if (matcher.op() != exec::MatchOp::regex && matcher.op() != exec::MatchOp::not_regex) return std::nullopt;
    bool open = pattern.ends_with(".*") && !pattern.ends_with("\\.*");
    if (open) pattern.remove_suffix(2);
    if (pattern.starts_with(".*")) {
      open = true;
      pattern.remove_prefix(2);
    }
    return open && !pattern.empty() ? text::literal_regexp(pattern) : std::nullopt;
  }

  exec::LabelMatcher matcher_;
  Name name_;
  std::optional<std::string> loki_contains_;
};

// Numbers, durations and sizes differ in how a value is read and how the bound is printed.
template <class T>
class ComparisonCondition final : public ConditionBase {
 public:
  using Read = Result<T> (*)(std::string_view);
  ComparisonCondition(std::string name, CompareOp op, T value, Read read, std::string shown)
      : label_(std::move(name)),
        name_(label_),
        op_(op),
        value_(value),
        read_(read),
        shown_(std::move(shown)) {}

  bool apply(Row& row) const override {
    const RowLabel* label = row.find(name_);
    if (!label) return false;
    auto value = read_(label->value);
    if (!value) {
      row.set_error("LabelFilterErr", row.arena().copy(value.error().message()));
      return true;
    }
    return compare(op_, *value, value_);
  }

  void print(std::string& out) const override {
    out += label_;
    out += kCompareOps[static_cast<std::size_t>(op_)];
    out += shown_;
  }

  void want(WantedLabels& wanted) const override { wanted.add(label_); }

 private:
  std::string label_;
  Name name_;
  CompareOp op_;
  T value_;
  Read read_;
  std::string shown_;
};

class IpCondition final : public ConditionBase {
 public:
  IpCondition(std::string name, bool negated, std::string pattern, IpMatcher matcher)
      : label_(std::move(name)),
        name_(label_),
        negated_(negated),
        pattern_(std::move(pattern)),
        matcher_(matcher) {}

  bool apply(Row& row) const override {
    if (row.has_error()) return true;
    const RowLabel* label = row.find(name_);
    if (!label) return false;
    return matcher_.matches(label->value) != negated_;
  }

  void print(std::string& out) const override {
    out += label_ + (negated_ ? "!=ip(" : "=ip(") + quoted(pattern_) + ")";
  }

  void want(WantedLabels& wanted) const override { wanted.add(label_); }

 private:
  std::string label_;
  Name name_;
  bool negated_;
  std::string pattern_;
  IpMatcher matcher_;
};

class BothCondition final : public ConditionBase {
 public:
  BothCondition(Condition left, Condition right) : left_(std::move(left)), right_(std::move(right)) {}

  bool apply(Row& row) const override {
    bool left = left_->apply(row);
    return right_->apply(row) && left;
  }
  void print(std::string& out) const override {
    out += "( ";
    left_->print(out);
    out += " , ";
    right_->print(out);
    out += " )";
  }
  void want(WantedLabels& wanted) const override {
    left_->want(wanted);
    right_->want(wanted);
  }
  void hint(IdHints& hints) const override {
    left_->hint(hints);
    right_->hint(hints);
  }

 private:
  Condition left_, right_;
};

class EitherCondition final : public ConditionBase {
 public:
  EitherCondition(Condition left, Condition right) : left_(std::move(left)), right_(std::move(right)) {}

  bool apply(Row& row) const override { return left_->apply(row) || right_->apply(row); }
  void print(std::string& out) const override {
    out += "( ";
    left_->print(out);
    out += " or ";
    right_->print(out);
    out += " )";
  }
  void want(WantedLabels& wanted) const override {
    left_->want(wanted);
    right_->want(wanted);
  }
  void hint(IdHints& hints) const override {
    IdHints left = hints, right = hints;
    left.ids.clear();
    right.ids.clear();
    left_->hint(left);
    right_->hint(right);
    if (left.ids.empty() || right.ids.empty()) return;
    left.ids.insert(left.ids.end(), right.ids.begin(), right.ids.end());
    hints.require(std::move(left.ids));
  }

 private:
  Condition left_, right_;
};

class LabelFilter final : public ConditionBase {
 public:
  explicit LabelFilter(Condition condition) : condition_(std::move(condition)) {}
  bool apply(Row& row) const override { return condition_->apply(row); }
  void print(std::string& out) const override {
    out += "| ";
    condition_->print(out);
  }
  void want(WantedLabels& wanted) const override { condition_->want(wanted); }
  void hint(IdHints& hints) const override { condition_->hint(hints); }

 private:
  Condition condition_;
};

Result<double> read_bytes(std::string_view text) {
  return static_cast<double>(TRY(text::parse_bytes(text)));
}

}  // namespace

Condition make_string_condition(exec::LabelMatcher matcher) {
  return std::make_unique<StringCondition>(std::move(matcher));
}

Condition make_number_condition(std::string name, CompareOp op, double value) {
  return std::make_unique<ComparisonCondition<double>>(std::move(name), op, value, &text::parse_float,
                                                       text::format_float(value));
}

Condition make_duration_condition(std::string name, CompareOp op, std::int64_t ns) {
  return std::make_unique<ComparisonCondition<std::int64_t>>(
      std::move(name), op, ns, &text::parse_go_duration, text::format_go_duration(ns));
}

Condition make_bytes_condition(std::string name, CompareOp op, double bytes) {
  // Whole bytes, so that the text says exactly the same.
  return std::make_unique<ComparisonCondition<double>>(std::move(name), op, bytes, &read_bytes,
                                                       text::format_float(bytes) + "B");
}

Result<Condition> make_ip_condition(std::string name, bool negated, std::string pattern) {
  IpMatcher matcher = TRY(IpMatcher::parse(pattern));
  return Condition(std::make_unique<IpCondition>(std::move(name), negated, std::move(pattern), matcher));
}

Condition make_and(Condition left, Condition right) {
  return std::make_unique<BothCondition>(std::move(left), std::move(right));
}

Condition make_or(Condition left, Condition right) {
  return std::make_unique<EitherCondition>(std::move(left), std::move(right));
}

std::unique_ptr<const Stage> make_label_filter(Condition condition) {
  return std::make_unique<LabelFilter>(std::move(condition));
}

}  // namespace weft::logql
