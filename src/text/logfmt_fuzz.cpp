#include "text/logfmt.h"

#include <cstdlib>

// Views must lie inside the line, and scanning must end.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace weft;
  using namespace weft::text;
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto inside = [&](std::string_view view) {
    if (!view.empty() && (view.data() < line.data() || view.data() + view.size() > line.data() + line.size()))
      std::abort();
  };
  Arena arena;
  LogfmtScanner pairs(line);
  LogfmtPair pair;
  for (std::size_t count = 0;; ++count) {
    if (count > size + 1) std::abort();
    if (!pairs.next(pair)) {
      if (!pairs.has_error()) break;
      if (pairs.error().empty()) std::abort();
      continue;
    }
    inside(pair.key);
    inside(pair.value);
    if (pair.key.empty()) std::abort();
    if (pair.quoted) unescape_logfmt(pair.value, arena);
  }
  return 0;
}
