#pragma once

#include <cstdint>
#include <string>

#include "logql/stages/row.h"

namespace weft::logql {

// `| unwrap label`, `| unwrap duration(label)`, `| unwrap bytes(label)`: the number in a label.
struct Unwrap {
  enum class Convert : std::uint8_t { none, duration, duration_seconds, bytes };
  std::string label;
  Convert convert = Convert::none;

  // False: the entry has no such label (or an empty one) and is no sample. A value that is no number
  // is 0 and leaves SampleExtractionErr.
  bool extract(Row& row, const Name& name, double& value) const;
  void print(std::string& out) const;
};

}  // namespace weft::logql
