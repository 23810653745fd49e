#include "logql/syntax/ast.h"

#include <array>

namespace weft::logql {
namespace {

constexpr std::array<std::string_view, 15> kRangeOps = {"count_over_time",  "rate",
                                                        "rate_counter",     "bytes_over_time",
                                                        "bytes_rate",       "avg_over_time",
                                                        "sum_over_time",    "min_over_time",
                                                        "max_over_time",    "stdvar_over_time",
                                                        "stddev_over_time", "quantile_over_time",
                                                        "first_over_time",  "last_over_time",
                                                        "absent_over_time"};
constexpr std::array<std::string_view, 12> kVectorOps = {"sum",  "avg",    "count",     "max",
                                                         "min",  "stddev", "stdvar",    "bottomk",
                                                         "topk", "sort",   "sort_desc", "approx_topk"};
constexpr std::array<std::string_view, 15> kBinaryOps = {"or", "and", "unless", "==", "!=", ">", ">=", "<",
                                                         "<=", "+",   "-",      "*",  "/",  "%", "^"};

template <class Op, std::size_t N>
std::optional<Op> find(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) return static_cast<Op>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name_of(RangeOp op) {
  return kRangeOps[static_cast<std::size_t>(op)];
}
std::string_view name_of(VectorOp op) {
  return kVectorOps[static_cast<std::size_t>(op)];
}
std::string_view name_of(BinaryOp op) {
  return kBinaryOps[static_cast<std::size_t>(op)];
}
std::optional<RangeOp> range_op(std::string_view name) {
  return find<RangeOp>(kRangeOps, name);
}
std::optional<VectorOp> vector_op(std::string_view name) {
  return find<VectorOp>(kVectorOps, name);
}

}  // namespace weft::logql
