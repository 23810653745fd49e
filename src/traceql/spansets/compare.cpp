#include "traceql/spansets/compare.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/hash.h"

namespace weft::traceql {
namespace {

template <class T>
bool ordered(Op op, const T& a, const T& b) {
  switch (op) {
    case Op::equal: return a == b;
    case Op::not_equal: return a != b;
    case Op::less: return a < b;
    case Op::less_equal: return a <= b;
    case Op::greater: return a > b;
    case Op::greater_equal: return a >= b;
    default: return false;
  }
}

bool compare_one(Op op, const Value& a, const Value& b) {
  using enum Value::Type;
  if (a.type == integer && b.type == integer) return ordered(op, a.integer, b.integer);
  if (is_number(a) && is_number(b)) return ordered(op, as_double(a), as_double(b));
  if (a.type != b.type) return false;
  if (a.type == string) return ordered(op, a.as_text(), b.as_text());
  if (a.type == boolean && (op == Op::equal || op == Op::not_equal)) return ordered(op, a.boolean, b.boolean);
  return false;
}

// Wraps on overflow, as Go does.
std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  auto b = static_cast<std::uint64_t>(base);
  std::uint64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= b;
    b *= b;
  }
  return static_cast<std::int64_t>(result);
}

Result<Value> integer_arithmetic(Op op, std::int64_t a, std::int64_t b) {
  auto x = static_cast<std::uint64_t>(a);
  auto y = static_cast<std::uint64_t>(b);
  switch (op) {
    case Op::add: return Value::of(static_cast<std::int64_t>(x + y));
    case Op::subtract: return Value::of(static_cast<std::int64_t>(x - y));
    case Op::multiply: return Value::of(static_cast<std::int64_t>(x * y));
    case Op::divide:
      if (b == 0) return Error(Code::internal, "division by zero");
      return Value::of(b == -1 ? static_cast<std::int64_t>(0 - x) : a / b);
    case Op::modulo:
      if (b == 0) return Error(Code::internal, "modulo by zero");
      return Value::of(b == -1 ? std::int64_t{0} : a % b);
    case Op::power:
      if (b < 0) return Value::of(std::pow(static_cast<double>(a), static_cast<double>(b)));
      return Value::of(integer_power(a, b));
    default: return Value{};
  }
}

}  // namespace

double as_double(const Value& value) {
  return value.type == Value::Type::integer ? static_cast<double>(value.integer) : value.number;
}

Value value_of(const Literal& literal) {
  switch (literal.type) {
    case Type::string: return Value::of(std::string_view(literal.text));
    case Type::number: return Value::of(literal.number);
    case Type::boolean: return Value::of(literal.integer != 0);
    case Type::integer:
    case Type::duration:
    case Type::status:
    case Type::kind: return Value::of(literal.integer);
    default: return Value{};
  }
}

bool compare(Op op, const Value& a, const Value& b) {
  if (a.type == Value::Type::array) {
    for (const Value& item : a.as_array())
      if (item.type != Value::Type::array && compare(op, item, b)) return true;
    return false;
  }
  if (b.type == Value::Type::array) {
    for (const Value& item : b.as_array())
      if (compare_one(op, a, item)) return true;
    return false;
  }
  return compare_one(op, a, b);
}

bool matches(const exec::StringMatcher& pattern, bool negated, const Value& value) {
  if (value.type == Value::Type::string) return pattern.matches(value.as_text()) != negated;
  if (value.type != Value::Type::array) return false;
  for (const Value& item : value.as_array())
    if (item.type == Value::Type::string && pattern.matches(item.as_text()) != negated) return true;
  return false;
}

bool is_true(const Value& value) {
  return compare(Op::equal, value, Value::of(true));
}

Result<Value> arithmetic(Op op, const Value& a, const Value& b) {
  if (!is_number(a) || !is_number(b)) return Value{};
  if (a.type == Value::Type::integer && b.type == Value::Type::integer)
    return integer_arithmetic(op, a.integer, b.integer);
  double x = as_double(a);
  double y = as_double(b);
  switch (op) {
    case Op::add: return Value::of(x + y);
    case Op::subtract: return Value::of(x - y);
    case Op::multiply: return Value::of(x * y);
    case Op::divide:
      if (y == 0)
        return Value::of(x == 0 || std::isnan(x)              ? std::numeric_limits<double>::quiet_NaN()
                         : std::signbit(x) != std::signbit(y) ? -std::numeric_limits<double>::infinity()
                                                              : std::numeric_limits<double>::infinity());
      return Value::of(x / y);
    case Op::modulo: return Value::of(std::fmod(x, y));
    case Op::power: return Value::of(std::pow(x, y));
    default: return Value{};
  }
}

std::uint64_t hash_value(const Value& value) {
  auto type = static_cast<std::uint64_t>(value.type);
  switch (value.type) {
    case Value::Type::string:
    case Value::Type::bytes: return hash64(value.as_text(), type);
    case Value::Type::integer: return hash_combine(type, static_cast<std::uint64_t>(value.integer));
    case Value::Type::number: return hash_combine(type, std::bit_cast<std::uint64_t>(value.number));
    case Value::Type::boolean: return hash_combine(type, value.boolean ? 1 : 0);
    default: return hash_combine(type, value.size);
  }
}

Value negate(const Value& value) {
  if (value.type == Value::Type::integer)
    return Value::of(static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(value.integer)));
  if (value.type == Value::Type::number) return Value::of(-value.number);
  return Value{};
}

}  // namespace weft::traceql
