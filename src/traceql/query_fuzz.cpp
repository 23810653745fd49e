#include "traceql/query.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/check.h"
#include "traceql/tags/lenient.h"
#include "traceql/testing/memory_snapshot.h"
#include "traceql/testing/shop.h"

// Any text parses or is refused; what parses prints as text that parses to the same; and what passed
// the check can be evaluated.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weft;
  using namespace weft::traceql;
  static const MemorySnapshot& data = *[] {
    auto* shop = new MemorySnapshot;  // lives as long as the process
    add_shop(*shop);
    return shop;
  }();
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  CHECK_OR_DIE(parse_lenient(text) || text.find("||") != std::string_view::npos);
  Result<Query> query = Query::parse(text);
  if (!query) return 0;
  Result<Query> again = Query::parse(query->to_string());
  CHECK_OR_DIE(bool(again));
  CHECK_OR_DIE(again->to_string() == query->to_string());

  exec::Context context;
  SearchParams search_params;
  search_params.range = {0, std::numeric_limits<std::int64_t>::max()};
  (void)search(*query, search_params, data, context);
  if (query->is_metrics()) {
    MetricsParams params;
    params.start_ns = static_cast<std::int64_t>(kShopStart) - kNsPerSecond;
    params.end_ns = params.start_ns + 10 * kNsPerSecond;
    params.step_ns = kNsPerSecond;
    (void)evaluate_metrics(*query, params, data, context);
  }
  return 0;
}
