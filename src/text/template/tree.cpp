#include "text/template/tree.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "text/units.h"

namespace weft::text::templates {
namespace {

constexpr int kDepthMax = 64;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name(char c) {
  return is_digit(c) || c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

struct Piece {
  bool action = false;
  std::string_view text;
  int line = 1;
};

class Parser {
 public:
  Parser(std::string_view source, std::string_view name) : source_(source), name_(name) {}

  Result<std::vector<Node>> run() {
    TRY(split());
    std::vector<Node> out = TRY(list(0));
    if (next_ < pieces_.size()) return fail("unexpected {{" + word_of(pieces_[next_].text) + "}}");
    return out;
  }

 private:
  Error fail(std::string_view what) const {
    return Error(Code::invalid_argument,
                 "template: " + std::string(name_) + ":" + std::to_string(line_) + ": " + std::string(what));
  }

  // Text and actions, with the blanks that `{{-` and `-}}` take away gone.
  Result<void> split() {
    std::size_t at = 0;
    bool trim_next = false;
    int line = 1;
    while (at <= source_.size()) {
      std::size_t open = source_.find("{{", at);
      std::string_view text = source_.substr(at, open == source_.npos ? source_.npos : open - at);
      int text_line = line;
      line += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
      if (trim_next)
        while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
      trim_next = false;
      line_ = line;
      if (open == source_.npos) {
        if (!text.empty()) pieces_.push_back({false, text, text_line});
        return {};
      }
      std::size_t begin = open + 2;
      if (begin + 1 < source_.size() && source_[begin] == '-' && is_blank(source_[begin + 1])) {
        ++begin;
        while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
      }
      if (!text.empty()) pieces_.push_back({false, text, text_line});
      std::size_t inside = begin;
      while (inside < source_.size() && is_blank(source_[inside])) ++inside;
      if (source_.substr(inside, 2) == "/*") {
        std::size_t end = source_.find("*/", inside + 2);
        if (end == source_.npos) return fail("unclosed comment");
        std::size_t close = end + 2;
        while (close < source_.size() && is_blank(source_[close])) ++close;
        trim_next = close > end + 2 && source_.substr(close, 3) == "-}}";
        if (trim_next) ++close;
        if (source_.substr(close, 2) != "}}") return fail("comment ends before closing delimiter");
        line += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(open),
                                            source_.begin() + static_cast<std::ptrdiff_t>(close), '\n'));
        at = close + 2;
        continue;
      }
      std::size_t close = TRY(action_end(begin));
      std::string_view action = source_.substr(begin, close - begin);
      at = close + 2;
      if (action.ends_with('-') && action.size() > 1 && is_blank(action[action.size() - 2])) {
        action.remove_suffix(1);
        trim_next = true;
      }
      pieces_.push_back({true, action, line});
      line += static_cast<int>(std::count(action.begin(), action.end(), '\n'));
    }
    return {};
  }

  // Where the `}}` of an action is; quotes may hold one.
  Result<std::size_t> action_end(std::size_t at) const {
    while (at < source_.size()) {
      char c = source_[at];
      if (c == '"' || c == '`' || c == '\'') {
        std::size_t end = at + 1;
        while (end < source_.size() && source_[end] != c) {
          if (c != '`' && source_[end] == '\n') return fail("unterminated quoted string");
          end += c != '`' && source_[end] == '\\' ? 2 : 1;
        }
        if (end >= source_.size())
          return fail(c == '`' ? "unterminated raw quoted string" : "unterminated quoted string");
        at = end + 1;
        continue;
      }
      if (c == '}' && source_.substr(at, 2) == "}}") return at;
      ++at;
    }
    return fail("unclosed action");
  }

  static std::string word_of(std::string_view action) {
    while (!action.empty() && is_blank(action.front())) action.remove_prefix(1);
    std::size_t end = 0;
    while (end < action.size() && is_name(action[end])) ++end;
    return std::string(action.substr(0, end));
  }

  // Nodes up to an end, an else, or the end of everything.
  Result<std::vector<Node>> list(int depth) {
    if (depth > kDepthMax) return fail("template is nested too deeply");
    std::vector<Node> out;
    while (next_ < pieces_.size()) {
      const Piece& piece = pieces_[next_];
      line_ = piece.line;
      if (!piece.action) {
        ++next_;
        Node node;
        node.text = piece.text;
        out.push_back(std::move(node));
        continue;
      }
      std::string word = word_of(piece.text);
      if (word == "end" || word == "else") return out;
      ++next_;
      out.push_back(TRY(action(piece, word, depth)));
    }
    return out;
  }

  Result<Node> action(const Piece& piece, const std::string& word, int depth) {
    Node node;
    node.line = piece.line;
    text_ = piece.text;
    skip();
    if (word == "if" || word == "with" || word == "range") {
      node.kind = word == "if" ? Node::Kind::if_ : word == "with" ? Node::Kind::with : Node::Kind::range;
      text_.remove_prefix(word.size());
      TRY(block(node, depth));
      return node;
    }
    if (word == "break" || word == "continue") {
      node.kind = word == "break" ? Node::Kind::break_ : Node::Kind::continue_;
      if (ranges_ == 0) return fail("{{" + word + "}} outside {{range}}");
      return node;
    }
    if (word == "define" || word == "template" || word == "block")
      return fail("{{" + word + "}} is not supported in a query");
    node.kind = Node::Kind::action;
    node.pipeline = TRY(pipeline(0, false));
    if (!text_.empty()) return fail("unexpected \"" + std::string(text_.substr(0, 8)) + "\" in operand");
    return node;
  }

  Result<void> block(Node& node, int depth) {
    std::size_t known = variables_.size();
    node.pipeline = TRY(pipeline(0, node.kind == Node::Kind::range));
    if (!text_.empty()) return fail("unexpected \"" + std::string(text_.substr(0, 8)) + "\" in operand");
    ranges_ += node.kind == Node::Kind::range;
    node.body = TRY(list(depth + 1));
    ranges_ -= node.kind == Node::Kind::range;
    if (next_ >= pieces_.size()) return fail("unexpected EOF");
    Piece piece = pieces_[next_++];
    line_ = piece.line;
    if (word_of(piece.text) == "else") {
      text_ = piece.text;
      skip();
      text_.remove_prefix(4);
      skip();
      std::string word = word_of(text_);
      if ((word == "if" && node.kind == Node::Kind::if_) ||
          (word == "with" && node.kind == Node::Kind::with)) {
        // `else if` is an if inside the else that shares its end.
        text_.remove_prefix(word.size());
        if (depth > kDepthMax) return fail("template is nested too deeply");
        Node inner;
        inner.kind = node.kind;
        inner.line = piece.line;
        TRY(block(inner, depth + 1));
        node.otherwise.push_back(std::move(inner));
        variables_.resize(known);
        return {};
      }
      if (!text_.empty()) return fail("unexpected \"" + std::string(text_.substr(0, 8)) + "\" in else");
      node.otherwise = TRY(list(depth + 1));
      if (next_ >= pieces_.size()) return fail("unexpected EOF");
      piece = pieces_[next_++];
      if (word_of(piece.text) != "end") return fail("expected end; found {{else}}");
    }
    variables_.resize(known);
    return {};
  }

  // --- inside one action ---
  void skip() {
    while (!text_.empty() && is_blank(text_.front())) text_.remove_prefix(1);
  }
  bool accept(std::string_view want) {
    if (!text_.starts_with(want)) return false;
    text_.remove_prefix(want.size());
    return true;
  }

  std::string_view name() {
    std::size_t end = 0;
    while (end < text_.size() && is_name(text_[end])) ++end;
    std::string_view out = text_.substr(0, end);
    text_.remove_prefix(end);
    return out;
  }

  Result<Pipeline> pipeline(int depth, bool in_range) {
    if (depth > kDepthMax) return fail("template is nested too deeply");
    Pipeline out;
    skip();
    TRY(declaration(out, in_range));
    std::vector<std::string> declared;
    while (true) {
      Command next = TRY(command(depth));
      if (next.operands.empty())
        return fail(out.commands.empty() ? "missing value for command" : "missing value for command");
      bool callable = next.operands[0].kind == Operand::Kind::function || next.operands.size() == 1;
      if (!out.commands.empty() && next.operands[0].kind == Operand::Kind::constant)
        return fail("non executable command in pipeline stage " + std::to_string(out.commands.size() + 1));
      if (!callable) return fail("can't give argument to non-function");
      out.commands.push_back(std::move(next));
      skip();
      if (!text_.starts_with('|')) break;
      text_.remove_prefix(1);
    }
    if (!out.assigns) variables_.insert(variables_.end(), out.variables.begin(), out.variables.end());
    return out;
  }

  // `$x :=`, `$x =`, `$i, $e :=`
  Result<void> declaration(Pipeline& out, bool in_range) {
    std::string_view saved = text_;
    std::vector<std::string> names;
    while (accept("$")) {
      names.push_back("$" + std::string(name()));
      skip();
      if (names.size() == 1 && in_range && accept(",")) {
        skip();
        continue;
      }
      break;
    }
    bool declares = !names.empty() && accept(":=");
    bool assigns = !names.empty() && !declares && text_.starts_with('=') && accept("=");
    if (!declares && !assigns) {
      text_ = saved;
      return {};
    }
    out.assigns = assigns;
    if (assigns)
      for (const std::string& variable : names)
        if (!known(variable)) return fail("undefined variable \"" + variable + "\"");
    out.variables = std::move(names);
    return {};
  }

  bool known(std::string_view variable) const {
    return variable == "$" || std::find(variables_.begin(), variables_.end(), variable) != variables_.end();
  }

  Result<Command> command(int depth) {
    Command out;
    while (true) {
      skip();
      if (text_.empty() || text_[0] == '|' || text_[0] == ')') return out;
      out.operands.push_back(TRY(operand(depth)));
      if (!text_.empty() && !is_blank(text_[0]) && text_[0] != '|' && text_[0] != ')')
        return fail("unexpected \"" + std::string(text_.substr(0, 8)) + "\" in operand");
    }
  }

  Result<Operand> operand(int depth) {
    Operand out;
    char c = text_[0];
    if (c == '(') {
      text_.remove_prefix(1);
      out.kind = Operand::Kind::pipeline;
      out.pipeline = std::make_unique<const Pipeline>(TRY(pipeline(depth + 1, false)));
      if (!accept(")")) return fail("unclosed left paren");
    } else if (c == '"' || c == '`' || c == '\'') {
      out.kind = Operand::Kind::constant;
      out.constant = TRY(quoted());
    } else if (is_digit(c) ||
               ((c == '-' || c == '+') && text_.size() > 1 && (is_digit(text_[1]) || text_[1] == '.')) ||
               (c == '.' && text_.size() > 1 && is_digit(text_[1]))) {
      out.kind = Operand::Kind::constant;
      out.constant = TRY(number());
      return out;
    } else if (c == '$') {
      text_.remove_prefix(1);
      out.name = "$" + std::string(name());
      out.kind = out.name == "$" ? Operand::Kind::root : Operand::Kind::variable;
      if (!known(out.name)) return fail("undefined variable \"" + out.name + "\"");
    } else if (c == '.') {
      out.kind = Operand::Kind::dot;
      if (text_.size() == 1 || !is_name(text_[1])) {
        text_.remove_prefix(1);
        return out;
      }
    } else if (is_name(c)) {
      TRY(word(out));
    } else {
      return fail("unexpected \"" + std::string(1, c) + "\" in command");
    }
    while (text_.size() > 1 && text_[0] == '.' && is_name(text_[1])) {
      text_.remove_prefix(1);
      out.fields.emplace_back(name());
    }
    return out;
  }

  Result<void> word(Operand& out) {
    std::string word(name());
    out.kind = Operand::Kind::constant;
    if (word == "true" || word == "false") {
      out.constant = word == "true";
    } else if (word == "nil") {
      out.constant = Nil();
    } else {
      out.kind = Operand::Kind::function;
      out.function = find_function(word);
      if (!out.function && !is_builtin(word)) return fail("function \"" + word + "\" not defined");
      out.name = std::move(word);
    }
    return {};
  }

  Result<Value> number() {
    std::size_t end = 1;
    while (end < text_.size() &&
           (is_name(text_[end]) || text_[end] == '.' ||
            ((text_[end] == '-' || text_[end] == '+') && (text_[end - 1] | 0x20) == 'e')))
      ++end;
    std::string word(text_.substr(0, end));
    text_.remove_prefix(end);
    word.erase(std::remove(word.begin(), word.end(), '_'), word.end());
    bool hex = word.find("0x") != word.npos || word.find("0X") != word.npos;
    if (hex || word.find_first_of(".eE") == word.npos) {
      Value value = to_int(Value(word));
      bool zero = word.find_first_not_of("+-0xXbBoO") == word.npos;
      if (to_int(value) != 0 || zero) return value;
    }
    auto value = parse_float(word);
    if (!value) return fail("bad number syntax: \"" + word + "\"");
    return Value(*value);
  }

  // "…" with Go's escapes, `…`, 'c'.
  Result<Value> quoted() {
    char quote = text_[0];
    std::string out;
    std::size_t i = 1;
    for (; i < text_.size() && text_[i] != quote; ++i) {
      if (quote == '`' || text_[i] != '\\') {
        out += text_[i];
        continue;
      }
      if (++i >= text_.size() || !escape(i, out)) return fail("invalid escape in quoted string");
    }
    text_.remove_prefix(std::min(i + 1, text_.size()));
    if (quote != '\'') return Value(std::move(out));
    Rune rune = out.empty() ? Rune{} : decode_rune(out, 0);
    if (rune.length == 0 || rune.length != out.size()) return fail("malformed character constant");
    return Value(static_cast<std::int64_t>(rune.value));
  }

  // Leaves `i` at the last character of the escape.
  bool escape(std::size_t& i, std::string& out) const {
    char c = text_[i];
    static constexpr std::string_view kFrom = "abfnrtv\\\"'", kTo = "\a\b\f\n\r\t\v\\\"'";
    if (std::size_t k = kFrom.find(c); k != kFrom.npos) {
      out += kTo[k];
      return true;
    }
    std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0 || i + digits >= text_.size()) return false;
    std::uint32_t value = 0;
    for (std::size_t k = 1; k <= digits; ++k) {
      char d = text_[i + k];
      int digit = is_digit(d) ? d - '0' : (d | 0x20) >= 'a' && (d | 0x20) <= 'f' ? (d | 0x20) - 'a' + 10 : -1;
      if (digit < 0) return false;
      value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    i += digits;
    if (c == 'x') {
      out += static_cast<char>(value);
    } else {
      if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return false;
      append_rune(out, value);
    }
    return true;
  }

  std::string_view source_, name_;
  std::vector<Piece> pieces_;
  std::size_t next_ = 0;
  int line_ = 1;
  int ranges_ = 0;
  std::string_view text_;  // what is left of the action
  std::vector<std::string> variables_;
};

}  // namespace

bool is_builtin(std::string_view name) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice", "call"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Result<std::vector<Node>> parse_template(std::string_view source, std::string_view name) {
  return Parser(source, name).run();
}

}  // namespace weft::text::templates
