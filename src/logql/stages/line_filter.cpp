#include "logql/stages/line_filter.h"

#include <array>
#include <optional>
#include <utility>

#include "exec/substring.h"
#include "logql/stages/ip_matcher.h"
#include "text/pattern.h"
#include "text/regexp.h"

namespace weft::logql {
namespace {

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (char c : text) all = static_cast<unsigned char>(all | static_cast<unsigned char>(c));
  return all < 0x80;
}

bool contains(std::string_view line, std::string_view needle) {
  return exec::find_substring(line, needle) != std::string_view::npos;
}

// One operand, in the cheapest form that decides as the written one does.
class Test {
 public:
  static Result<Test> make(LineOp op, const LineOperand& operand) {
    Test out;
    if (operand.ip) {
      if (op != LineOp::contains && op != LineOp::not_contains)
        return Error(Code::invalid_argument, "ip: invalid operation");
      out.ip_ = TRY(IpMatcher::parse(operand.text));
      return out;
    }
    switch (op) {
      case LineOp::contains:
      case LineOp::not_contains: out.needles_ = {operand.text}; break;
      case LineOp::matches:
      case LineOp::not_matches: TRY(out.use_regexp(operand.text)); break;
      case LineOp::pattern:
      case LineOp::not_pattern: out.pattern_ = TRY(text::Pattern::parse_line_filter(operand.text)); break;
    }
    return out;
  }

  bool holds(std::string_view line) const {
    if (ip_) return ip_->matches(line);
    if (pattern_) return pattern_->matches_line(line);
    if (regexp_) {
      if (!required_.empty() && !contains(line, required_)) return false;
      return regexp_->matches(line);
    }
    if (!ignore_case_) {
      for (const std::string& needle : needles_)
        if (contains(line, needle)) return true;
      return false;
    }
    for (const std::string& needle : needles_)
      if (exec::find_substring_ignoring_case(line, needle) != std::string_view::npos) return true;
    // K and S have a third form beyond ASCII: the Kelvin sign and the long s.
    return folding_ && !is_ascii(line) && folding_->matches(line);
  }

  // The text that every line that holds must contain, if it is one text.
  const std::string* needle() const {
    return !ip_ && !pattern_ && !regexp_ && !ignore_case_ && needles_.size() == 1 ? &needles_[0] : nullptr;
  }

 private:
  Result<void> use_regexp(const std::string& pattern) {
    auto compiled = TRY(text::Regexp::compile(pattern));
    if (auto literals = text::literal_alternatives(pattern); !literals.empty()) {
      needles_ = std::move(literals);
      return {};
    }
    if (pattern.starts_with("(?i)")) {
      auto literals = text::literal_alternatives(std::string_view(pattern).substr(4));
      bool ascii = !literals.empty();
      bool special = false;
      for (std::string& literal : literals) {
        ascii = ascii && is_ascii(literal);
        for (char& c : literal) {
          if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
          special = special || c == 'k' || c == 's';
        }
      }
      if (ascii) {
        needles_ = std::move(literals);
        ignore_case_ = true;
        if (special) folding_ = std::move(compiled);
        return {};
      }
    }
    required_ = text::required_literal(pattern);
    regexp_ = std::move(compiled);
    return {};
  }

  std::vector<std::string> needles_;
  bool ignore_case_ = false;
  std::optional<text::Regexp> folding_;
  std::string required_;
  std::optional<text::Regexp> regexp_;
  std::optional<text::Pattern> pattern_;
  std::optional<IpMatcher> ip_;
};

constexpr std::array<std::string_view, 6> kOps = {"|=", "!=", "|~", "!~", "|>", "!>"};

class LineFilter final : public Stage {
 public:
  LineFilter(LineOp op, std::vector<LineOperand> operands, std::vector<Test> tests)
      : op_(op),
        negated_(op == LineOp::not_contains || op == LineOp::not_matches || op == LineOp::not_pattern),
        operands_(std::move(operands)),
        tests_(std::move(tests)) {}

  bool apply(Row& row) const override {
    for (const Test& test : tests_)
      if (test.holds(row.line)) return !negated_;
    return negated_;
  }

  void print(std::string& out) const override {
    out += kOps[static_cast<std::size_t>(op_)];
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      out += i == 0 ? " " : " or ";
      out += operands_[i].ip ? "ip(" + quoted(operands_[i].text) + ")" : quoted(operands_[i].text);
    }
  }

  Kind kind() const override { return Kind::line_filter; }

  void hint(IdHints& hints) const override {
    if (negated_ || !hints.line_intact) return;
    std::vector<TraceId> ids;
    for (const Test& test : tests_) {
      const std::string* needle = test.needle();
      std::vector<TraceId> some = needle ? ids_in_needle(*needle) : std::vector<TraceId>();
      if (some.empty()) return;  // one alternative that needs no id
      ids.insert(ids.end(), some.begin(), some.end());
    }
    hints.require(std::move(ids));
  }

 private:
  LineOp op_;
  bool negated_;
  std::vector<LineOperand> operands_;
  std::vector<Test> tests_;
};

}  // namespace

Result<std::unique_ptr<const Stage>> make_line_filter(LineOp op, std::vector<LineOperand> operands) {
  std::vector<Test> tests;
  for (const LineOperand& operand : operands) tests.push_back(TRY(Test::make(op, operand)));
  return std::unique_ptr<const Stage>(
      std::make_unique<LineFilter>(op, std::move(operands), std::move(tests)));
}

}  // namespace weft::logql
