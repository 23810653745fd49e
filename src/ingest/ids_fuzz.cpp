#include "ingest/ids.h"

#include <algorithm>
#include <cstdlib>

#include "ingest/level.h"

// Any bytes as a log line and as metadata: nothing crashes, and every 32 hex digits of the line
// are a candidate or the row is one for all.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  weft::ingest::RowIds ids;
  weft::ingest::find_ids_in_line(text, ids);
  if (!ids.overflow) {
    for (std::size_t i = 0; i + 32 <= text.size(); ++i) {
      auto id = weft::parse_trace_id(text.substr(i, 32));
      auto end = ids.candidates.begin() + static_cast<std::ptrdiff_t>(ids.count);
      if (id && std::find(ids.candidates.begin(), end, *id) == end) std::abort();
    }
  }
  std::size_t middle = size / 4;
  weft::Label label{text.substr(0, middle), text.substr(middle)};
  weft::ingest::RowIds of_metadata;
  weft::ingest::find_ids_in_metadata({&label, 1}, of_metadata);
  if (weft::ingest::level_of_line(text).empty()) std::abort();
  return 0;
}
