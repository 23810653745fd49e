#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "logql/stages/stage.h"

namespace weft::logql {

// | line_format "…". Errors: `invalid line template: template: line:1: …`.
Result<std::unique_ptr<const Stage>> make_line_format(std::string source);

// `a=b` renames b to a; `a="…"` sets a.
struct LabelAssignment {
  std::string target;
  std::string source;  // a label, or a template
  bool rename = false;
};
// | label_format a=b, c="…". Errors: a target twice, `__error__`, bad templates.
Result<std::unique_ptr<const Stage>> make_label_format(std::vector<LabelAssignment> assignments);

}  // namespace weft::logql
