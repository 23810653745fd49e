#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "logql/stages/stage.h"

namespace weft::logql {

enum class LineOp : std::uint8_t { contains, not_contains, matches, not_matches, pattern, not_pattern };

struct LineOperand {
  std::string text;
  bool ip = false;  // ip("text")
};

// `|= "a" or "b"`: keeps lines for which one operand holds; negated, those for which none does.
// Errors: bad regexes, patterns and addresses, without a prefix.
Result<std::unique_ptr<const Stage>> make_line_filter(LineOp op, std::vector<LineOperand> operands);

}  // namespace weft::logql
