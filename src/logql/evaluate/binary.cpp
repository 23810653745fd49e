#include "logql/evaluate/binary.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "logql/syntax/parser.h"

namespace weft::logql {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The labels by which a series is matched.
OwnedLabels signature(const BinaryExpr& node, const OwnedLabels& labels) {
  if (!node.has_matching) return labels;
  OwnedLabels out;
  for (const auto& label : labels)
    if (contains(node.matching, label.first) == node.on) out.push_back(label);
  return out;
}

// A number for every signature, shared by both sides.
class Signatures {
 public:
  explicit Signatures(const BinaryExpr& node) : node_(node) {}
  std::vector<std::size_t> of(const StepMatrix& matrix) {
    std::vector<std::size_t> out;
    for (const Column& column : matrix.columns)
      out.push_back(ids_.try_emplace(signature(node_, column.labels), ids_.size()).first->second);
    return out;
  }
  std::size_t size() const { return ids_.size(); }

 private:
  const BinaryExpr& node_;
  std::map<OwnedLabels, std::size_t> ids_;
};

// Columns of a result by their labels.
class Results {
 public:
  explicit Results(std::size_t steps) : steps_(steps) {}
  Column& column(const OwnedLabels& labels) {
    auto [found, added] = index_.try_emplace(labels, out_.columns.size());
    if (added) out_.columns.emplace_back(labels, steps_);
    return out_.columns[found->second];
  }
  StepMatrix take() { return std::move(out_); }

 private:
  std::size_t steps_;
  StepMatrix out_;
  std::map<OwnedLabels, std::size_t> index_;
};

StepMatrix set_operation(const BinaryExpr& node, const StepMatrix& left, const StepMatrix& right,
                         const StepRange& steps) {
  Signatures signatures(node);
  std::vector<std::size_t> l = signatures.of(left), r = signatures.of(right);
  Results results(steps.count);
  std::vector<std::uint8_t> in_left(signatures.size()), in_right(signatures.size());
  for (std::size_t step = 0; step < steps.count; ++step) {
    std::fill(in_left.begin(), in_left.end(), 0);
    std::fill(in_right.begin(), in_right.end(), 0);
    for (std::size_t i = 0; i < l.size(); ++i) in_left[l[i]] |= left.columns[i].present[step];
    for (std::size_t i = 0; i < r.size(); ++i) in_right[r[i]] |= right.columns[i].present[step];
    for (std::size_t i = 0; i < l.size(); ++i) {
      if (!left.columns[i].present[step]) continue;
      bool keep = node.op == BinaryOp::or_ || (node.op == BinaryOp::and_) == (in_right[l[i]] != 0);
      if (keep) results.column(left.columns[i].labels).set(step, left.columns[i].values[step]);
    }
    if (node.op != BinaryOp::or_) continue;
    for (std::size_t i = 0; i < r.size(); ++i)
      if (right.columns[i].present[step] && !in_left[r[i]])
        results.column(right.columns[i].labels).set(step, right.columns[i].values[step]);
  }
  return results.take();
}

OwnedLabels result_labels(const BinaryExpr& node, const OwnedLabels& many, const OwnedLabels& one) {
  OwnedLabels out;
  if (node.cardinality == Cardinality::one_to_one) return signature(node, many);
  for (const auto& label : many)
    if (!contains(node.include, label.first)) out.push_back(label);
  for (const auto& label : one)
    if (contains(node.include, label.first) && !label.second.empty()) out.push_back(label);
  std::sort(out.begin(), out.end());
  return out;
}

Error matching_error(std::string message) {
  return Error(Code::internal, std::move(message));
}

}  // namespace

StepMatrix combine_with_scalar(const BinaryExpr& node, StepMatrix vector, double scalar,
                               bool scalar_on_left) {
  bool comparison = is_comparison(node.op);
  for (Column& column : vector.columns) {
    for (std::size_t step = 0; step < column.values.size(); ++step) {
      if (!column.present[step]) continue;
      double left = scalar_on_left ? scalar : column.values[step];
      double right = scalar_on_left ? column.values[step] : scalar;
      if (!comparison) {
        column.values[step] = apply_arithmetic(node.op, left, right);
      } else if (bool holds = apply_comparison(node.op, left, right); node.return_bool) {
        column.values[step] = holds ? 1 : 0;
      } else if (!holds) {
        column.present[step] = 0;
      }
    }
  }
  vector.compact();
  return vector;
}

Result<StepMatrix> combine_vectors(const BinaryExpr& node, StepMatrix left, StepMatrix right,
                                   const StepRange& steps) {
  if (is_set_op(node.op)) return set_operation(node, left, right, steps);
  // The side that may have several series for one signature is called many.
  bool swapped = node.cardinality == Cardinality::one_to_many;
  const StepMatrix& many = swapped ? right : left;
  const StepMatrix& one = swapped ? left : right;
  Signatures signatures(node);
  std::vector<std::size_t> m = signatures.of(many), o = signatures.of(one);
  constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<std::size_t> partner(signatures.size());
  std::vector<std::uint8_t> taken(signatures.size());
  Results results(steps.count);
  for (std::size_t step = 0; step < steps.count; ++step) {
    std::fill(partner.begin(), partner.end(), kNone);
    std::fill(taken.begin(), taken.end(), 0);
    for (std::size_t i = 0; i < o.size(); ++i) {
      if (!one.columns[i].present[step]) continue;
      if (partner[o[i]] != kNone)
        return matching_error(
            "found duplicate series on the " + std::string(swapped ? "left" : "right") +
            " hand-side;many-to-many matching not allowed: matching labels must be unique on one "
            "side");
      partner[o[i]] = i;
    }
    for (std::size_t i = 0; i < m.size(); ++i) {
      if (!many.columns[i].present[step] || partner[m[i]] == kNone) continue;
      const Column& other = one.columns[partner[m[i]]];
      double a = swapped ? other.values[step] : many.columns[i].values[step];
      double b = swapped ? many.columns[i].values[step] : other.values[step];
      double value = a;
      bool keep = true;
      if (!is_comparison(node.op)) {
        value = apply_arithmetic(node.op, a, b);
      } else {
        bool holds = apply_comparison(node.op, a, b);
        keep = holds || node.return_bool;
        if (node.return_bool) value = holds ? 1 : 0;
      }
      if (node.cardinality == Cardinality::one_to_one && std::exchange(taken[m[i]], 1))
        return matching_error(
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
      if (!keep) continue;
      Column& column = results.column(result_labels(node, many.columns[i].labels, other.labels));
      if (column.present[step])
        return matching_error("multiple matches for labels: grouping labels must ensure unique matches");
      column.set(step, value);
    }
  }
  return results.take();
}

}  // namespace weft::logql
