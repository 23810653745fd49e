#include "text/template.h"

#include <algorithm>
#include <utility>

#include "text/template/tree.h"
#include "text/template/value.h"

namespace weft::text {

using templates::Command;
using templates::Function;
using templates::List;
using templates::Map;
using templates::Nil;
using templates::Node;
using templates::Operand;
using templates::Pipeline;
using templates::Value;

struct Template::Impl {
  std::string name;
  std::vector<Node> nodes;
  std::vector<std::string> fields;
  bool uses_all = false;
};

namespace {

// Nodes that one execution may run: a template cannot loop but over data, so it is generous.
constexpr std::size_t kStepsMax = 1'000'000;

Error failed(std::string message) {
  return Error(Code::invalid_argument, std::move(message));
}

// Which labels a template reads.
class FieldCollector {
 public:
  void nodes(const std::vector<Node>& list, bool dot_is_root) {
    for (const Node& node : list) {
      pipeline(node.pipeline, dot_is_root);
      bool inside = dot_is_root && node.kind != Node::Kind::with && node.kind != Node::Kind::range;
      nodes(node.body, inside);
      nodes(node.otherwise, dot_is_root);
    }
  }

  std::vector<std::string> fields;
  bool all = false;

 private:
  void pipeline(const Pipeline& p, bool dot_is_root) {
    for (const Command& command : p.commands)
      for (const Operand& operand : command.operands) {
        if (operand.pipeline) pipeline(*operand.pipeline, dot_is_root);
        bool root =
            operand.kind == Operand::Kind::root || (operand.kind == Operand::Kind::dot && dot_is_root);
        if (!root) continue;
        if (operand.fields.empty()) {
          all = true;
        } else if (std::find(fields.begin(), fields.end(), operand.fields[0]) == fields.end()) {
          fields.push_back(operand.fields[0]);
        }
      }
  }
};

class Executor {
 public:
  Executor(const TemplateFields& fields, std::string& out)
      : fields_(fields),
        context_{fields.line(), fields.time_ns(), fields.now_ns()},
        out_(out),
        limit_(out.size() + templates::kTemplateBytesMax) {}

  Result<void> run(const std::vector<Node>& nodes) {
    TRY(list(nodes, templates::Fields()));
    return {};
  }

 private:
  enum class Flow : unsigned char { next, break_, continue_ };

  Result<Flow> list(const std::vector<Node>& nodes, const Value& dot) {
    for (const Node& node : nodes) {
      Flow flow = TRY(run_node(node, dot));
      if (flow != Flow::next) return flow;
    }
    return Flow::next;
  }

  Result<Flow> run_node(const Node& node, const Value& dot) {
    if (++steps_ > kStepsMax) return failed("template runs too long");
    switch (node.kind) {
      case Node::Kind::text: out_ += node.text; break;
      case Node::Kind::break_: return Flow::break_;
      case Node::Kind::continue_: return Flow::continue_;
      case Node::Kind::action: {
        TRY(print_fast(node.pipeline, dot));
        break;
      }
      case Node::Kind::if_:
      case Node::Kind::with: {
        std::size_t known = variables_.size();
        Value value = TRY(evaluate(node.pipeline, dot));
        bool yes = truth(value);
        auto flow =
            yes ? list(node.body, node.kind == Node::Kind::with ? value : dot) : list(node.otherwise, dot);
        variables_.resize(known);
        if (!flow) return flow;
        if (*flow != Flow::next) return flow;
        break;
      }
      case Node::Kind::range: return range(node, dot);
    }
    if (out_.size() > limit_) return failed("output is larger than 4 MiB");
    return Flow::next;
  }

  // `{{ .label }}` is most of what templates are made of: its text goes straight to the output.
  Result<void> print_fast(const Pipeline& p, const Value& dot) {
    if (p.variables.empty() && p.commands.size() == 1 && p.commands[0].operands.size() == 1) {
      const Operand& operand = p.commands[0].operands[0];
      bool root = operand.kind == Operand::Kind::root ||
                  (operand.kind == Operand::Kind::dot && dot.as<templates::Fields>());
      if (root && operand.fields.size() == 1) {
        out_ += fields_.get(operand.fields[0]);
        return {};
      }
    }
    Value value = TRY(evaluate(p, dot));
    if (p.variables.empty()) out_ += text_of(value);
    return {};
  }

  Result<Flow> range(const Node& node, const Value& dot) {
    std::size_t known = variables_.size();
    Value over = TRY(run_commands(node.pipeline, dot));
    std::size_t count = 0;
    auto item = [&](Value key, Value value) -> Result<bool> {
      if (++steps_ > kStepsMax) return failed("template runs too long");
      ++count;
      const auto& names = node.pipeline.variables;
      if (names.size() == 1) TRY(set_variable(node.pipeline, names[0], value));
      if (names.size() == 2) {
        TRY(set_variable(node.pipeline, names[0], std::move(key)));
        TRY(set_variable(node.pipeline, names[1], value));
      }
      Flow flow = TRY(list(node.body, value));
      variables_.resize(known);
      return flow != Flow::break_;
    };
    if (over.as<templates::Fields>()) over = all_fields();
    if (const auto* values = over.as<std::shared_ptr<const List>>()) {
      auto keep = *values;
      for (std::size_t i = 0; i < keep->size(); ++i)
        if (!TRY(item(static_cast<std::int64_t>(i), (*keep)[i]))) break;
    } else if (const auto* map = over.as<std::shared_ptr<const Map>>()) {
      auto keep = *map;
      for (const auto& [key, value] : *keep)
        if (!TRY(item(key, value))) break;
    } else if (const auto* number = over.as<std::int64_t>()) {
      for (std::int64_t i = 0; i < *number; ++i)
        if (!TRY(item(i, i))) break;
    } else if (!over.as<Nil>()) {
      return failed("range can't iterate over " + text_of(over));
    }
    if (count == 0) return list(node.otherwise, dot);
    return Flow::next;
  }

  // --- values ---
  Value all_fields() const {
    Map map;
    fields_.each(
        [&](std::string_view name, std::string_view value) { map[std::string(name)] = std::string(value); });
    return std::make_shared<const Map>(std::move(map));
  }

  std::string text_of(const Value& value) const {
    return templates::to_text(value.as<templates::Fields>() ? all_fields() : value);
  }
  bool truth(const Value& value) const {
    return templates::is_true(value.as<templates::Fields>() ? all_fields() : value);
  }

  Result<void> set_variable(const Pipeline& p, const std::string& name, Value value) {
    if (p.assigns) {
      for (auto known = variables_.rbegin(); known != variables_.rend(); ++known)
        if (known->first == name) {
          known->second = std::move(value);
          return {};
        }
      return failed("undefined variable: " + name);
    }
    variables_.emplace_back(name, std::move(value));
    return {};
  }

  Result<Value> evaluate(const Pipeline& p, const Value& dot) {
    Value value = TRY(run_commands(p, dot));
    for (const std::string& name : p.variables) TRY(set_variable(p, name, value));
    return value;
  }

  Result<Value> run_commands(const Pipeline& p, const Value& dot) {
    if (++steps_ > kStepsMax) return failed("template runs too long");
    Value value;
    for (std::size_t i = 0; i < p.commands.size(); ++i)
      value = TRY(run_command(p.commands[i], dot, i > 0 ? &value : nullptr));
    return value;
  }

  // `final`: what comes through the pipe, the last argument.
  Result<Value> run_command(const Command& command, const Value& dot, const Value* final) {
    const Operand& first = command.operands[0];
    if (first.kind != Operand::Kind::function) {
      if (final || command.operands.size() > 1) return failed("can't give argument to non-function");
      return operand(first, dot);
    }
    Value out = TRY(call(first, command.operands, dot, final));
    return fields_of(std::move(out), first.fields);
  }

  Result<Value> call(const Operand& first, const std::vector<Operand>& operands, const Value& dot,
                     const Value* final) {
    if (first.name == "and" || first.name == "or") {
      // Stops at the operand that decides.
      bool stop_at = first.name == "or";
      Value value;
      for (std::size_t i = 1; i < operands.size(); ++i) {
        value = TRY(operand(operands[i], dot));
        if (truth(value) == stop_at) return value;
      }
      if (final) value = *final;
      if (operands.size() == 1 && !final) return failed("wrong number of args for " + first.name);
      return value;
    }
    std::vector<Value> arguments;
    for (std::size_t i = 1; i < operands.size(); ++i) arguments.push_back(TRY(operand(operands[i], dot)));
    if (final) arguments.push_back(*final);
    for (Value& argument : arguments)
      if (argument.as<templates::Fields>()) argument = all_fields();
    if (!first.function) return builtin(first.name, arguments);
    TRY(check_arguments(*first.function, arguments));
    auto out = first.function->call(arguments, context_);
    if (!out) return failed("error calling " + first.name + ": " + out.error().message());
    return out;
  }

  static Result<void> check_arguments(const Function& function, std::vector<Value>& arguments) {
    std::string_view parameters = function.parameters;
    bool variadic = parameters.ends_with('*');
    if (variadic) parameters.remove_suffix(1);
    std::size_t least = variadic ? parameters.size() - 1 : parameters.size();
    if (arguments.size() < least || (!variadic && arguments.size() > parameters.size()))
      return failed("wrong number of args for " + std::string(function.name) + ": want " +
                    (variadic ? "at least " : "") + std::to_string(least) + " got " +
                    std::to_string(arguments.size()));
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      char want = parameters[std::min(i, parameters.size() - 1)];
      Value& have = arguments[i];
      bool fits = want == 'a' || (want == 's' && have.text()) || (want == 'i' && have.as<std::int64_t>()) ||
                  (want == 't' && have.as<ZonedTime>());
      if (fits) continue;
      // A constant like 2.0 is an int where one is wanted.
      const auto* number = have.as<double>();
      if (want == 'i' && number && *number == static_cast<double>(templates::to_int(have))) {
        have = templates::to_int(have);
        continue;
      }
      std::string_view kind = want == 's' ? "string" : want == 'i' ? "int" : "time.Time";
      return failed("wrong type for value; expected " + std::string(kind) + "; got " +
                    std::string(templates::kind_of(have)));
    }
    return {};
  }

  // -1, 0, 1; an error when the two have no order.
  static Result<int> order(const Value& a, const Value& b) {
    auto three_way = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
    if (a.data.index() != b.data.index()) return failed("incompatible types for comparison");
    if (const auto* text = a.text()) return three_way(*text, *b.text());
    if (const auto* number = a.as<std::int64_t>()) return three_way(*number, *b.as<std::int64_t>());
    if (const auto* number = a.as<double>()) return three_way(*number, *b.as<double>());
    return failed("invalid type for comparison");
  }

  static Result<bool> equal(const Value& a, const Value& b) {
    if (a.as<Nil>() || b.as<Nil>()) return a.data.index() == b.data.index();
    if (a.data.index() != b.data.index()) return failed("incompatible types for comparison");
    if (const auto* flag = a.as<bool>()) return *flag == *b.as<bool>();
    if (!a.text() && !a.as<std::int64_t>() && !a.as<double>()) return failed("non-comparable type");
    return TRY(order(a, b))
    == 0;
  }

  static Result<Value> builtin(const std::string& name, const std::vector<Value>& a) {
    auto result = builtin_value(name, a);
    if (!result) return failed("error calling " + name + ": " + result.error().message());
    return result;
  }

  static Result<Value> builtin_value(const std::string& name, const std::vector<Value>& a) {
    auto wrong_count = [&] { return failed("wrong number of args: got " + std::to_string(a.size())); };
    if (name == "not") {
      if (a.size() != 1) return wrong_count();
      return Value(!templates::is_true(a[0]));
    }
    if (name == "eq") {
      if (a.size() < 2) return failed("missing argument for comparison");
      for (std::size_t i = 1; i < a.size(); ++i)
        if (TRY(equal(a[0], a[i]))) return Value(true);
      return Value(false);
    }
    if (name == "len") return length(a);
    if (name == "index") return index(a);
    if (name == "slice") return slice(a);
    if (name == "call") return failed("call of a value that is no function");
    if (a.size() != 2) return wrong_count();
    if (name == "ne") return Value(!TRY(equal(a[0], a[1])));
    int sign = TRY(order(a[0], a[1]));
    if (name == "lt") return Value(sign < 0);
    if (name == "le") return Value(sign <= 0);
    if (name == "gt") return Value(sign > 0);
    return Value(sign >= 0);
  }

  static Result<Value> length(const std::vector<Value>& a) {
    if (a.size() != 1) return failed("wrong number of args: got " + std::to_string(a.size()));
    std::size_t size = 0;
    if (const auto* text = a[0].text()) {
      size = text->size();
    } else if (const auto* values = a[0].as<std::shared_ptr<const List>>()) {
      size = (*values)->size();
    } else if (const auto* map = a[0].as<std::shared_ptr<const Map>>()) {
      size = (*map)->size();
    } else {
      return failed("len of type " + std::string(templates::kind_of(a[0])));
    }
    return Value(static_cast<std::int64_t>(size));
  }

  static Result<Value> index(const std::vector<Value>& a) {
    if (a.empty()) return failed("index of untyped nil");
    Value value = a[0];
    for (std::size_t i = 1; i < a.size(); ++i) {
      if (const auto* map = value.as<std::shared_ptr<const Map>>()) {
        const auto* key = a[i].text();
        if (!key)
          return failed("value has type " + std::string(templates::kind_of(a[i])) + "; should be string");
        auto found = (*map)->find(*key);
        value = found == (*map)->end() ? Value() : Value(found->second);
        continue;
      }
      const auto* position = a[i].as<std::int64_t>();
      if (!position)
        return failed("cannot index slice/array with type " + std::string(templates::kind_of(a[i])));
      auto at = static_cast<std::size_t>(*position);
      if (const auto* values = value.as<std::shared_ptr<const List>>()) {
        if (*position < 0 || at >= (*values)->size())
          return failed("index out of range: " + std::to_string(*position));
        value = Value((**values)[at]);
      } else if (const auto* text = value.text()) {
        if (*position < 0 || at >= text->size())
          return failed("index out of range: " + std::to_string(*position));
        value = Value(static_cast<std::int64_t>(static_cast<unsigned char>((*text)[at])));
      } else {
        return failed("can't index item of type " + std::string(templates::kind_of(value)));
      }
    }
    return value;
  }

  static Result<Value> slice(const std::vector<Value>& a) {
    if (a.empty() || a.size() > 3) return failed("wrong number of args: got " + std::to_string(a.size()));
    const auto* text = a[0].text();
    const auto* values = a[0].as<std::shared_ptr<const List>>();
    if (!text && !values) return failed("can't slice item of type " + std::string(templates::kind_of(a[0])));
    std::size_t size = text ? text->size() : (*values)->size();
    std::size_t bounds[2] = {0, size};
    for (std::size_t i = 1; i < a.size(); ++i) {
      const auto* position = a[i].as<std::int64_t>();
      if (!position || *position < 0 || static_cast<std::size_t>(*position) > size)
        return failed("index out of range: " + templates::to_text(a[i]));
      bounds[i - 1] = static_cast<std::size_t>(*position);
    }
    if (bounds[0] > bounds[1]) return failed("invalid slice index: " + std::to_string(bounds[0]));
    if (text) return Value(text->substr(bounds[0], bounds[1] - bounds[0]));
    auto first = (*values)->begin();
    return Value(std::make_shared<const List>(first + static_cast<std::ptrdiff_t>(bounds[0]),
                                              first + static_cast<std::ptrdiff_t>(bounds[1])));
  }

  Result<Value> operand(const Operand& o, const Value& dot) {
    switch (o.kind) {
      case Operand::Kind::constant: return fields_of(o.constant, o.fields);
      case Operand::Kind::dot: return fields_of(dot, o.fields);
      case Operand::Kind::root: return fields_of(templates::Fields(), o.fields);
      case Operand::Kind::variable:
        for (auto known = variables_.rbegin(); known != variables_.rend(); ++known)
          if (known->first == o.name) return fields_of(known->second, o.fields);
        return failed("undefined variable: " + o.name);
      case Operand::Kind::pipeline: {
        std::size_t known = variables_.size();
        auto value = evaluate(*o.pipeline, dot);
        variables_.resize(known);
        if (!value) return value;
        return fields_of(*std::move(value), o.fields);
      }
      case Operand::Kind::function: {
        Value value = TRY(call(o, {}, dot, nullptr));
        return fields_of(std::move(value), o.fields);
      }
    }
    return Value();
  }

  Result<Value> fields_of(Value value, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (value.as<templates::Fields>()) {
        value = std::string(fields_.get(name));
      } else if (const auto* map = value.as<std::shared_ptr<const Map>>()) {
        auto found = (*map)->find(name);
        value = found == (*map)->end() ? Value() : Value(found->second);
      } else if (value.as<Nil>()) {
        return failed("nil data; no entry for key \"" + name + "\"");
      } else {
        return failed("can't evaluate field " + name + " in type " + std::string(templates::kind_of(value)));
      }
    }
    return value;
  }

  const TemplateFields& fields_;
  templates::CallContext context_;
  std::string& out_;
  std::size_t limit_;
  std::size_t steps_ = 0;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace

Result<Template> Template::parse(std::string_view source, std::string_view name) {
  auto impl = std::make_shared<Impl>();
  impl->name = name;
  impl->nodes = TRY(templates::parse_template(source, name));
  FieldCollector collector;
  collector.nodes(impl->nodes, true);
  impl->fields = std::move(collector.fields);
  impl->uses_all = collector.all;
  return Template(std::move(impl));
}

Result<void> Template::execute(const TemplateFields& fields, std::string& out) const {
  auto done = Executor(fields, out).run(impl_->nodes);
  if (done) return {};
  return failed("template: " + impl_->name + ":1: executing \"" + impl_->name +
                "\": " + done.error().message());
}

const std::vector<std::string>& Template::fields() const {
  return impl_->fields;
}
bool Template::uses_all_fields() const {
  return impl_->uses_all;
}

std::optional<std::string> Template::line_contains() const {
  if (impl_->nodes.size() != 1 || impl_->nodes[0].kind != Node::Kind::action) return std::nullopt;
  const Pipeline& p = impl_->nodes[0].pipeline;
  if (!p.variables.empty() || p.commands.size() != 1) return std::nullopt;
  const auto& operands = p.commands[0].operands;
  if (operands.size() != 3 || operands[0].name != "contains" || operands[2].name != "__line__")
    return std::nullopt;
  if (!operands[0].fields.empty() || !operands[1].fields.empty() || !operands[2].fields.empty())
    return std::nullopt;
  const std::string* needle =
      operands[1].kind == Operand::Kind::constant ? operands[1].constant.text() : nullptr;
  return needle ? std::optional(*needle) : std::nullopt;
}

}  // namespace weft::text
