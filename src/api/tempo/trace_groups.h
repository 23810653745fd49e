#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/span_batch.h"

// How both JSON forms of a trace are laid out.

namespace weft::api::tempo {

// The spans of one resource and one scope.
struct ScopeGroup {
  std::uint32_t scope = 0;
  std::vector<const Span*> spans;
};
struct ResourceGroup {
  std::uint32_t resource = 0;
  std::vector<ScopeGroup> scopes;
};

// All spans of a trace, in groups and within them in the order in which they first come. Spans
// belong to `trace`.
std::vector<ResourceGroup> group_spans(const SpanBatch& trace);

// "SPAN_KIND_SERVER", "STATUS_CODE_ERROR".
std::string_view kind_name(SpanKind kind);
std::string_view status_name(SpanStatus status);

}  // namespace weft::api::tempo
