#include "text/regexp.h"

#include <algorithm>
#include <array>
#include <utility>

#include "logql/stages/parsers.h"
#include "text/pattern.h"

namespace weft::logql {
namespace {

// | regexp "…(?P<name>…)…": the first match, anywhere in the line.
class RegexpParser final : public Stage {
 public:
  RegexpParser(text::Regexp regexp) : regexp_(std::move(regexp)) {}

  bool apply(Row& row) const override {
    const auto& names = regexp_.group_names();
    std::span<std::string_view> groups = row.arena().allocate_array<std::string_view>(names.size() + 1);
    if (!regexp_.find(row.line, 0, groups)) return true;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (!names[i].empty()) row.add_parsed(names[i], groups[i + 1]);
    return true;
  }
  void print(std::string& out) const override { out += "| regexp " + quoted(regexp_.pattern()); }
  Kind kind() const override { return Kind::parser; }

 private:
  text::Regexp regexp_;
};

class PatternParser final : public Stage {
 public:
  PatternParser(std::string source, text::Pattern pattern)
      : source_(std::move(source)), pattern_(std::move(pattern)) {}

  bool apply(Row& row) const override {
    const auto& names = pattern_.names();
    std::span<std::string_view> values = row.arena().allocate_array<std::string_view>(names.size());
    std::size_t found = pattern_.extract(row.line, values);
    for (std::size_t i = 0; i < found; ++i) row.add_parsed(names[i], values[i]);
    return true;
  }
  void print(std::string& out) const override { out += "| pattern " + quoted(source_); }
  Kind kind() const override { return Kind::parser; }

 private:
  std::string source_;
  text::Pattern pattern_;
};

}  // namespace

Result<std::unique_ptr<const Stage>> make_regexp(std::string_view expression) {
  text::Regexp regexp = TRY(text::Regexp::compile(expression));
  std::vector<std::string> names;
  Arena arena;
  for (const std::string& name : regexp.group_names()) {
    if (name.empty()) continue;
    std::string clean(sanitised_name(name, arena));
    if (std::find(names.begin(), names.end(), clean) != names.end())
      return Error(Code::invalid_argument, "duplicate extracted label name '" + clean + "'");
    names.push_back(std::move(clean));
  }
  if (names.empty()) return Error(Code::invalid_argument, "at least one named capture must be supplied");
  return std::unique_ptr<const Stage>(std::make_unique<RegexpParser>(std::move(regexp)));
}

Result<std::unique_ptr<const Stage>> make_pattern(std::string_view expression) {
  text::Pattern pattern = TRY(text::Pattern::parse(expression));
  return std::unique_ptr<const Stage>(
      std::make_unique<PatternParser>(std::string(expression), std::move(pattern)));
}

}  // namespace weft::logql
