#include "logql/syntax/parser.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

#include "logql/stages/format.h"
#include "logql/stages/label_filter.h"
#include "logql/stages/labels.h"
#include "logql/stages/line_filter.h"
#include "logql/stages/parsers.h"
#include "logql/syntax/check.h"
#include "logql/syntax/lexer.h"
#include "model/limits.h"

// Recursive descent over the tokens of a query. Errors read as those of Loki's generated parser:
// "unexpected X, expecting A or B", where the list is left out when there are more than four.

namespace weft::logql {
namespace {

// A tree deeper than this is refused: `a+a+a+…` makes one level of each operator.
constexpr int kTreeDepthMax = 512;

class Parser {
 public:
  explicit Parser(std::vector<Lexeme> lexemes) : lexemes_(std::move(lexemes)) {}

  Result<ExprPtr> query() {
    if (at(Token::end)) return semantic_error("syntax error: unexpected $end");
    ExprPtr out = TRY(expression(0));
    if (!at(Token::end)) return unexpected({});
    return out;
  }

  Result<std::vector<exec::LabelMatcher>> selector_only() {
    if (!at(Token::open_brace)) return unexpected({});
    auto out = TRY(selector());
    if (!at(Token::end)) return unexpected({});
    return out;
  }

 private:
  // --- tokens ---
  const Lexeme& peek(std::size_t ahead = 0) const {
    return lexemes_[std::min(next_ + ahead, lexemes_.size() - 1)];
  }
  bool at(Token token) const { return peek().token == token; }
  const Lexeme& take() { return lexemes_[std::min(next_++, lexemes_.size() - 1)]; }
  bool accept(Token token) {
    if (!at(token)) return false;
    take();
    return true;
  }

  Error unexpected(std::initializer_list<std::string_view> expected) const {
    const Lexeme& found = peek();
    std::string_view name = name_of(found.token);
    std::string what = "syntax error: unexpected ";
    what += name.empty() ? std::string_view(found.text) : name;
    const char* glue = ", expecting ";
    for (std::string_view item : expected) {
      what.append(glue).append(item);
      glue = " or ";
    }
    return error_at(found, what);
  }

  Result<void> expect(Token token, std::initializer_list<std::string_view> expected) {
    if (!accept(token)) return unexpected(expected);
    return {};
  }

  Result<std::string> string(std::initializer_list<std::string_view> expected) {
    if (!at(Token::string)) return unexpected(expected);
    return take().text;
  }

  // Parentheses and the like; every level of recursion passes here.
  struct Level {
    explicit Level(int& depth) : depth_(depth) { ++depth_; }
    ~Level() { --depth_; }
    int& depth_;
  };
  Result<void> check_nesting() const {
    if (nesting_ <= kNestingMax) return {};
    return error_at(peek(), "query is nested deeper than " + std::to_string(kNestingMax) + " levels");
  }

  // --- selectors ---
  Result<std::vector<exec::LabelMatcher>> selector() {
    take();  // {
    std::vector<exec::LabelMatcher> out;
    if (accept(Token::close_brace)) return out;
    while (true) {
      if (!at(Token::identifier))
        return out.empty() ? unexpected({"IDENTIFIER", "}"}) : unexpected({"IDENTIFIER"});
      std::string name = take().text;
      out.push_back(TRY(matcher(std::move(name), {"=", "=~", "!~", "!="})));
      if (accept(Token::close_brace)) return out;
      TRY(expect(Token::comma, {"}", ","}));
    }
  }

  static std::optional<exec::MatchOp> match_op(Token token) {
    switch (token) {
      case Token::equal: return exec::MatchOp::equal;
      case Token::not_equal: return exec::MatchOp::not_equal;
      case Token::matches: return exec::MatchOp::regex;
      case Token::not_matches: return exec::MatchOp::not_regex;
      default: return std::nullopt;
    }
  }

  Result<exec::LabelMatcher> matcher(std::string name, std::initializer_list<std::string_view> expected) {
    auto op = match_op(peek().token);
    if (!op) return unexpected(expected);
    take();
    std::string value = TRY(string({"STRING"}));
    auto made = exec::StringMatcher::make(*op, std::move(value));
    if (!made) return semantic_error(made.error().message());
    return exec::LabelMatcher{std::move(name), *std::move(made)};
  }

  // --- pipelines ---
  static bool begins_stage(Token token) {
    switch (token) {
      case Token::pipe:
      case Token::pipe_equal:
      case Token::not_equal:
      case Token::pipe_matches:
      case Token::not_matches:
      case Token::pipe_pattern:
      case Token::not_pattern: return true;
      default: return false;
    }
  }

  using StagePtr = std::unique_ptr<const Stage>;

  // A stage that could not be made, in Loki's words: with the stage as it would be printed, or (for
  // the parsers of lines) with the name of the parser.
  static Result<StagePtr> finish(Result<StagePtr> made, const std::string& prefix) {
    if (made) return made;
    return semantic_error(prefix + made.error().message());
  }
  static std::string in_stage(const std::string& shown) { return "stage '" + shown + "' : "; }

  // Stages up to something that is none; `| unwrap` is left to the caller.
  Result<void> pipeline(std::vector<StagePtr>& out) {
    while (begins_stage(peek().token)) {
      if (at(Token::pipe) && peek(1).token == Token::unwrap) return {};
      out.push_back(TRY(stage()));
    }
    return {};
  }

  Result<StagePtr> stage() {
    if (!at(Token::pipe)) return line_filter();
    take();
    switch (peek().token) {
      case Token::json: return json();
      case Token::logfmt: return logfmt();
      case Token::regexp: {
        take();
        std::string text = TRY(string({"STRING"}));
        return finish(make_regexp(text), "invalid regexp parser: ");
      }
      case Token::pattern: {
        take();
        std::string text = TRY(string({"STRING"}));
        return finish(make_pattern(text), "invalid pattern parser: ");
      }
      case Token::unpack: take(); return make_unpack();
      case Token::decolorize: take(); return make_decolorize();
      case Token::line_format: {
        take();
        std::string text = TRY(string({"STRING"}));
        std::string shown = "| line_format " + quoted(text);
        return finish(make_line_format(std::move(text)), in_stage(shown));
      }
      case Token::label_format: return label_format();
      case Token::drop: take(); return make_drop(TRY(choices()));
      case Token::keep: take(); return make_keep(TRY(choices()));
      case Token::identifier:
      case Token::open_paren: return make_label_filter(TRY(condition(0)));
      default: return unexpected({});
    }
  }

  Result<StagePtr> line_filter() {
    static constexpr std::pair<Token, LineOp> kOps[] = {
        {Token::pipe_equal, LineOp::contains},  {Token::not_equal, LineOp::not_contains},
        {Token::pipe_matches, LineOp::matches}, {Token::not_matches, LineOp::not_matches},
        {Token::pipe_pattern, LineOp::pattern}, {Token::not_pattern, LineOp::not_pattern}};
    LineOp op = LineOp::contains;
    std::string shown = peek().text;
    for (auto [token, meaning] : kOps)
      if (at(token)) op = meaning;
    take();
    std::vector<LineOperand> operands;
    do {
      LineOperand operand;
      if (accept(Token::ip)) {
        operand.ip = true;
        TRY(expect(Token::open_paren, {"("}));
        operand.text = TRY(string({"STRING"}));
        TRY(expect(Token::close_paren, {")"}));
      } else {
        operand.text = TRY(string({"STRING", "ip"}));
      }
      shown += (operands.empty() ? " " : " or ") +
               (operand.ip ? "ip(" + quoted(operand.text) + ")" : quoted(operand.text));
      operands.push_back(std::move(operand));
    } while (accept(Token::or_));
    return finish(make_line_filter(op, std::move(operands)), in_stage(shown));
  }

  Result<std::vector<Extraction>> extractions() {
    std::vector<Extraction> out;
    if (!at(Token::identifier)) return out;
    do {
      if (!at(Token::identifier)) return unexpected({"IDENTIFIER"});
      Extraction item;
      item.name = item.expression = take().text;
      if (accept(Token::equal)) item.expression = TRY(string({"STRING"}));
      out.push_back(std::move(item));
    } while (accept(Token::comma));
    return out;
  }

  Result<StagePtr> json() {
    take();
    std::vector<Extraction> items = TRY(extractions());
    std::string shown = "| json ";
    for (std::size_t i = 0; i < items.size(); ++i)
      shown += (i > 0 ? "," : "") + items[i].name + "=" + quoted(items[i].expression);
    return finish(make_json(std::move(items)), in_stage(shown));
  }

  Result<StagePtr> logfmt() {
    take();
    LogfmtOptions options;
    while (at(Token::function_flag)) {
      (peek().text == "--strict" ? options.strict : options.keep_empty) = true;
      take();
    }
    return make_logfmt(options, TRY(extractions()));
  }

  Result<StagePtr> label_format() {
    take();
    std::vector<LabelAssignment> out;
    std::string shown = "| label_format ";
    do {
      if (!at(Token::identifier)) return unexpected({"IDENTIFIER"});
      LabelAssignment item;
      item.target = take().text;
      TRY(expect(Token::equal, {"="}));
      item.rename = at(Token::identifier);
      item.source = item.rename ? take().text : TRY(string({"IDENTIFIER", "STRING"}));
      shown +=
          (out.empty() ? "" : ",") + item.target + "=" + (item.rename ? item.source : quoted(item.source));
      out.push_back(std::move(item));
    } while (accept(Token::comma));
    return finish(make_label_format(std::move(out)), in_stage(shown));
  }

  Result<std::vector<LabelChoice>> choices() {
    std::vector<LabelChoice> out;
    do {
      if (!at(Token::identifier)) return unexpected({"IDENTIFIER"});
      LabelChoice item;
      item.name = take().text;
      if (match_op(peek().token) && peek(1).token == Token::string) item.matcher = TRY(matcher(item.name, {}))
      .matcher;
      out.push_back(std::move(item));
    } while (accept(Token::comma));
    return out;
  }

  // --- label filters ---
  // `and` binds tighter than `or`; a comma or mere juxtaposition has no precedence in Loki's grammar
  // and takes everything that follows it: `a or b, c or d` is `a or (b and (c or d))`.
  Result<Condition> condition(int precedence) {
    Level level(nesting_);
    TRY(check_nesting());
    Condition left = TRY(simple_condition());
    int chain = 0;
    while (true) {
      if (++chain > kTreeDepthMax) return error_at(peek(), "label filter has too many conditions");
      if (at(Token::comma) || at(Token::identifier) || at(Token::open_paren)) {
        accept(Token::comma);
        Condition right = TRY(condition(0));
        return make_and(std::move(left), std::move(right));
      }
      if (at(Token::or_) && precedence < 1) {
        take();
        Condition right = TRY(condition(1));
        left = make_or(std::move(left), std::move(right));
      } else if (at(Token::and_) && precedence < 2) {
        take();
        Condition right = TRY(condition(2));
        left = make_and(std::move(left), std::move(right));
      } else {
        return left;
      }
    }
  }

  Result<Condition> simple_condition() {
    if (accept(Token::open_paren)) {
      Condition inner = TRY(condition(0));
      TRY(expect(Token::close_paren, {}));
      return inner;
    }
    if (!at(Token::identifier)) return unexpected({});
    std::string name = take().text;
    Token op = peek().token;
    if (op == Token::matches || op == Token::not_matches)
      return make_string_condition(TRY(matcher(name, {})));
    static constexpr std::pair<Token, CompareOp> kOps[] = {{Token::equal, CompareOp::equal},
                                                           {Token::compare_equal, CompareOp::equal},
                                                           {Token::not_equal, CompareOp::not_equal},
                                                           {Token::greater, CompareOp::greater},
                                                           {Token::greater_equal, CompareOp::greater_equal},
                                                           {Token::less, CompareOp::less},
                                                           {Token::less_equal, CompareOp::less_equal}};
    std::optional<CompareOp> compare;
    for (auto [token, meaning] : kOps)
      if (op == token) compare = meaning;
    if (!compare) return unexpected({});
    bool plain = op == Token::equal || op == Token::not_equal;
    if (plain && peek(1).token == Token::string) return make_string_condition(TRY(matcher(name, {})));
    take();
    if (plain && accept(Token::ip)) {
      TRY(expect(Token::open_paren, {"("}));
      std::string pattern = TRY(string({"STRING"}));
      TRY(expect(Token::close_paren, {")"}));
      auto made = make_ip_condition(name, op == Token::not_equal, std::move(pattern));
      if (!made) return semantic_error(made.error().message());
      return made;
    }
    if (at(Token::duration)) return make_duration_condition(name, *compare, take().duration_ns);
    if (at(Token::bytes)) return make_bytes_condition(name, *compare, take().value);
    if (auto value = TRY(number())) return make_number_condition(name, *compare, *value);
    return unexpected({});
  }

  // A number with or without a sign; nothing when there is none.
  Result<std::optional<double>> number() {
    bool negative = at(Token::subtract);
    if (negative || at(Token::add)) {
      take();
      if (!at(Token::number)) return unexpected({"NUMBER"});
    }
    if (!at(Token::number)) return std::optional<double>();
    double value = take().value;
    return std::optional<double>(negative ? -value : value);
  }

  // --- metric queries ---
  Result<ExprPtr> make(Expr expr, std::initializer_list<const Expr*> children = {}) {
    for (const Expr* child : children) expr.depth = std::max(expr.depth, child->depth + 1);
    if (expr.depth > kTreeDepthMax)
      return error_at(peek(), "query has more than " + std::to_string(kTreeDepthMax) + " levels");
    return ExprPtr(std::make_unique<const Expr>(std::move(expr)));
  }

  static std::optional<std::pair<BinaryOp, int>> binary_op(Token token) {
    switch (token) {
      case Token::or_: return {{BinaryOp::or_, 1}};
      case Token::and_: return {{BinaryOp::and_, 2}};
      case Token::unless: return {{BinaryOp::unless, 2}};
      case Token::compare_equal: return {{BinaryOp::equal, 3}};
      case Token::not_equal: return {{BinaryOp::not_equal, 3}};
      case Token::greater: return {{BinaryOp::greater, 3}};
      case Token::greater_equal: return {{BinaryOp::greater_equal, 3}};
      case Token::less: return {{BinaryOp::less, 3}};
      case Token::less_equal: return {{BinaryOp::less_equal, 3}};
      case Token::add: return {{BinaryOp::add, 4}};
      case Token::subtract: return {{BinaryOp::subtract, 4}};
      case Token::multiply: return {{BinaryOp::multiply, 5}};
      case Token::divide: return {{BinaryOp::divide, 5}};
      case Token::modulo: return {{BinaryOp::modulo, 5}};
      case Token::power: return {{BinaryOp::power, 6}};
      default: return std::nullopt;
    }
  }

  Result<ExprPtr> expression(int precedence) {
    Level level(nesting_);
    TRY(check_nesting());
    ExprPtr left = TRY(primary());
    while (auto found = binary_op(peek().token)) {
      auto [op, strength] = *found;
      if (strength <= precedence) break;
      take();
      BinaryExpr node;
      node.op = op;
      node.return_bool = accept(Token::bool_);
      TRY(matching(node));
      // ^ groups to the right, the others to the left.
      ExprPtr right = TRY(expression(op == BinaryOp::power ? strength - 1 : strength));
      left = TRY(combine(std::move(node), std::move(left), std::move(right)));
    }
    return left;
  }

  Result<void> matching(BinaryExpr& node) {
    if (!at(Token::on) && !at(Token::ignoring)) return {};
    node.has_matching = true;
    node.on = take().token == Token::on;
    node.matching = TRY(names());
    if (!at(Token::group_left) && !at(Token::group_right)) return {};
    node.cardinality =
        take().token == Token::group_left ? Cardinality::many_to_one : Cardinality::one_to_many;
    // An opening parenthesis may also begin the right-hand side: a list of names ends in one step.
    if (at(Token::open_paren) && (peek(1).token == Token::close_paren ||
                                  (peek(1).token == Token::identifier &&
                                   (peek(2).token == Token::close_paren || peek(2).token == Token::comma))))
      node.include = TRY(names());
    return {};
  }

  Result<ExprPtr> combine(BinaryExpr node, ExprPtr left, ExprPtr right) {
    TRY(check_operands(node.op, *left, *right));
    auto* a = left->as<LiteralExpr>();
    auto* b = right->as<LiteralExpr>();
    if (a && b) {
      double value = is_comparison(node.op) ? (apply_comparison(node.op, a->value, b->value) ? 1 : 0)
                                            : apply_arithmetic(node.op, a->value, b->value);
      return make({LiteralExpr{value}});
    }
    node.left = std::move(left);
    node.right = std::move(right);
    const Expr *l = node.left.get(), *r = node.right.get();
    return make({std::move(node)}, {l, r});
  }

  // (a, b)
  Result<std::vector<std::string>> names() {
    TRY(expect(Token::open_paren, {"("}));
    std::vector<std::string> out;
    if (accept(Token::close_paren)) return out;
    while (true) {
      if (!at(Token::identifier))
        return out.empty() ? unexpected({"IDENTIFIER", ")"}) : unexpected({"IDENTIFIER"});
      out.push_back(take().text);
      if (accept(Token::close_paren)) return out;
      TRY(expect(Token::comma, {")", ","}));
    }
  }

  Result<std::optional<Grouping>> grouping() {
    std::optional<Grouping> out;
    if (!at(Token::by) && !at(Token::without)) return out;
    out.emplace();
    out->without = take().token == Token::without;
    out->names = TRY(names());
    return out;
  }

  Result<ExprPtr> primary() {
    switch (peek().token) {
      case Token::open_brace: return log_query();
      case Token::open_paren: {
        take();
        ExprPtr inner = TRY(expression(0));
        TRY(expect(Token::close_paren, {}));
        return inner;
      }
      case Token::range_function: return range_aggregation();
      case Token::vector_function: return vector_aggregation();
      case Token::label_replace: return label_replace();
      case Token::vector_literal: {
        take();
        TRY(expect(Token::open_paren, {"("}));
        if (!at(Token::number)) return unexpected({"NUMBER"});
        double value = take().value;
        TRY(expect(Token::close_paren, {")"}));
        return make({VectorExpr{value}});
      }
      default: break;
    }
    if (auto value = TRY(number())) return make({LiteralExpr{*value}});
    return unexpected({});
  }

  Result<ExprPtr> log_query() {
    LogExpr log;
    log.matchers = TRY(selector());
    TRY(pipeline(log.stages));
    TRY(check_selector(log.matchers));
    return make({std::move(log)});
  }

  Result<ExprPtr> range_aggregation() {
    RangeExpr node;
    node.op = *range_op(take().text);
    TRY(expect(Token::open_paren, {"("}));
    if (at(Token::number)) {
      node.parameter = take().value;
      TRY(expect(Token::comma, {","}));
    }
    TRY(log_range(node));
    TRY(expect(Token::close_paren, {")"}));
    node.grouping = TRY(grouping());
    TRY(check_range(node));
    return make({std::move(node)});
  }

  // Selector, pipeline, unwrap, range and offset in the orders that the grammar allows.
  Result<void> log_range(RangeExpr& node) {
    Level level(nesting_);
    TRY(check_nesting());
    bool has_range = false;
    if (accept(Token::open_paren)) {
      TRY(log_range_body(node, has_range));
      TRY(expect(Token::close_paren, {}));
      if (has_range) return {};
      if (!at(Token::range)) return unexpected({});
      TRY(range(node));
      return {};
    }
    TRY(log_range_body(node, has_range));
    if (!has_range) return unexpected({});
    return {};
  }

  // Inside parentheses the range may come behind them.
  Result<void> log_range_body(RangeExpr& node, bool& has_range) {
    if (at(Token::open_paren)) {
      // ((…)): another pair.
      TRY(log_range(node));
      has_range = true;
      return {};
    }
    if (!at(Token::open_brace)) return unexpected({});
    node.log.matchers = TRY(selector());
    if (at(Token::range)) {
      TRY(range(node));
      has_range = true;
    }
    TRY(pipeline(node.log.stages));
    if (at(Token::pipe)) TRY(unwrap(node));
    if (!has_range && at(Token::range)) {
      TRY(range(node));
      has_range = true;
    }
    return check_selector(node.log.matchers);
  }

  Result<void> range(RangeExpr& node) {
    node.range_ns = take().duration_ns;
    if (!accept(Token::offset)) return {};
    if (!at(Token::duration)) return unexpected({"DURATION"});
    node.offset_ns = take().duration_ns;
    return {};
  }

  Result<void> unwrap(RangeExpr& node) {
    take();  // |
    take();  // unwrap
    Unwrap out;
    if (at(Token::convert_function)) {
      const std::string& name = take().text;
      out.convert = name == "bytes"      ? Unwrap::Convert::bytes
                    : name == "duration" ? Unwrap::Convert::duration
                                         : Unwrap::Convert::duration_seconds;
      TRY(expect(Token::open_paren, {"("}));
      if (!at(Token::identifier)) return unexpected({"IDENTIFIER"});
      out.label = take().text;
      TRY(expect(Token::close_paren, {")"}));
    } else {
      if (!at(Token::identifier)) return unexpected({});
      out.label = take().text;
    }
    node.unwrap = std::move(out);
    while (accept(Token::pipe)) node.after_unwrap.push_back(make_label_filter(TRY(condition(0))));
    return {};
  }

  Result<ExprPtr> vector_aggregation() {
    AggregateExpr node;
    node.op = *vector_op(take().text);
    node.grouping = TRY(grouping());
    TRY(expect(Token::open_paren, {"("}));
    if (at(Token::number) && peek(1).token == Token::comma) {
      node.parameter = take().value;
      take();
    }
    node.inner = TRY(expression(0));
    if (node.inner->as<LogExpr>()) return unexpected({});  // a range was to follow
    TRY(expect(Token::close_paren, {}));
    if (!node.grouping) node.grouping = TRY(grouping());
    TRY(check_aggregate(node));
    const Expr* inner = node.inner.get();
    return make({std::move(node)}, {inner});
  }

  Result<ExprPtr> label_replace() {
    take();
    TRY(expect(Token::open_paren, {"("}));
    ExprPtr inner = TRY(expression(0));
    if (inner->as<LogExpr>()) return unexpected({});
    std::string texts[4];
    for (std::string& text : texts) {
      TRY(expect(Token::comma, {","}));
      text = TRY(string({"STRING"}));
    }
    TRY(expect(Token::close_paren, {")"}));
    auto regexp = text::Regexp::compile(texts[3], {.anchored = true});
    if (!regexp) return semantic_error("invalid regex in label_replace: " + regexp.error().message());
    const Expr* child = inner.get();
    return make(
        {LabelReplaceExpr{std::move(inner), texts[0], texts[1], texts[2], texts[3], *std::move(regexp)}},
        {child});
  }

  std::vector<Lexeme> lexemes_;
  std::size_t next_ = 0;
  int nesting_ = 0;
};

}  // namespace

double apply_arithmetic(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::add: return left + right;
    case BinaryOp::subtract: return left - right;
    case BinaryOp::multiply: return left * right;
    // Loki, unlike Prometheus, has no infinities from dividing by zero.
    case BinaryOp::divide: return right == 0 ? std::numeric_limits<double>::quiet_NaN() : left / right;
    case BinaryOp::modulo:
      return right == 0 ? std::numeric_limits<double>::quiet_NaN() : std::fmod(left, right);
    case BinaryOp::power: return std::pow(left, right);
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

bool apply_comparison(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::equal: return left == right;
    case BinaryOp::not_equal: return left != right;
    case BinaryOp::greater: return left > right;
    case BinaryOp::greater_equal: return left >= right;
    case BinaryOp::less: return left < right;
    case BinaryOp::less_equal: return left <= right;
    default: return false;
  }
}

Result<ExprPtr> parse_query(std::string_view text) {
  return Parser(TRY(lex(text))).query();
}

Result<std::vector<exec::LabelMatcher>> parse_matchers(std::string_view text) {
  return Parser(TRY(lex(text))).selector_only();
}

}  // namespace weft::logql
