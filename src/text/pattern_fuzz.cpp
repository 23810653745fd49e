#include "text/pattern.h"

#include <algorithm>
#include <cstdlib>

// The first line is the pattern, the rest what it is tried on.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace weft::text;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string_view pattern = input.substr(0, input.find('\n'));
  std::string_view line = input.substr(std::min(input.size(), pattern.size() + 1));
  if (auto parsed = Pattern::parse(pattern)) {
    std::vector<std::string_view> values(parsed->names().size());
    std::size_t found = parsed->extract(line, values);
    if (found > values.size()) std::abort();
    for (std::size_t i = 0; i < found; ++i)
      if (!values[i].empty() && line.find(values[i]) == line.npos) std::abort();
  }
  if (auto filter = Pattern::parse_line_filter(pattern)) filter->matches_line(line);
  return 0;
}
