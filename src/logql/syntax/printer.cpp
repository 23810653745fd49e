#include "logql/syntax/printer.h"

#include <array>

#include "text/units.h"

namespace weft::logql {
namespace {

constexpr std::size_t kPrettyWidth = 100;

std::string selector_text(const std::vector<exec::LabelMatcher>& matchers) {
  static constexpr std::array<std::string_view, 4> kOps = {"=", "!=", "=~", "!~"};
  std::string out = "{";
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) out += ", ";
    out += matchers[i].name;
    out += kOps[static_cast<std::size_t>(matchers[i].matcher.op())];
    out += quoted(matchers[i].matcher.value());
  }
  return out + "}";
}

std::string names_text(const std::vector<std::string>& names) {
  std::string out = "(";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ',';
    out += names[i];
  }
  return out + ")";
}

// by (a,b) — the space is Loki's.
std::string grouping_text(const std::optional<Grouping>& grouping) {
  if (!grouping) return "";
  return (grouping->without ? " without " : " by ") + names_text(grouping->names);
}

// A duration as Prometheus prints it, which its parser reads: 1h30m, 5m, 0s.
std::string range_text(std::int64_t ns) {
  if (ns == 0) return "0s";
  std::int64_t ms = ns / 1'000'000;
  std::string out;
  auto part = [&](const char* unit, std::int64_t size) {
    if (ms >= size) out += std::to_string(ms / size) + unit;
    ms %= size;
  };
  part("y", 365LL * 86'400'000);
  if (ms % (7LL * 86'400'000) == 0) part("w", 7LL * 86'400'000);
  part("d", 86'400'000);
  part("h", 3'600'000);
  part("m", 60'000);
  part("s", 1'000);
  part("ms", 1);
  return out;
}

class Printer {
 public:
  explicit Printer(bool pretty) : pretty_(pretty) {}

  std::string text(const Expr& expr, int indent) {
    std::string flat = Flat(*this, expr);
    if (!pretty_ || flat.size() + static_cast<std::size_t>(indent) * 2 <= kPrettyWidth)
      return pad(indent) + flat;
    return broken(expr, indent);
  }

 private:
  static std::string pad(int indent) { return std::string(static_cast<std::size_t>(indent) * 2, ' '); }

  static std::string Flat(Printer& printer, const Expr& expr) {
    return std::visit([&](const auto& node) { return printer.flat(node); }, expr.node);
  }

  std::string flat(const LogExpr& log) {
    std::string out = selector_text(log.matchers);
    for (const auto& stage : log.stages) {
      out += ' ';
      stage->print(out);
    }
    return out;
  }

  std::string unwrap_text(const RangeExpr& node) {
    std::string out;
    if (node.unwrap) {
      out += ' ';
      node.unwrap->print(out);
    }
    for (const auto& stage : node.after_unwrap) {
      out += ' ';
      stage->print(out);
    }
    return out;
  }

  static std::string window_text(const RangeExpr& node) {
    std::string out = "[" + range_text(node.range_ns) + "]";
    if (node.offset_ns != 0) out += " offset " + text::format_go_duration(node.offset_ns);
    return out;
  }

  std::string flat(const RangeExpr& node) {
    std::string out(name_of(node.op));
    out += '(';
    if (node.parameter) out += text::format_float(*node.parameter) + ",";
    out += flat(node.log) + unwrap_text(node) + window_text(node) + ")";
    return out + grouping_text(node.grouping);
  }

  static std::string head(const AggregateExpr& node) {
    std::string out(name_of(node.op));
    return out + grouping_text(node.grouping);
  }

  std::string flat(const AggregateExpr& node) {
    std::string out = head(node) + "(";
    if (node.parameter) out += text::format_float(*node.parameter) + ",";
    return out + Flat(*this, *node.inner) + ")";
  }

  static std::string operator_text(const BinaryExpr& node) {
    std::string out(name_of(node.op));
    if (node.return_bool) out += " bool";
    if (!node.has_matching) return out;
    out += node.on ? " on " : " ignoring ";
    out += names_text(node.matching);
    if (node.cardinality == Cardinality::many_to_one) out += " group_left " + names_text(node.include);
    if (node.cardinality == Cardinality::one_to_many) out += " group_right " + names_text(node.include);
    return out;
  }

  std::string flat(const BinaryExpr& node) {
    return "(" + Flat(*this, *node.left) + " " + operator_text(node) + " " + Flat(*this, *node.right) + ")";
  }

  // Exactly, and in a form that the lexer takes for one number.
  static std::string number_text(double value) {
    if (value != value) return "(0 / 0)";
    if (value - value != 0) return value > 0 ? "(1e308 * 10)" : "(-1e308 * 10)";
    return text::format_float(value);
  }

  std::string flat(const LiteralExpr& node) { return number_text(node.value); }
  std::string flat(const VectorExpr& node) { return "vector(" + text::format_float(node.value) + ")"; }

  std::string flat(const LabelReplaceExpr& node) {
    std::string out = "label_replace(" + Flat(*this, *node.inner);
    for (const std::string* text : {&node.target, &node.replacement, &node.source, &node.pattern})
      out += "," + quoted(*text);
    return out + ")";
  }

  // Several lines.
  std::string broken(const Expr& expr, int indent) {
    if (const auto* log = expr.as<LogExpr>()) return broken_log(*log, indent);
    if (const auto* node = expr.as<RangeExpr>()) {
      std::string out = pad(indent) + std::string(name_of(node->op)) + "(\n";
      if (node->parameter) out += pad(indent + 1) + text::format_float(*node->parameter) + ",\n";
      out += broken_log(node->log, indent + 1) + unwrap_text(*node) + " " + window_text(*node) + "\n";
      return out + pad(indent) + ")" + grouping_text(node->grouping);
    }
    if (const auto* node = expr.as<AggregateExpr>()) {
      std::string out = pad(indent) + head(*node) + " (\n";
      if (node->parameter) out += pad(indent + 1) + text::format_float(*node->parameter) + ",\n";
      return out + text(*node->inner, indent + 1) + "\n" + pad(indent) + ")";
    }
    if (const auto* node = expr.as<BinaryExpr>())
      return pad(indent) + "(\n" + text(*node->left, indent + 1) + "\n" + pad(indent) + operator_text(*node) +
             "\n" + text(*node->right, indent + 1) + "\n" + pad(indent) + ")";
    if (const auto* node = expr.as<LabelReplaceExpr>()) {
      std::string out = pad(indent) + "label_replace(\n" + text(*node->inner, indent + 1);
      for (const std::string* item : {&node->target, &node->replacement, &node->source, &node->pattern})
        out += ",\n" + pad(indent + 1) + quoted(*item);
      return out + "\n" + pad(indent) + ")";
    }
    return pad(indent) + Flat(*this, expr);
  }

  static std::string broken_log(const LogExpr& log, int indent) {
    std::string out = pad(indent) + selector_text(log.matchers);
    for (const auto& stage : log.stages) {
      out += "\n" + pad(indent + 1);
      stage->print(out);
    }
    return out;
  }

  bool pretty_;
};

}  // namespace

std::string print(const Expr& expr) {
  return Printer(false).text(expr, 0);
}
std::string print_pretty(const Expr& expr) {
  return Printer(true).text(expr, 0);
}

}  // namespace weft::logql
