#include "traceql/check/check.h"

#include <optional>
#include <utility>

#include "model/ids.h"
#include "traceql/syntax/names.h"
#include "traceql/syntax/printer.h"

namespace weft::traceql {
namespace {

constexpr std::int64_t kCompareTopMax = 1000;
constexpr std::size_t kGroupsMax = 5;  // by() of metrics; one less where a bucket or a quantile is a label

Error refuse(std::string message) {
  return Error(Code::invalid_argument, std::move(message));
}

bool same_family(Type a, Type b) {
  return a == Type::any || b == Type::any || a == b || (is_numeric(a) && is_numeric(b));
}
bool may_be(Type type, Type wanted) {
  return type == Type::any || type == wanted;
}
bool may_be_number(Type type) {
  return type == Type::any || is_numeric(type);
}

Result<void> check_attribute(const AttributeRef& a) {
  if (a.of_parent) return refuse("parent not yet supported");
  if (a.intrinsic == Intrinsic::parent) return refuse("intrinsic (parent) not yet supported");
  return {};
}

bool is_nil(const Expr& e) {
  return e.kind == Expr::Kind::literal && e.literal.type == Type::nil;
}

// x = nil and x != nil, on either side.
Result<void> check_nil(const Expr& e) {
  std::string text = to_string(e);
  if (e.ops[0] != Op::equal && e.ops[0] != Op::not_equal)
    return refuse("illegal operation for the given types: " + text);
  const Expr& other = e.operands[is_nil(e.operands[0]) ? 1 : 0];
  if (is_nil(other)) return {};
  if (other.kind != Expr::Kind::attribute)
    return refuse("binary operations must operate on the same type: " + text);
  if (other.attribute.intrinsic != Intrinsic::none)
    return refuse(text + " is not valid because intrinsics cannot be nil");
  if (other.attribute.scope == Scope::resource && other.attribute.key == "service.name")
    return refuse(text + " is not valid because resource.service.name cannot be nil");
  return {};
}

Result<void> check_regex(Expr& e) {
  const Expr& pattern = e.operands[1];
  Type left = type_of(e.operands[0]);
  Type right = type_of(pattern);
  if (!may_be(left, Type::string) || !may_be(right, Type::string))
    return refuse("illegal operation for the given types: " + to_string(e));
  if (pattern.kind != Expr::Kind::literal) return refuse("invalid type for =~ or !~: " + to_string(pattern));
  Result<exec::StringMatcher> matcher = exec::StringMatcher::make(exec::MatchOp::regex, pattern.literal.text);
  if (!matcher) return refuse("invalid regex: " + to_string(pattern));
  e.pattern = *std::move(matcher);
  return {};
}

std::size_t id_bytes(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::trace_id:
    case Intrinsic::link_trace_id: return 16;
    case Intrinsic::span_id:
    case Intrinsic::parent_id:
    case Intrinsic::link_span_id: return 8;
    default: return 0;
  }
}

// An id as the column shows it, in lower case and padded; the literal itself when it is not hex.
std::string padded_id(Intrinsic intrinsic, const std::string& literal) {
  if (id_bytes(intrinsic) == 16) {
    std::optional<TraceId> id = parse_trace_id(literal);
    return id ? to_hex(*id) : literal;
  }
  std::optional<SpanId> id = parse_span_id(literal);
  return id ? to_hex(*id) : literal;
}

// Ids are compared as they are shown, so a short or upper-case literal is brought into that form.
void normalise_id(Expr& e) {
  for (std::size_t side = 0; side < 2; ++side) {
    const Expr& attribute = e.operands[side];
    Expr& literal = e.operands[1 - side];
    if (attribute.kind == Expr::Kind::attribute && id_bytes(attribute.attribute.intrinsic) != 0 &&
        literal.kind == Expr::Kind::literal && literal.literal.type == Type::string)
      literal.literal.text = padded_id(attribute.attribute.intrinsic, literal.literal.text);
  }
}

Result<void> check_expr(Expr& e);

Result<void> check_binary(Expr& e) {
  if (is_nil(e.operands[0]) || is_nil(e.operands[1])) return check_nil(e);
  Op op = e.ops[0];
  if (op == Op::regex || op == Op::not_regex) return check_regex(e);
  Type left = type_of(e.operands[0]);
  Type right = type_of(e.operands[1]);
  if (!same_family(left, right))
    return refuse("binary operations must operate on the same type: " + to_string(e));
  auto fits = [op](Type type) {
    if (op == Op::equal || op == Op::not_equal) return true;
    if (is_comparison(op)) return may_be_number(type) || type == Type::string;
    return may_be_number(type);
  };
  if (!fits(left) || !fits(right)) return refuse("illegal operation for the given types: " + to_string(e));
  if (is_comparison(op)) normalise_id(e);
  return {};
}

Result<void> check_chain(const Expr& e) {
  for (const Expr& operand : e.operands) {
    Type type = type_of(operand);
    if (may_be(type, Type::boolean)) continue;
    return refuse(
        std::string(e.operands.size() == 2 && same_family(type_of(e.operands[0]), type_of(e.operands[1]))
                        ? "illegal operation for the given types: "
                        : "binary operations must operate on the same type: ") +
        to_string(e));
  }
  return {};
}

Result<void> check_aggregate(const Expr& e) {
  if (e.operands.empty()) return {};
  if (!may_be_number(type_of(e.operands[0])))
    return refuse("aggregate field expressions must resolve to a number type: " + to_string(e));
  if (!references_span(e.operands[0]))
    return refuse("aggregate field expressions must reference the span: " + to_string(e));
  return {};
}

Result<void> check_expr(Expr& e) {
  for (Expr& operand : e.operands) TRY(check_expr(operand));
  switch (e.kind) {
    case Expr::Kind::literal: return {};
    case Expr::Kind::attribute: return check_attribute(e.attribute);
    case Expr::Kind::binary: return check_binary(e);
    case Expr::Kind::chain: return check_chain(e);
    case Expr::Kind::aggregate: return check_aggregate(e);
    case Expr::Kind::negate:
      if (may_be_number(type_of(e.operands[0]))) return {};
      return refuse("illegal operation for the given type: " + to_string(e));
    case Expr::Kind::invert:
      if (may_be(type_of(e.operands[0]), Type::boolean)) return {};
      return refuse("illegal operation for the given type: " + to_string(e));
  }
  return {};
}

const char* scalar_kind(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::literal: return "literal";
    case Expr::Kind::aggregate: return "aggregate";
    default: return "scalar operation";
  }
}

Result<void> check_scalar_filter(Expr& e) {
  for (Expr& operand : e.operands) TRY(check_expr(operand));
  if (e.operands[0].kind != Expr::Kind::aggregate)
    return refuse("scalar filter lhs of type (" + std::string(scalar_kind(e.operands[0])) +
                  ") not yet supported");
  if (e.operands[1].kind != Expr::Kind::literal)
    return refuse("scalar filter rhs of type (" + std::string(scalar_kind(e.operands[1])) +
                  ") not yet supported");
  return {};
}

Result<void> check_pipeline(Pipeline& pipeline);

Result<void> check_spansets(SpansetExpr& e) {
  for (SpansetExpr& operand : e.operands) TRY(check_spansets(operand));
  if (e.pipeline) {
    Pipeline inner = *e.pipeline;
    TRY(check_pipeline(inner));
    e.pipeline = std::make_shared<const Pipeline>(std::move(inner));
  }
  if (!e.condition) return {};
  TRY(check_expr(*e.condition));
  if (!may_be(type_of(*e.condition), Type::boolean))
    return refuse("span filter field expressions must resolve to a boolean: " + to_string(e));
  return {};
}

Result<void> check_pipeline(Pipeline& pipeline) {
  for (Stage& stage : pipeline.stages) {
    switch (stage.kind) {
      case Stage::Kind::spansets: TRY(check_spansets(stage.spansets)); break;
      case Stage::Kind::by:
        TRY(check_expr(stage.expression));
        if (!references_span(stage.expression))
          return refuse("grouping field expressions must reference the span: by(" +
                        to_string(stage.expression) + ")");
        break;
      case Stage::Kind::select:
        for (const AttributeRef& a : stage.attributes) TRY(check_attribute(a));
        break;
      case Stage::Kind::coalesce: break;
      case Stage::Kind::scalar_filter: TRY(check_scalar_filter(stage.expression)); break;
    }
  }
  return {};
}

Result<void> check_second(const std::vector<SecondStage>& stages) {
  for (const SecondStage& s : stages)
    if (s.kind != SecondStage::Kind::comparison && s.limit <= 0)
      return refuse("limit must be greater than 0");
  return {};
}

Result<void> check_compare(MetricsStage& stage) {
  TRY(check_spansets(stage.selection));
  if (!stage.second.empty()) return refuse("compare() cannot be used with second stage functions");
  if (!stage.by.empty()) return refuse("compare() cannot be grouped");
  const std::vector<std::int64_t>& arguments = stage.compare_arguments;
  if (!arguments.empty() && (arguments[0] < 1 || arguments[0] > kCompareTopMax))
    return refuse("compare() top number of values must be between 1 and " + std::to_string(kCompareTopMax) +
                  ": " + std::to_string(arguments[0]));
  if (arguments.size() == 3 && (arguments[1] <= 0 || arguments[2] <= arguments[1]))
    return refuse("compare() start and end must be positive, and end must be greater than start");
  return {};
}

Result<void> check_metrics_stage(MetricsStage& stage) {
  using enum MetricsFunction;
  TRY(check_second(stage.second));
  if (stage.function == compare) return check_compare(stage);
  for (const AttributeRef& a : stage.by) TRY(check_attribute(a));
  if (stage.function != rate && stage.function != count_over_time) {
    TRY(check_attribute(stage.attribute));
    if (stage.attribute.intrinsic != Intrinsic::none && !is_numeric(name_of(stage.attribute.intrinsic).type))
      return refuse("aggregate field expressions must resolve to a number type: " +
                    std::string(function_text(stage.function)) + "(" + to_string(stage.attribute) + ")");
  }
  for (double q : stage.quantiles)
    if (!(q >= 0 && q <= 1)) {
      Literal shown;
      shown.type = Type::number;
      shown.number = q;
      return refuse("quantile must be between 0 and 1: " + to_string(shown));
    }
  bool extra = stage.function == quantile_over_time || stage.function == histogram_over_time ||
               stage.function == avg_over_time;
  if (stage.by.size() > kGroupsMax - (extra ? 1 : 0))
    return refuse("metrics group by " + std::to_string(stage.by.size()) + " values not yet supported");
  return {};
}

Result<void> check_metrics(MetricsExpr& e) {
  for (MetricsExpr& operand : e.operands) TRY(check_metrics(operand));
  TRY(check_second(e.second));
  if (e.kind != MetricsExpr::Kind::query) return {};
  TRY(check_pipeline(e.pipeline));
  return check_metrics_stage(e.stage);
}

}  // namespace

Type type_of(const Expr& e) {
  switch (e.kind) {
    case Expr::Kind::literal: return e.literal.type;
    case Expr::Kind::attribute:
      return e.attribute.intrinsic == Intrinsic::none ? Type::any : name_of(e.attribute.intrinsic).type;
    case Expr::Kind::chain:
    case Expr::Kind::invert: return Type::boolean;
    case Expr::Kind::negate: {
      Type inner = type_of(e.operands[0]);
      return inner == Type::any ? Type::number : inner;
    }
    case Expr::Kind::binary: {
      if (!is_arithmetic(e.ops[0])) return Type::boolean;
      bool whole = true;
      for (const Expr& operand : e.operands) {
        Type type = type_of(operand);
        whole = whole && (type == Type::integer || type == Type::duration);
      }
      return whole ? Type::integer : Type::number;
    }
    case Expr::Kind::aggregate: return e.operands.empty() ? Type::integer : type_of(e.operands[0]);
  }
  return Type::nil;
}

bool references_span(const Expr& e) {
  if (e.kind == Expr::Kind::attribute) return true;
  for (const Expr& operand : e.operands)
    if (references_span(operand)) return true;
  return false;
}

Result<void> check(Root& root) {
  return root.metrics ? check_metrics(*root.metrics) : check_pipeline(root.pipeline);
}

}  // namespace weft::traceql
