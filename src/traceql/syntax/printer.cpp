#include "traceql/syntax/printer.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "text/units.h"
#include "traceql/syntax/names.h"

namespace weft::traceql {
namespace {

std::string quote(std::string_view text) {
  if (text.find('`') == std::string_view::npos) return "`" + std::string(text) + "`";
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, c);
    else if (byte < 0x20)
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    else
      out += c;
  }
  return out + "\"";
}

// How tightly an expression binds; an operand that binds looser than its place needs parentheses.
int tightness(Op op) {
  switch (op) {
    case Op::conjunction:
    case Op::disjunction: return 1;
    case Op::add:
    case Op::subtract: return 3;
    case Op::multiply:
    case Op::divide:
    case Op::modulo: return 5;
    case Op::power: return 6;
    default: return 2;
  }
}
int tightness(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::chain:
    case Expr::Kind::binary: return tightness(e.ops[0]);
    case Expr::Kind::negate: return 3;
    case Expr::Kind::invert: return 4;
    case Expr::Kind::literal:
      return is_numeric(e.literal.type) && (e.literal.integer < 0 || std::signbit(e.literal.number)) ? 3 : 7;
    default: return 7;
  }
}

std::string operand(const Expr& e, int at_least) {
  std::string text = to_string(e);
  return tightness(e) < at_least ? "(" + text + ")" : text;
}

// Prefix operators stack without parentheses.
std::string prefixed(const Expr& e) {
  bool prefix = e.kind == Expr::Kind::negate || e.kind == Expr::Kind::invert;
  return prefix ? to_string(e) : operand(e, 5);
}

std::string list(const std::vector<AttributeRef>& attributes) {
  std::string out;
  for (const AttributeRef& a : attributes) out += (out.empty() ? "" : ", ") + to_string(a);
  return out;
}

std::string stage_text(const Stage& stage) {
  switch (stage.kind) {
    case Stage::Kind::spansets: return to_string(stage.spansets);
    case Stage::Kind::by: return "by(" + to_string(stage.expression) + ")";
    case Stage::Kind::select: return "select(" + list(stage.attributes) + ")";
    case Stage::Kind::coalesce: return "coalesce()";
    case Stage::Kind::scalar_filter: return to_string(stage.expression);
  }
  return "";
}

std::string spanset_operand(const SpansetExpr& e, bool tight) {
  bool loose = e.kind == SpansetExpr::Kind::chain || (tight && e.kind == SpansetExpr::Kind::binary);
  return loose ? "(" + to_string(e) + ")" : to_string(e);
}

std::string second_text(const std::vector<SecondStage>& stages) {
  std::string out;
  for (const SecondStage& s : stages) {
    if (s.kind == SecondStage::Kind::comparison)
      out += " " + std::string(op_text(s.op)) + " " + to_string(s.value);
    else
      out += std::string(s.kind == SecondStage::Kind::top ? " | topk(" : " | bottomk(") +
             std::to_string(s.limit) + ")";
  }
  return out;
}

std::string number_text(double value) {
  char buffer[40];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string out(buffer, end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string stage_text(const MetricsStage& stage) {
  std::string out(function_text(stage.function));
  out += '(';
  if (stage.function == MetricsFunction::compare) {
    out += to_string(stage.selection);
    for (std::int64_t n : stage.compare_arguments) out += ", " + std::to_string(n);
  } else if (stage.function != MetricsFunction::rate && stage.function != MetricsFunction::count_over_time) {
    out += to_string(stage.attribute);
    for (double q : stage.quantiles) out += ", " + number_text(q);
  }
  out += ')';
  if (!stage.by.empty()) out += " by (" + list(stage.by) + ")";
  return out + second_text(stage.second);
}

std::string metrics_operand(const MetricsExpr& e, bool tight) {
  if (e.kind == MetricsExpr::Kind::scalar) return to_string(e.scalar);
  bool loose =
      e.kind != MetricsExpr::Kind::binary || !e.second.empty() || e.op == Op::add || e.op == Op::subtract;
  return loose || tight ? "(" + to_string(e) + ")" : to_string(e);
}

}  // namespace

std::string to_string(const Literal& literal) {
  switch (literal.type) {
    case Type::string: return quote(literal.text);
    case Type::integer:
      return literal.integer == std::numeric_limits<std::int64_t>::min() ? "minInt"
                                                                         : std::to_string(literal.integer);
    case Type::number: return number_text(literal.number);
    case Type::boolean: return literal.integer != 0 ? "true" : "false";
    case Type::duration: return text::format_go_duration(literal.integer);
    case Type::status: return std::string(status_text(literal.integer));
    case Type::kind: return std::string(kind_text(literal.integer));
    default: return "nil";
  }
}

std::string to_string(const AttributeRef& attribute) {
  if (attribute.intrinsic != Intrinsic::none) return std::string(display_name(attribute.intrinsic));
  std::string out = attribute.of_parent ? "parent." : "";
  if (!attribute.of_parent || attribute.scope != Scope::none) out += scope_prefix(attribute.scope);
  const std::string& key = attribute.key;
  bool nested = attribute.of_parent && attribute.scope == Scope::none &&
                (key.starts_with("span.") || key.starts_with("resource."));
  bool plain = key.find_first_of(" \t\n\r{}()=~!<>&|^,\"\\") == std::string::npos && !nested &&
               (key[0] < '0' || key[0] > '9');
  if (plain) return out + key;
  out += '"';
  for (char c : key) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string to_string(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::literal: return to_string(e.literal);
    case Expr::Kind::attribute: return to_string(e.attribute);
    case Expr::Kind::negate: return "-" + prefixed(e.operands[0]);
    case Expr::Kind::invert: return "!" + prefixed(e.operands[0]);
    case Expr::Kind::binary: {
      int tight = tightness(e.ops[0]);
      bool right_first = e.ops[0] == Op::power;
      return operand(e.operands[0], right_first ? tight + 1 : tight) + " " + std::string(op_text(e.ops[0])) +
             " " + operand(e.operands[1], right_first ? tight : tight + 1);
    }
    case Expr::Kind::chain: {
      std::string out = operand(e.operands[0], 2);
      for (std::size_t i = 0; i < e.ops.size(); ++i)
        out.append(" ").append(op_text(e.ops[i])).append(" ").append(operand(e.operands[i + 1], 2));
      return out;
    }
    case Expr::Kind::aggregate:
      return std::string(aggregate_text(e.aggregate)) + "(" +
             (e.operands.empty() ? "" : to_string(e.operands[0])) + ")";
  }
  return "";
}

std::string to_string(const SpansetExpr& e) {
  switch (e.kind) {
    case SpansetExpr::Kind::filter: return e.condition ? "{ " + to_string(*e.condition) + " }" : "{ }";
    case SpansetExpr::Kind::pipeline: return "(" + to_string(*e.pipeline) + ")";
    case SpansetExpr::Kind::binary:
      return spanset_operand(e.operands[0], false) + " " + std::string(spanset_op_text(e.ops[0])) + " " +
             spanset_operand(e.operands[1], true);
    case SpansetExpr::Kind::chain: {
      std::string out = spanset_operand(e.operands[0], false);
      for (std::size_t i = 0; i < e.ops.size(); ++i)
        out.append(" ")
            .append(spanset_op_text(e.ops[i]))
            .append(" ")
            .append(spanset_operand(e.operands[i + 1], false));
      return out;
    }
  }
  return "";
}

std::string to_string(const Pipeline& pipeline) {
  std::string out;
  for (const Stage& stage : pipeline.stages) out += (out.empty() ? "" : " | ") + stage_text(stage);
  return out;
}

std::string to_string(const MetricsExpr& e) {
  switch (e.kind) {
    case MetricsExpr::Kind::query: return to_string(e.pipeline) + " | " + stage_text(e.stage);
    case MetricsExpr::Kind::scalar: return to_string(e.scalar);
    case MetricsExpr::Kind::binary: {
      bool product = e.op == Op::multiply || e.op == Op::divide;
      std::string left =
          !product && e.operands[0].kind == MetricsExpr::Kind::binary && e.operands[0].second.empty()
              ? to_string(e.operands[0])
              : metrics_operand(e.operands[0], false);
      return left + " " + std::string(op_text(e.op)) + " " + metrics_operand(e.operands[1], product) +
             second_text(e.second);
    }
  }
  return "";
}

std::string to_string(const Root& root) {
  std::string out = root.metrics ? to_string(*root.metrics) : to_string(root.pipeline);
  for (std::size_t i = 0; i < root.hints.size(); ++i)
    out += (i == 0 ? " with(" : ", ") + root.hints[i].name + "=" + to_string(root.hints[i].value);
  return root.hints.empty() ? out : out + ")";
}

}  // namespace weft::traceql
