#include "api/tempo/trace_groups.h"

#include <map>
#include <utility>

namespace weft::api::tempo {

std::vector<ResourceGroup> group_spans(const SpanBatch& trace) {
  std::vector<ResourceGroup> groups;
  std::map<std::uint32_t, std::size_t> resource_places;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> scope_places;
  for (const Span& span : trace.spans) {
    auto [r, new_resource] = resource_places.try_emplace(span.resource, groups.size());
    if (new_resource) groups.push_back({span.resource, {}});
    std::vector<ScopeGroup>& scopes = groups[r->second].scopes;
    auto [s, new_scope] = scope_places.try_emplace({span.resource, span.scope}, scopes.size());
    if (new_scope) scopes.push_back({span.scope, {}});
    scopes[s->second].spans.push_back(&span);
  }
  return groups;
}

std::string_view kind_name(SpanKind kind) {
  switch (kind) {
    case SpanKind::unspecified: return "SPAN_KIND_UNSPECIFIED";
    case SpanKind::internal: return "SPAN_KIND_INTERNAL";
    case SpanKind::server: return "SPAN_KIND_SERVER";
    case SpanKind::client: return "SPAN_KIND_CLIENT";
    case SpanKind::producer: return "SPAN_KIND_PRODUCER";
    case SpanKind::consumer: return "SPAN_KIND_CONSUMER";
  }
  return "SPAN_KIND_UNSPECIFIED";
}

std::string_view status_name(SpanStatus status) {
  switch (status) {
    case SpanStatus::unset: return "STATUS_CODE_UNSET";
    case SpanStatus::ok: return "STATUS_CODE_OK";
    case SpanStatus::error: return "STATUS_CODE_ERROR";
  }
  return "STATUS_CODE_UNSET";
}

}  // namespace weft::api::tempo
