#include <algorithm>
#include <memory>

#include "traceql/answer.h"
#include "traceql/query.h"
#include "traceql/scan.h"
#include "traceql/spansets/pipeline.h"
#include "traceql/syntax/ast.h"

namespace weft::traceql {
namespace {

SpanSet show_set(const Spanset& set, std::size_t spans_max, const ShownAttributes& shown, const Slots& slots,
                 TraceTable& table) {
  SpanSet out;
  out.matched = static_cast<std::uint32_t>(set.spans.size());
  std::size_t count = spans_max == 0 ? set.spans.size() : std::min(set.spans.size(), spans_max);
  out.spans.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Span& span = table.rows().spans[set.spans[i]];
    FoundSpan found;
    found.id = span.span_id;
    found.start_ns = span.start_ns;
    found.duration_ns = span.duration_ns();
    shown.fill(set.spans[i], slots, table, found);
    out.spans.push_back(std::move(found));
  }
  for (const StageValue& a : set.attributes) out.attributes.emplace_back(*a.name, show(a.value, a.type));
  return out;
}

// A search only looks at the spans of a metrics query.
Result<const Pipeline*> pipeline_of(const Root& root) {
  if (!root.metrics) return &root.pipeline;
  if (root.metrics->kind != MetricsExpr::Kind::query)
    return Error(Code::invalid_argument, "arithmetic over metrics queries cannot be searched");
  return &root.metrics->pipeline;
}

}  // namespace

Result<std::vector<FoundTrace>> search(const Query& query, const SearchParams& params,
                                       const storage::Snapshot& data, exec::Context& context) {
  const Pipeline& pipeline = *TRY(pipeline_of(query.root()));
  Slots slots(data.attribute_keys(params.tenant, params.range));
  slots.need_facts();
  std::size_t service = slots.add(service_name());
  PipelineCompiler compiler(slots);
  PipelinePlan plan = TRY(compiler.compile(pipeline));
  ShownAttributes shown;
  TRY(shown.add(pipeline, compiler.expressions()));

  std::vector<FoundTrace> found;
  if (params.limit == 0) return found;
  TraceTable table;
  SpansetRunner runner(slots, table);
  std::vector<Spanset> sets;
  TraceReader reader(slots, params.tenant, params.range, data, context);
  while (TRY(reader.next(table))) {
    runner.begin();
    for (std::size_t t = 0; t < table.rows().traces.size(); ++t) {
      if (!fits_duration(params, table.facts()[t].duration_ns())) continue;
      TRY(runner.run(plan, t, sets));
      if (sets.empty()) continue;
      FoundTrace trace = describe_trace(t, service, slots, table);
      count_services(t, service, slots, table, trace);
      for (const Spanset& set : sets) {
        trace.span_sets.push_back(show_set(set, params.spans_per_set, shown, slots, table));
        context.stats().rows_matched += set.spans.size();
      }
      TRY(context.take_memory(memory_of(trace), "the search result"));
      found.push_back(std::move(trace));
      if (found.size() == params.limit) return found;
    }
  }
  return found;
}

}  // namespace weft::traceql
