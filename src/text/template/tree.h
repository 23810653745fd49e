#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/template/value.h"

namespace weft::text::templates {

struct Pipeline;

// A value, perhaps with fields behind it: `.a.b`, `$x.y`, `"text"`, `(pipeline).z`, a function.
struct Operand {
  enum class Kind : unsigned char { dot, root, variable, constant, function, pipeline };
  Kind kind = Kind::dot;
  std::string name;  // of variables (with the $) and functions
  Value constant;
  const Function* function = nullptr;  // nullptr: one of the words that the evaluator knows
  std::unique_ptr<const Pipeline> pipeline;
  std::vector<std::string> fields;
};

// Operands, the first of which may be a function that takes the others.
struct Command {
  std::vector<Operand> operands;
};

struct Pipeline {
  std::vector<std::string> variables;  // $i, $e :=
  bool assigns = false;                // = and not :=
  std::vector<Command> commands;
};

struct Node {
  enum class Kind : unsigned char { text, action, if_, with, range, break_, continue_ };
  Kind kind = Kind::text;
  std::string text;
  Pipeline pipeline;
  std::vector<Node> body, otherwise;
  int line = 1;
};

// Words that are called like functions but need the evaluator: and, or, eq, index …
bool is_builtin(std::string_view name);

// Errors: invalid_argument, `template: NAME:LINE: …`.
Result<std::vector<Node>> parse_template(std::string_view source, std::string_view name);

}  // namespace weft::text::templates
