#pragma once

#include <cstdint>

#include "base/result.h"
#include "exec/matcher.h"
#include "model/value.h"
#include "traceql/syntax/ast.h"

// Meaning of operators over values (reference/tempo.md §1.6). Durations, status and kind are
// integers here; that they do not meet other types was checked or compiled away.

namespace weft::traceql {

// `text` of the literal must outlive the value.
Value value_of(const Literal& literal);

// True when the comparison `a op b` (no regex) holds. Numbers compare by value; nothing compares to
// nil or to another type; an array holds when one of its elements does.
bool compare(Op op, const Value& a, const Value& b);

// True for a string, or an element of an array, that `pattern` matches (or, negated, does not).
bool matches(const exec::StringMatcher& pattern, bool negated, const Value& value);

// True for the boolean true, also in an array.
bool is_true(const Value& value);

// nil when an operand is not a number. Errors: internal "division by zero", "modulo by zero".
Result<Value> arithmetic(Op op, const Value& a, const Value& b);
Value negate(const Value& value);

// As a number, for aggregates. Requires an integer or a number.
double as_double(const Value& value);
inline bool is_number(const Value& v) {
  return v.type == Value::Type::integer || v.type == Value::Type::number;
}

// For grouping, beside same_value().
std::uint64_t hash_value(const Value& value);

}  // namespace weft::traceql
