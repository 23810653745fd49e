#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exec/matcher.h"
#include "logql/stages/stage.h"
#include "logql/stages/unwrap.h"
#include "text/regexp.h"

namespace weft::logql {

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

// {matchers} and what follows it. Stages are compiled: they run as they are.
struct LogExpr {
  std::vector<exec::LabelMatcher> matchers;
  std::vector<std::unique_ptr<const Stage>> stages;
};

enum class RangeOp : std::uint8_t {
  count,
  rate,
  rate_counter,
  bytes,
  bytes_rate,
  avg,
  sum,
  min,
  max,
  stdvar,
  stddev,
  quantile,
  first,
  last,
  absent,
};

struct Grouping {
  std::vector<std::string> names;
  bool without = false;
};

// op(parameter, {…} | … | unwrap x | … [range] offset o) by (…)
struct RangeExpr {
  RangeOp op = RangeOp::count;
  std::optional<double> parameter;
  LogExpr log;
  std::optional<Unwrap> unwrap;
  std::vector<std::unique_ptr<const Stage>> after_unwrap;  // label filters
  std::int64_t range_ns = 0;
  std::int64_t offset_ns = 0;
  std::optional<Grouping> grouping;
};

enum class VectorOp : std::uint8_t {
  sum,
  avg,
  count,
  max,
  min,
  stddev,
  stdvar,
  bottomk,
  topk,
  sort,
  sort_desc,
  approx_topk,
};

struct AggregateExpr {
  VectorOp op = VectorOp::sum;
  std::optional<double> parameter;
  std::optional<Grouping> grouping;
  ExprPtr inner;
};

enum class BinaryOp : std::uint8_t {
  or_,
  and_,
  unless,
  equal,
  not_equal,
  greater,
  greater_equal,
  less,
  less_equal,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  power,
};
inline bool is_set_op(BinaryOp op) {
  return op <= BinaryOp::unless;
}
inline bool is_comparison(BinaryOp op) {
  return op >= BinaryOp::equal && op <= BinaryOp::less_equal;
}

enum class Cardinality : std::uint8_t { one_to_one, many_to_one, one_to_many };

struct BinaryExpr {
  BinaryOp op = BinaryOp::add;
  bool return_bool = false;
  bool has_matching = false;  // on or ignoring is written
  bool on = false;            // else ignoring
  std::vector<std::string> matching;
  Cardinality cardinality = Cardinality::one_to_one;
  std::vector<std::string> include;  // of group_left, group_right
  ExprPtr left;
  ExprPtr right;
};

struct LiteralExpr {
  double value = 0;
};
struct VectorExpr {
  double value = 0;
};

struct LabelReplaceExpr {
  ExprPtr inner;
  std::string target, replacement, source, pattern;
  text::Regexp regexp;
};

// A query. `depth` is bounded by the parser, so that recursion over the tree is.
struct Expr {
  std::variant<LogExpr, RangeExpr, AggregateExpr, BinaryExpr, LiteralExpr, VectorExpr, LabelReplaceExpr> node;
  int depth = 1;

  template <class T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
};

// The names of the language.
std::string_view name_of(RangeOp op);
std::string_view name_of(VectorOp op);
std::string_view name_of(BinaryOp op);
std::optional<RangeOp> range_op(std::string_view name);
std::optional<VectorOp> vector_op(std::string_view name);

}  // namespace weft::logql
