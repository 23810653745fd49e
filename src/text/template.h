#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::text {

// What `.name`, `__line__` and `__timestamp__` stand for while a template runs.
class TemplateFields {
 public:
  virtual ~TemplateFields() = default;
  virtual std::string_view get(std::string_view name) const = 0;  // "" when there is none
  virtual void each(const std::function<void(std::string_view, std::string_view)>& visit) const = 0;
  virtual std::string_view line() const = 0;
  virtual std::int64_t time_ns() const = 0;
  virtual std::int64_t now_ns() const = 0;
};

// Go's text/template with the functions that Loki adds to it, over a map of strings of which missing
// keys are "". Without define, template and block, which have no use in a query. Immutable,
// thread-safe. Work and output of one execution are bounded.
class Template {
 public:
  // Errors: invalid_argument, `template: NAME:1: function "x" not defined`.
  static Result<Template> parse(std::string_view source, std::string_view name);

  // Appends to `out`. Errors: invalid_argument, `template: NAME:1: executing "NAME": …`; what was
  // appended until then is of no use.
  Result<void> execute(const TemplateFields& fields, std::string& out) const;

  // Names that it reads as `.name`, unless it may read any (`range .`, `index . "x"`).
  const std::vector<std::string>& fields() const;
  bool uses_all_fields() const;

  // "x" when the whole template is `{{ contains "x" __line__ }}`.
  std::optional<std::string> line_contains() const;

 private:
  struct Impl;
  explicit Template(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace weft::text
