#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "model/span_batch.h"
#include "model/value.h"

namespace weft::wire {

// How many records, attributes and list items one request may hold. An empty one takes two bytes
// on the wire and some hundred in memory, so the size of the body alone bounds little.
inline constexpr std::size_t kItemsMax = std::size_t{1} << 22;

Error too_many_items();
// Values nest at most kNestingMax deep.
Error too_deep();

// Counts down from kItemsMax.
class ItemBudget {
 public:
  // False when there is none left.
  bool take() { return left_-- > 0; }

 private:
  std::ptrdiff_t left_ = kItemsMax;
};

// Lists whose length is known only at their end. Messages nest, so their lists do: one stack
// collects the items of all open lists, and a list that ends moves from its top into an arena.
// Reused for every record, it stops allocating after the first few.
template <class T>
class ListStack {
 public:
  // Where a list begins that is filled from now on.
  std::size_t mark() const { return items_.size(); }
  T& push() { return items_.emplace_back(); }
  void push(const T& item) { items_.push_back(item); }
  // The items since `mark`, in `arena`; they leave the stack.
  std::span<const T> take(std::size_t mark, Arena& arena) {
    std::span<const T> list = arena.copy(std::span<const T>(items_).subspan(mark));
    items_.resize(mark);
    return list;
  }

 private:
  std::vector<T> items_;
};

// The open lists of one request.
struct Lists {
  ListStack<Attribute> attributes;
  ListStack<Value> values;
  ListStack<SpanEvent> events;
  ListStack<SpanLink> links;
};

}  // namespace weft::wire
