#include "text/json_scan.h"

#include <cstdlib>

// Views must lie inside the text, and every scan must end.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace weft;
  using namespace weft::text;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto inside = [&](std::string_view view) {
    if (!view.empty() && (view.data() < text.data() || view.data() + view.size() > text.data() + text.size()))
      std::abort();
  };
  Arena arena;
  JsonObjectScanner members(text);
  std::string_view key;
  JsonValue value;
  std::size_t count = 0;
  while (members.next(key, value)) {
    inside(key);
    inside(value.raw);
    auto plain = unescape_json(value.raw, arena);
    if (plain && plain->size() > value.raw.size()) std::abort();
    if (++count > size) std::abort();
  }
  std::size_t split = size / 3;
  if (auto path = parse_json_path(text.substr(0, split))) inside(find_json(text.substr(split), *path).raw);
  return 0;
}
