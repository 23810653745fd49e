#include "logql/evaluate/matrix.h"

#include <algorithm>

namespace weft::logql {

bool Column::empty() const {
  return std::none_of(present.begin(), present.end(), [](std::uint8_t p) { return p != 0; });
}

std::size_t Column::bytes() const {
  std::size_t total = sizeof *this + values.size() * 9;
  for (const auto& [name, value] : labels) total += name.size() + value.size() + 2 * sizeof(std::string);
  return total;
}

void StepMatrix::compact() {
  std::erase_if(columns, [](const Column& column) { return column.empty(); });
}

}  // namespace weft::logql
