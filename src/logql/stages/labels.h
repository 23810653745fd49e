#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exec/matcher.h"
#include "logql/stages/stage.h"

namespace weft::logql {

// `name`, or a condition on its value.
struct LabelChoice {
  std::string name;
  std::optional<exec::StringMatcher> matcher;
};

// | drop a, b="x": removes labels of every origin; with a condition only when the value meets it.
std::unique_ptr<const Stage> make_drop(std::vector<LabelChoice> choices);
// | keep a, b="x": removes every other label; never the error.
std::unique_ptr<const Stage> make_keep(std::vector<LabelChoice> choices);
// | decolorize: removes ANSI colours from the line.
std::unique_ptr<const Stage> make_decolorize();

}  // namespace weft::logql
