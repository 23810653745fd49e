#pragma once

#include <string>
#include <vector>

#include "exec/context.h"
#include "model/span_batch.h"
#include "traceql/query.h"

// Tempo's answers as protobuf-JSON and as protobuf (reference/tempo.md §2). Exactly its fields and
// no others: Grafana's decoder refuses unknown ones.

namespace weft::api::tempo {

// A list of ResourceSpans as JSON, ids in base64; appended.
void append_resource_spans(std::string& out, const SpanBatch& trace);

// The form of one trace for language models: ids in hex, attributes as plain JSON; {} for a trace
// without spans. Appended.
void append_trace_for_llm(std::string& out, const SpanBatch& trace);

std::string search_json(const std::vector<traceql::FoundTrace>& traces, const exec::Stats& stats);
std::string metrics_json(const traceql::MetricsAnswer& answer, bool instant, const exec::Stats& stats);

// SearchResponse, QueryRangeResponse and QueryInstantResponse messages.
std::string search_protobuf(const std::vector<traceql::FoundTrace>& traces, const exec::Stats& stats);
std::string metrics_protobuf(const traceql::MetricsAnswer& answer, bool instant, const exec::Stats& stats);

// Trace ids as Tempo shows them in search results: hex without leading zeros.
std::string short_hex(const TraceId& id);

}  // namespace weft::api::tempo
