#include "traceql/syntax/names.h"

#include <algorithm>
#include <optional>
#include <set>

#include "traceql/query.h"
#include "traceql/scan.h"
#include "traceql/spansets/pipeline.h"
#include "traceql/tags/lenient.h"

namespace weft::traceql {
namespace {

using storage::AttributeKey;
using storage::AttributeScope;

// Every scope with stored attributes, in the order of answers.
constexpr std::pair<std::string_view, AttributeScope> kScopes[] = {
    {"resource", AttributeScope::resource},
    {"span", AttributeScope::span},
    {"event", AttributeScope::event},
    {"link", AttributeScope::link},
    {"instrumentation", AttributeScope::instrumentation},
};

std::vector<std::string> intrinsic_tags() {
  std::vector<std::string> out;
  for (const IntrinsicName& n : intrinsic_names()) {
    switch (n.intrinsic) {
      // Positions in a trace are nothing to search for.
      case Intrinsic::child_count:
      case Intrinsic::nested_set_left:
      case Intrinsic::nested_set_right:
      case Intrinsic::nested_set_parent:
      case Intrinsic::parent: continue;
      default: break;
    }
    if (!n.scoped.empty()) out.emplace_back(n.scoped);
    if (!n.plain.empty()) out.emplace_back(n.plain);
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Keys of the spans that `q` selects.
Result<std::set<AttributeKey>> keys_of(const Root& q, const TenantId& tenant, TimeRange range,
                                       const storage::Snapshot& data, exec::Context& context) {
  Slots slots(data.attribute_keys(tenant, range));
  PipelineCompiler compiler(slots);
  PipelinePlan plan = TRY(compiler.compile(q.pipeline));
  std::set<AttributeKey> keys;
  auto add = [&](AttributeScope scope, Attributes attributes) {
    for (const Attribute& a : attributes) keys.insert({scope, std::string(a.key)});
  };
  TraceTable table;
  SpansetRunner runner(slots, table);
  TraceReader reader(slots, tenant, range, data, context, TraceReader::Fetch::everything);
  std::set<std::uint32_t> resources;
  std::set<std::uint32_t> scopes;
  while (TRY(reader.next(table))) {
    runner.begin();
    resources.clear();
    scopes.clear();
    TRY(runner.each(plan, [&](std::uint32_t i) -> Result<void> {
      const Span& span = table.rows().spans[i];
      add(AttributeScope::span, span.attributes);
      for (const SpanEvent& event : span.events) add(AttributeScope::event, event.attributes);
      for (const SpanLink& link : span.links) add(AttributeScope::link, link.attributes);
      if (resources.insert(span.resource).second)
        add(AttributeScope::resource, table.rows().resources[span.resource].attributes);
      if (scopes.insert(span.scope).second)
        add(AttributeScope::instrumentation, table.rows().scopes[span.scope].attributes);
      return {};
    }));
  }
  return keys;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n{}") == std::string_view::npos;
}

}  // namespace

Result<std::vector<ScopedTags>> tag_names(std::string_view scope, std::string_view q, const TenantId& tenant,
                                          TimeRange range, const storage::Snapshot& data,
                                          exec::Context& context) {
  bool all = scope.empty() || scope == "none";
  bool known = all || scope == "intrinsic" || scope == "trace";
  for (const auto& [name, stored] : kScopes) known = known || name == scope;
  if (!known) return Error(Code::invalid_argument, "invalid scope: " + std::string(scope));

  std::vector<ScopedTags> out;
  std::vector<AttributeKey> keys;
  if (scope != "intrinsic" && scope != "trace") {
    if (is_blank(q)) {
      keys = data.attribute_keys(tenant, range);
    } else {
      std::set<AttributeKey> found = TRY(keys_of(TRY(parse_lenient(q)), tenant, range, data, context));
      keys.assign(found.begin(), found.end());
    }
  }
  for (const auto& [name, stored] : kScopes) {
    if (!all && name != scope) continue;
    ScopedTags tags;
    tags.scope = name;
    for (const AttributeKey& key : keys)
      if (key.scope == stored) tags.tags.push_back(key.key);
    if (!all || !tags.tags.empty()) out.push_back(std::move(tags));
  }
  if (all || scope == "intrinsic") out.push_back({"intrinsic", intrinsic_tags()});
  return out;
}

}  // namespace weft::traceql
