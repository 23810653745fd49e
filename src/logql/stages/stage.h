#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "logql/stages/row.h"
#include "model/ids.h"

namespace weft::logql {

// What the index may know about the rows that a pipeline lets through. Stages tell it in their
// order, conservatively: it is only ever used to skip rows that cannot match.
struct IdHints {
  bool line_intact = true;          // no stage has changed the line yet
  std::vector<std::string> opaque;  // labels whose value need not occur in the entry as it came
  // Labels made by `label_format x="{{ contains \"needle\" __line__ }}"`.
  std::vector<std::pair<std::string, std::string>> contains;
  // Rows must hold one of these ids; empty: nothing is known.
  std::vector<TraceId> ids;

  // One more condition that holds for every row: one of `some`. The shorter list is the better one.
  void require(std::vector<TraceId> some) {
    if (!some.empty() && (ids.empty() || some.size() < ids.size())) ids = std::move(some);
  }
};

// The trace ids that a line must hold to contain `needle`; empty when there is none.
std::vector<TraceId> ids_in_needle(std::string_view needle);

// Labels that decide the answer of a query, so that parsers need not keep the others.
class WantedLabels {
 public:
  void all() { all_ = true; }
  void add(std::string_view name) { names_.emplace_back(name); }
  bool wants_all() const { return all_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  bool all_ = false;
  std::vector<std::string> names_;
};

// One step of a pipeline, compiled. Immutable, thread-safe; what it needs while running is in Row.
class Stage {
 public:
  enum class Kind : unsigned char { line_filter, label_filter, parser, other };

  virtual ~Stage() = default;

  // False: the row is dropped.
  virtual bool apply(Row& row) const = 0;
  // As the query says it, without blanks around.
  virtual void print(std::string& out) const = 0;
  virtual Kind kind() const { return Kind::other; }
  // Line filters commute with stages that leave the line alone.
  virtual bool changes_line() const { return false; }
  // Labels that it reads.
  virtual void want(WantedLabels& wanted) const { (void)wanted; }
  virtual void hint(IdHints& hints) const { (void)hints; }
};

// Text in the form of Go's strconv.Quote, as the printer writes strings.
std::string quoted(std::string_view text);

// A label name of arbitrary text: [A-Za-z0-9_] stays, other runes become `_`, a leading digit gets
// a `_`. A view of `name` itself when nothing has to change, else of `arena`.
std::string_view sanitised_name(std::string_view name, Arena& arena);

}  // namespace weft::logql
