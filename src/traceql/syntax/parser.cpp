#include "traceql/syntax/parser.h"

#include <limits>
#include <utility>

#include "model/limits.h"
#include "traceql/syntax/lexer.h"
#include "traceql/syntax/names.h"

namespace weft::traceql {
namespace {

constexpr std::int64_t kMinInteger = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMaxInteger = std::numeric_limits<std::int64_t>::max();

// The tree is at most kNestingMax deep. Its text may nest deeper: parentheses that mean nothing, and
// those that the printer puts around a prefix operator, one for each.
constexpr int kRecursionMax = 2 * kNestingMax + 4;

bool is_keyword(std::string_view word) {
  for (std::string_view known :
       {"by", "coalesce", "select", "with", "topk", "bottomk", "true", "false", "nil"})
    if (known == word) return true;
  return find_aggregate(word) || find_function(word) || find_status(word) || find_kind(word);
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end: return "$end";
    case TokenKind::identifier: return is_keyword(token.raw) ? std::string(token.raw) : "IDENTIFIER";
    case TokenKind::string: return "STRING";
    case TokenKind::integer: return "INTEGER";
    case TokenKind::number: return "FLOAT";
    case TokenKind::duration: return "DURATION";
    case TokenKind::attribute:
      return token.attribute.intrinsic != Intrinsic::none ? std::string(token.raw)
                                                          : std::string(scope_prefix(token.attribute.scope));
    case TokenKind::symbol: return std::string(token.raw);
  }
  return "";
}

template <class Node>
std::uint16_t depth_over(const std::vector<Node>& operands) {
  int depth = 0;
  for (const Node& operand : operands) depth = std::max<int>(depth, operand.depth);
  return static_cast<std::uint16_t>(depth + 1);
}

// Where second stages behind a closing parenthesis go.
std::vector<SecondStage>& second_of(MetricsExpr& e) {
  return e.kind == MetricsExpr::Kind::query ? e.stage.second : e.second;
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Root> run() {
    Root root;
    if (metrics_depth() > 0) {
      root.metrics = TRY(metrics_sum());
      TRY(second_stages(second_of(*root.metrics)));
    } else {
      std::optional<MetricsStage> metrics;
      root.pipeline = TRY(pipeline(&metrics));
      if (metrics) {
        root.metrics.emplace();
        root.metrics->pipeline = std::move(root.pipeline);
        root.metrics->stage = std::move(*metrics);
        root.pipeline = {};
      }
    }
    if (is_word("with")) TRY(hints(root.hints));
    if (peek().kind != TokenKind::end) return unexpected();
    return root;
  }

 private:
  // --- tokens ---
  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& take() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool is_symbol(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::symbol && peek(ahead).raw == text;
  }
  bool is_word(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::identifier && peek(ahead).raw == text;
  }
  bool accept(std::string_view symbol) {
    if (!is_symbol(symbol)) return false;
    take();
    return true;
  }
  Result<void> expect(std::string_view symbol) {
    if (accept(symbol)) return {};
    return unexpected(std::string(symbol));
  }
  Error unexpected(const std::string& expected = "") const {
    std::string what = "syntax error: unexpected " + describe(peek());
    if (!expected.empty()) what += ", expecting " + expected;
    return parse_error(peek(), what);
  }

  // Entered wherever the grammar refers to itself.
  class Nested {
   public:
    explicit Nested(int& depth) : depth_(depth) { ++depth_; }
    ~Nested() { --depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    int& depth_;
  };
  Result<void> bounded(int depth, int most = kNestingMax) const {
    if (depth <= most) return {};
    return parse_error(peek(), "expression is nested more than " + std::to_string(kNestingMax) + " deep");
  }

  // How deep inside parentheses, from here to the end of this group, the first metrics function is:
  // 0: this is a metrics query; more: arithmetic over metrics queries; -1: neither.
  int metrics_depth() const {
    int depth = 0;
    int found = -1;
    for (std::size_t i = at_; i < tokens_.size(); ++i) {
      const Token& t = tokens_[i];
      if (t.kind == TokenKind::symbol && t.raw == "(") {
        if (i > at_ && tokens_[i - 1].kind == TokenKind::identifier && find_function(tokens_[i - 1].raw) &&
            (found < 0 || depth < found))
          found = depth;
        ++depth;
      }
      if (t.kind == TokenKind::symbol && t.raw == ")" && --depth < 0) break;
    }
    return found;
  }

  // --- metrics ---
  Result<MetricsExpr> metrics_sum() {
    MetricsExpr left = TRY(metrics_product());
    while (is_symbol("+") || is_symbol("-")) left = TRY(metrics_binary(std::move(left), true));
    return left;
  }
  Result<MetricsExpr> metrics_product() {
    MetricsExpr left = TRY(metrics_operand());
    while (is_symbol("*") || is_symbol("/")) left = TRY(metrics_binary(std::move(left), false));
    return left;
  }
  Result<MetricsExpr> metrics_binary(MetricsExpr left, bool sum) {
    MetricsExpr node;
    node.kind = MetricsExpr::Kind::binary;
    node.op = *find_op(take().raw);
    node.operands.push_back(std::move(left));
    node.operands.push_back(sum ? TRY(metrics_product()) : TRY(metrics_operand()));
    node.depth = depth_over(node.operands);
    TRY(bounded(node.depth));
    return node;
  }
  Result<MetricsExpr> metrics_operand() {
    MetricsExpr node;
    if (std::optional<Literal> number = accept_number(true)) {
      if (number->type == Type::duration) return unexpected();
      node.kind = MetricsExpr::Kind::scalar;
      node.scalar = std::move(*number);
      return node;
    }
    TRY(expect("("));
    Nested nested(nesting_);
    TRY(bounded(nesting_, kRecursionMax));
    int depth = metrics_depth();
    if (depth > 0) {
      node = TRY(metrics_sum());
      TRY(second_stages(second_of(node)));
    } else {
      std::optional<MetricsStage> metrics;
      node.pipeline = TRY(pipeline(&metrics));
      if (!metrics) return unexpected();
      node.stage = std::move(*metrics);
    }
    TRY(expect(")"));
    return node;
  }

  Result<MetricsStage> metrics_stage() {
    MetricsStage stage;
    stage.function = *find_function(take().raw);
    TRY(expect("("));
    switch (stage.function) {
      case MetricsFunction::rate:
      case MetricsFunction::count_over_time: break;
      case MetricsFunction::compare: TRY(compare_arguments(stage)); break;
      case MetricsFunction::quantile_over_time:
        stage.attribute = TRY(attribute());
        if (!is_symbol(",")) return unexpected(",");
        while (accept(",")) {
          std::optional<Literal> q = accept_number(true);
          if (!q || q->type == Type::duration) return unexpected();
          stage.quantiles.push_back(q->type == Type::number ? q->number : static_cast<double>(q->integer));
        }
        break;
      default: stage.attribute = TRY(attribute());
    }
    TRY(expect(")"));
    if (is_word("by")) {
      take();
      TRY(expect("("));
      stage.by = TRY(attributes());
      TRY(expect(")"));
    }
    TRY(second_stages(stage.second));
    return stage;
  }

  Result<void> compare_arguments(MetricsStage& stage) {
    if (!is_symbol("{")) return unexpected("{");
    stage.selection = TRY(filter());
    while (accept(",")) {
      if (peek().kind != TokenKind::integer || stage.compare_arguments.size() == 3) return unexpected();
      stage.compare_arguments.push_back(take().literal.integer);
    }
    if (stage.compare_arguments.size() == 2) return unexpected(",");
    return {};
  }

  Result<void> second_stages(std::vector<SecondStage>& out) {
    for (;;) {
      SecondStage stage;
      if (is_symbol("|") && (is_word("topk", 1) || is_word("bottomk", 1))) {
        take();
        stage.kind = take().raw == "topk" ? SecondStage::Kind::top : SecondStage::Kind::bottom;
        TRY(expect("("));
        if (peek().kind != TokenKind::integer) return unexpected("INTEGER");
        stage.limit = take().literal.integer;
        TRY(expect(")"));
      } else if (std::optional<Op> op = scalar_comparison()) {
        take();
        std::optional<Literal> value = accept_number(true);
        if (!value) return unexpected();
        stage.kind = SecondStage::Kind::comparison;
        stage.op = *op;
        stage.value = std::move(*value);
      } else {
        return {};
      }
      out.push_back(std::move(stage));
    }
  }

  Result<void> hints(std::vector<Hint>& out) {
    take();
    TRY(expect("("));
    do {
      if (peek().kind != TokenKind::identifier && peek().kind != TokenKind::attribute)
        return unexpected("IDENTIFIER");
      Hint hint;
      hint.name = take().raw;
      TRY(expect("="));
      std::optional<Literal> value = accept_literal();
      if (!value) value = accept_number(true);
      if (!value) return unexpected();
      hint.value = std::move(*value);
      out.push_back(std::move(hint));
    } while (accept(","));
    return expect(")");
  }

  // --- pipelines ---
  // `metrics` is null where a metrics function may not end the pipeline.
  Result<Pipeline> pipeline(std::optional<MetricsStage>* metrics) {
    Pipeline out;
    do {
      if (metrics != nullptr && !out.stages.empty() && peek().kind == TokenKind::identifier &&
          find_function(peek().raw)) {
        *metrics = TRY(metrics_stage());
        return out;
      }
      out.stages.push_back(TRY(stage(out.stages.empty())));
    } while (accept("|"));
    return out;
  }

  Result<Stage> stage(bool first) {
    Stage stage;
    if (is_word("by") && is_symbol("(", 1)) {
      at_ += 2;
      stage.kind = Stage::Kind::by;
      stage.expression = TRY(expression());
      TRY(expect(")"));
    } else if (is_word("select") && is_symbol("(", 1)) {
      at_ += 2;
      stage.kind = Stage::Kind::select;
      stage.attributes = TRY(attributes());
      TRY(expect(")"));
    } else if (is_word("coalesce") && !first) {
      take();
      stage.kind = Stage::Kind::coalesce;
      TRY(expect("("));
      TRY(expect(")"));
    } else if (starts_spanset()) {
      stage.spansets = TRY(spanset_chain());
    } else {
      stage.kind = Stage::Kind::scalar_filter;
      stage.expression = TRY(scalar_filter());
    }
    return stage;
  }

  bool starts_spanset() const {
    std::size_t ahead = 0;
    while (is_symbol("(", ahead)) ++ahead;
    if (is_symbol("{", ahead)) return true;
    return ahead > 0 && (is_word("by", ahead) || is_word("select", ahead) || is_word("coalesce", ahead));
  }

  Result<SpansetExpr> spanset_chain() {
    SpansetExpr first = TRY(spanset_relation());
    if (!is_symbol("&&") && !is_symbol("||")) return first;
    SpansetExpr node;
    node.kind = SpansetExpr::Kind::chain;
    node.operands.push_back(std::move(first));
    while (is_symbol("&&") || is_symbol("||")) {
      node.ops.push_back(*find_spanset_op(take().raw));
      node.operands.push_back(TRY(spanset_relation()));
    }
    node.depth = depth_over(node.operands);
    TRY(bounded(node.depth));
    return node;
  }

  Result<SpansetExpr> spanset_relation() {
    SpansetExpr left = TRY(spanset_operand());
    for (;;) {
      std::optional<SpansetOp> op;
      if (peek().kind == TokenKind::symbol && !is_symbol("&&") && !is_symbol("||"))
        op = find_spanset_op(peek().raw);
      if (!op) return left;
      take();
      SpansetExpr node;
      node.kind = SpansetExpr::Kind::binary;
      node.ops.push_back(*op);
      node.operands.push_back(std::move(left));
      node.operands.push_back(TRY(spanset_operand()));
      node.depth = depth_over(node.operands);
      TRY(bounded(node.depth));
      left = std::move(node);
    }
  }

  Result<SpansetExpr> spanset_operand() {
    if (is_symbol("{")) return filter();
    if (!accept("(")) return unexpected("{ or (");
    Nested nested(nesting_);
    TRY(bounded(nesting_, kRecursionMax));
    Pipeline inner = TRY(pipeline(nullptr));
    TRY(expect(")"));
    if (inner.stages.size() == 1 && inner.stages[0].kind == Stage::Kind::spansets)
      return std::move(inner.stages[0].spansets);
    SpansetExpr node;
    node.kind = SpansetExpr::Kind::pipeline;
    node.depth = 1;
    for (const Stage& s : inner.stages)
      if (s.kind == Stage::Kind::spansets)
        node.depth = std::max<std::uint16_t>(node.depth, s.spansets.depth + 1);
    TRY(bounded(node.depth));
    node.pipeline = std::make_shared<const Pipeline>(std::move(inner));
    return node;
  }

  Result<SpansetExpr> filter() {
    TRY(expect("{"));
    SpansetExpr node;
    if (!is_symbol("}")) node.condition = TRY(expression());
    TRY(expect("}"));
    return node;
  }

  // --- scalar filters ---
  std::optional<Op> scalar_comparison() const {
    if (peek().kind != TokenKind::symbol) return std::nullopt;
    std::optional<Op> op = find_op(peek().raw);
    if (!op || *op < Op::equal || *op > Op::greater_equal) return std::nullopt;
    return op;
  }

  Result<Expr> scalar_filter() {
    std::size_t before = aggregates_;
    Expr left = TRY(scalar_sum());
    std::optional<Op> op = scalar_comparison();
    if (!op) {
      if (nesting_ > 0 && is_symbol(")") && aggregates_ > before)
        return Error(Code::invalid_argument, "comparison of two pipelines not yet supported");
      return unexpected();
    }
    take();
    Expr right = TRY(scalar_sum());
    if (aggregates_ == before) return unexpected();
    return binary(*op, std::move(left), std::move(right));
  }
  Result<Expr> scalar_sum() {
    Expr left = TRY(scalar_product());
    while (is_symbol("+") || is_symbol("-")) {
      Op op = *find_op(take().raw);
      left = TRY(binary(op, std::move(left), TRY(scalar_product())));
    }
    return left;
  }
  Result<Expr> scalar_product() {
    Expr left = TRY(scalar_power());
    while (is_symbol("*") || is_symbol("/") || is_symbol("%")) {
      Op op = *find_op(take().raw);
      left = TRY(binary(op, std::move(left), TRY(scalar_power())));
    }
    return left;
  }
  Result<Expr> scalar_power() {
    Expr left = TRY(scalar_operand());
    if (!accept("^")) return left;
    Nested nested(nesting_);
    TRY(bounded(nesting_, kRecursionMax));
    return binary(Op::power, std::move(left), TRY(scalar_power()));
  }
  Result<Expr> scalar_operand() {
    Expr node;
    if (std::optional<Literal> number = accept_number(true)) {
      node.literal = std::move(*number);
      return node;
    }
    if (accept("(")) {
      Nested nested(nesting_);
      TRY(bounded(nesting_, kRecursionMax));
      node = TRY(scalar_sum());
      TRY(expect(")"));
      return node;
    }
    std::optional<Aggregate> aggregate;
    if (peek().kind == TokenKind::identifier) aggregate = find_aggregate(peek().raw);
    if (!aggregate) return unexpected();
    take();
    ++aggregates_;
    node.kind = Expr::Kind::aggregate;
    node.aggregate = *aggregate;
    TRY(expect("("));
    if (*aggregate != Aggregate::count) {
      node.operands.push_back(TRY(expression()));
      node.depth = depth_over(node.operands);
    }
    TRY(expect(")"));
    return node;
  }

  // --- field expressions ---
  Result<Expr> expression() {
    Expr first = TRY(comparison());
    if (!is_symbol("&&") && !is_symbol("||")) return first;
    Expr node;
    node.kind = Expr::Kind::chain;
    node.operands.push_back(std::move(first));
    while (is_symbol("&&") || is_symbol("||")) {
      node.ops.push_back(*find_op(take().raw));
      node.operands.push_back(TRY(comparison()));
    }
    node.depth = depth_over(node.operands);
    TRY(bounded(node.depth));
    return node;
  }
  Result<Expr> comparison() {
    Expr left = TRY(sum());
    for (;;) {
      std::optional<Op> op;
      if (peek().kind == TokenKind::symbol) op = find_op(peek().raw);
      if (!op || !is_comparison(*op)) return left;
      take();
      left = TRY(binary(*op, std::move(left), TRY(sum())));
    }
  }
  Result<Expr> sum() {
    Expr left = TRY(product());
    while (is_symbol("+") || is_symbol("-")) {
      Op op = *find_op(take().raw);
      left = TRY(binary(op, std::move(left), TRY(product())));
    }
    return left;
  }
  Result<Expr> product() {
    Expr left = TRY(power());
    while (is_symbol("*") || is_symbol("/") || is_symbol("%")) {
      Op op = *find_op(take().raw);
      left = TRY(binary(op, std::move(left), TRY(power())));
    }
    return left;
  }
  Result<Expr> power() {
    Expr left = TRY(operand());
    if (!accept("^")) return left;
    Nested nested(nesting_);
    TRY(bounded(nesting_, kRecursionMax));
    return binary(Op::power, std::move(left), TRY(power()));
  }
  Result<Expr> operand() {
    Nested nested(nesting_);
    TRY(bounded(nesting_, kRecursionMax));
    Expr node;
    if (accept("(")) {
      node = TRY(expression());
      TRY(expect(")"));
      return node;
    }
    if (is_symbol("-") || is_symbol("!")) {
      // Both bind looser than * and tighter than + (§1.6): -a * b is -(a * b).
      bool minus = take().raw == "-";
      Expr inner = TRY(product());
      if (minus && fold_minus(inner)) return inner;
      node.kind = minus ? Expr::Kind::negate : Expr::Kind::invert;
      node.operands.push_back(std::move(inner));
      node.depth = depth_over(node.operands);
      TRY(bounded(node.depth));
      return node;
    }
    if (peek().kind == TokenKind::attribute) {
      node.kind = Expr::Kind::attribute;
      node.attribute = take().attribute;
      return node;
    }
    std::optional<Literal> literal = accept_number(false);
    if (!literal) literal = accept_literal();
    if (!literal) return unexpected();
    node.literal = std::move(*literal);
    return node;
  }

  static bool fold_minus(Expr& e) {
    if (e.kind != Expr::Kind::literal || !is_numeric(e.literal.type) || e.literal.integer == kMinInteger)
      return false;
    if (e.literal.type == Type::number)
      e.literal.number = -e.literal.number;
    else
      e.literal.integer = -e.literal.integer;
    return true;
  }

  Result<Expr> binary(Op op, Expr left, Expr right) const {
    Expr node;
    node.kind = Expr::Kind::binary;
    node.ops.push_back(op);
    node.operands.push_back(std::move(left));
    node.operands.push_back(std::move(right));
    node.depth = depth_over(node.operands);
    TRY(bounded(node.depth));
    return node;
  }

  Result<AttributeRef> attribute() {
    if (peek().kind != TokenKind::attribute) return unexpected();
    return take().attribute;
  }
  Result<std::vector<AttributeRef>> attributes() {
    std::vector<AttributeRef> out;
    do out.push_back(TRY(attribute()));
    while (accept(","));
    return out;
  }

  // An integer, number or duration, with a sign when `sign` says so.
  std::optional<Literal> accept_number(bool sign) {
    std::size_t ahead = sign && is_symbol("-") ? 1 : 0;
    const Token& token = peek(ahead);
    Expr e;
    if (token.kind == TokenKind::integer || token.kind == TokenKind::number ||
        token.kind == TokenKind::duration) {
      e.literal = token.literal;
    } else if (token.kind == TokenKind::identifier && (token.raw == "minInt" || token.raw == "maxInt")) {
      e.literal.type = Type::integer;
      e.literal.integer = token.raw == "minInt" ? kMinInteger : kMaxInteger;
    } else {
      return std::nullopt;
    }
    if (ahead == 1 && !fold_minus(e)) return std::nullopt;
    at_ += ahead + 1;
    return std::move(e.literal);
  }

  // A string or a word that is a value.
  std::optional<Literal> accept_literal() {
    Literal out;
    if (peek().kind == TokenKind::string) return take().literal;
    if (peek().kind != TokenKind::identifier) return std::nullopt;
    std::string_view word = peek().raw;
    if (word == "true" || word == "false") {
      out.type = Type::boolean;
      out.integer = word == "true" ? 1 : 0;
    } else if (word == "nil") {
      out.type = Type::nil;
    } else if (auto status = find_status(word)) {
      out.type = Type::status;
      out.integer = static_cast<std::int64_t>(*status);
    } else if (auto kind = find_kind(word)) {
      out.type = Type::kind;
      out.integer = static_cast<std::int64_t>(*kind);
    } else {
      return std::nullopt;
    }
    take();
    return out;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  std::size_t aggregates_ = 0;  // seen so far
};

}  // namespace

Result<Root> parse_query(std::string_view text) {
  if (text.size() > kQueryBytesMax)
    return Error(Code::invalid_argument,
                 "TraceQL expression exceeds the configured maximum size of " +
                     std::to_string(kQueryBytesMax) +
                     " bytes, reduce the query expression size or contact your system administrator");
  return Parser(TRY(tokenize(text))).run();
}

}  // namespace weft::traceql
