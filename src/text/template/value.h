#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "text/time_layout.h"

namespace weft::text::templates {

struct Value;
using List = std::vector<Value>;
using Map = std::map<std::string, Value, std::less<>>;

struct Nil {
  bool operator==(const Nil&) const = default;
};
// `.` of the top level: the labels, which are not copied unless somebody looks at all of them.
struct Fields {
  bool operator==(const Fields&) const = default;
};

// What flows through a template: the kinds of Go that Loki's functions know.
struct Value {
  std::variant<Nil, bool, std::int64_t, double, std::string, ZonedTime, std::shared_ptr<const List>,
               std::shared_ptr<const Map>, Fields>
      data;

  Value() = default;
  template <class T>
  Value(T value) : data(std::move(value)) {}  // NOLINT(google-explicit-constructor)

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  const std::string* text() const { return as<std::string>(); }
};

// Go's kinds, as error texts name them: "string", "int", "float64" …
std::string_view kind_of(const Value& value);
// As `{{ value }}` prints it, fmt's %v.
std::string to_text(const Value& value);
// Not false, zero, empty or nil.
bool is_true(const Value& value);
// The casts of Masterminds/sprig: what is no number is 0.
std::int64_t to_int(const Value& value);
double to_float(const Value& value);
// JSON as encoding/json decodes it into any; nil when it is none.
Value from_json(std::string_view text);

// Go's Sprintf, Sprint and Sprintln.
std::string sprintf(std::string_view format, std::span<const Value> arguments);
std::string sprint(std::span<const Value> arguments);
std::string sprintln(std::span<const Value> arguments);

// A function's environment: what it may ask for beside its arguments.
struct CallContext {
  std::string_view line;
  std::int64_t time_ns = 0;
  std::int64_t now_ns = 0;
};

// One entry of the function table.
struct Function {
  std::string_view name;
  // One letter for each parameter: s string, i int, f float64, a anything, t time; a `*` repeats the
  // last one.
  std::string_view parameters;
  Result<Value> (*call)(std::span<const Value> arguments, const CallContext& context);
};
const Function* find_function(std::string_view name);

// Text made by one function or one execution is refused beyond this.
inline constexpr std::size_t kTemplateBytesMax = std::size_t{4} << 20;

}  // namespace weft::text::templates
