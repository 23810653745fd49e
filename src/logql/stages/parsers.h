#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "logql/stages/stage.h"

namespace weft::logql {

// `name="expression"` of json and logfmt; `name` alone means that both are the same.
struct Extraction {
  std::string name;
  std::string expression;
};

// | json, | json a="x.y[0]", b. Errors: `cannot parse expression [user[]`.
Result<std::unique_ptr<const Stage>> make_json(std::vector<Extraction> extractions);

struct LogfmtOptions {
  bool strict = false;
  bool keep_empty = false;
};
// | logfmt [--strict] [--keep-empty] [a="x", b]
std::unique_ptr<const Stage> make_logfmt(LogfmtOptions options, std::vector<Extraction> extractions);

// | regexp "…". Errors: those of the expression, `at least one named capture must be supplied`,
// `duplicate extracted label name 'x'`.
Result<std::unique_ptr<const Stage>> make_regexp(std::string_view expression);

// | pattern "…". Errors: those of text::Pattern.
Result<std::unique_ptr<const Stage>> make_pattern(std::string_view expression);

// | unpack
std::unique_ptr<const Stage> make_unpack();

}  // namespace weft::logql
