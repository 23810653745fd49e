#include "traceql/spansets/relation.h"

#include <algorithm>
#include <iterator>

namespace weft::traceql {
namespace {

// Who sees a span as R, seen from R's side.
Relation inverse(Relation relation) {
  switch (relation) {
    case Relation::child: return Relation::parent;
    case Relation::parent: return Relation::child;
    case Relation::descendant: return Relation::ancestor;
    case Relation::ancestor: return Relation::descendant;
    default: return relation;
  }
}

}  // namespace

void unite(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b,
           std::vector<std::uint32_t>& out) {
  out.clear();
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
}

void RelationFinder::related(Relation relation, bool negated, std::span<const SpanNumbers> numbers,
                             std::span<const std::uint32_t> to, std::span<const std::uint32_t> of,
                             std::vector<std::uint32_t>& out) {
  intervals_.clear();
  keys_.clear();
  for (std::uint32_t i : to) {
    const SpanNumbers& n = numbers[i];
    if (n.left == 0) continue;
    switch (relation) {
      case Relation::descendant: intervals_.push_back({n.left, n.right}); break;
      case Relation::child:
      case Relation::ancestor: keys_.push_back(n.left); break;
      // Roots have no parent, hence no siblings.
      default:
        if (n.parent > 0) keys_.push_back(n.parent);
    }
  }
  std::sort(keys_.begin(), keys_.end());
  if (relation == Relation::descendant) {
    std::sort(intervals_.begin(), intervals_.end(),
              [](const Interval& a, const Interval& b) { return a.left < b.left; });
    // Intervals are nested or apart: only the outermost ones matter.
    std::size_t kept = 0;
    for (const Interval& interval : intervals_)
      if (kept == 0 || interval.left > intervals_[kept - 1].right) intervals_[kept++] = interval;
    intervals_.resize(kept);
  }
  auto has = [&](const SpanNumbers& n, std::uint32_t self) {
    if (n.left == 0) return false;
    switch (relation) {
      case Relation::descendant: {
        auto it = std::lower_bound(intervals_.begin(), intervals_.end(), n.left,
                                   [](const Interval& a, std::int32_t left) { return a.left < left; });
        return it != intervals_.begin() && std::prev(it)->right > n.right;
      }
      case Relation::ancestor: {
        auto it = std::upper_bound(keys_.begin(), keys_.end(), n.left);
        return it != keys_.end() && *it < n.right;
      }
      case Relation::child: return n.parent > 0 && std::binary_search(keys_.begin(), keys_.end(), n.parent);
      case Relation::parent: return std::binary_search(keys_.begin(), keys_.end(), n.left);
      default: {
        if (n.parent <= 0) return false;
        auto [first, last] = std::equal_range(keys_.begin(), keys_.end(), n.parent);
        // Never a sibling of itself.
        return last - first > (std::binary_search(to.begin(), to.end(), self) ? 1 : 0);
      }
    }
  };
  for (std::uint32_t i : of)
    if (has(numbers[i], i) != negated) out.push_back(i);
}

void RelationFinder::find(SpansetOp op, std::span<const SpanNumbers> numbers,
                          std::span<const std::uint32_t> left, std::span<const std::uint32_t> right,
                          std::vector<std::uint32_t>& out) {
  out.clear();
  related(op.relation, op.flavour == Flavour::negated, numbers, left, right, out);
  if (op.flavour != Flavour::united || out.empty()) return;
  partners_.clear();
  related(inverse(op.relation), false, numbers, right, left, partners_);
  std::vector<std::uint32_t> both;
  unite(out, partners_, both);
  out = std::move(both);
}

}  // namespace weft::traceql
