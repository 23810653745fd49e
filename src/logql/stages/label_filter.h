#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "exec/matcher.h"
#include "logql/stages/ip_matcher.h"
#include "logql/stages/stage.h"

namespace weft::logql {

enum class CompareOp : std::uint8_t { equal, not_equal, greater, greater_equal, less, less_equal };

// The conditions behind `|`. A condition on a label that is missing: strings see "", the other kinds
// drop the row; a value that cannot be converted keeps it, with LabelFilterErr.
using Condition = std::unique_ptr<const Stage>;

Condition make_string_condition(exec::LabelMatcher matcher);
Condition make_number_condition(std::string name, CompareOp op, double value);
Condition make_duration_condition(std::string name, CompareOp op, std::int64_t ns);
Condition make_bytes_condition(std::string name, CompareOp op, double bytes);
// Errors: `ip: invalid pattern`.
Result<Condition> make_ip_condition(std::string name, bool negated, std::string pattern);
// `and` looks at both sides always (both may leave errors), `or` at the right one when it has to.
Condition make_and(Condition left, Condition right);
Condition make_or(Condition left, Condition right);
// The condition as a stage of its own: prints `| ` in front.
std::unique_ptr<const Stage> make_label_filter(Condition condition);

}  // namespace weft::logql
