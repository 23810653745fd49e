#include "config/compat.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.h"

// Any file gives settings or problems, never a crash; every finding has a text, and every place is in
// the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::config;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Note> notes;
  auto expanded = expand_variables(text, "f", {{"A", "1"}, {"B", "x: y"}}, notes);
  for (std::string_view each : {text, expanded ? std::string_view(*expanded) : std::string_view()}) {
    auto root = weft::text::parse_yaml(each, "f", {.nodes_max = 5'000});
    if (!root) continue;
    (void)recognise(*root, "f", {"http.port", "storage.path"});
    for (Program program : {Program::tempo, Program::loki}) {
      for (const Finding& finding : translate(program, *root).findings) {
        if (finding.text.empty() || finding.mark.line > each.size() + 1) std::abort();
      }
    }
  }
  return 0;
}
