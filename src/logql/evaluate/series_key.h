#pragma once

#include <string>
#include <vector>

#include "base/hash.h"
#include "logql/query.h"
#include "logql/stages/row.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// Which labels make the series of a row: all of them, some (by), or all but some (without). Gives a
// 128-bit key without building any text; equal label sets have equal keys. Keeps the hash of the
// stream that it saw last. One thread.
class SeriesKey {
 public:
  static SeriesKey everything() { return SeriesKey(); }
  // `removed`: a label that is left out whatever `grouping` says (the unwrapped one); may be empty.
  SeriesKey(const Grouping* grouping, std::string removed);

  Hash128 of(const Row& row);
  // The labels behind the key, sorted by name.
  OwnedLabels labels(const Row& row) const;
  // True when the key tells errors apart, so that they need not fail the query.
  bool groups_by_error() const { return by_error_; }
  void want(WantedLabels& wanted) const;

 private:
  SeriesKey() = default;
  bool left_out(const Name& name) const;

  bool by_ = false;
  bool by_error_ = false;
  std::vector<std::string> names_;  // sorted; of by, or those left out
  std::vector<Name> compiled_;
  const storage::Stream* stream_ = nullptr;
  Hash128 stream_hash_;
};

}  // namespace weft::logql
