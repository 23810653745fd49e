#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/span_batch.h"

namespace weft::wire {

// Sets a span's ids from their raw bytes. Returns why the span cannot be kept; empty when it can.
// A parent id of another length than 8 counts as none.
std::string set_span_ids(Span& span, std::string_view trace_id, std::string_view span_id,
                         std::string_view parent_id);

// OTLP's numbers; others than it knows become `unspecified` and `unset`.
SpanKind span_kind(std::int64_t number);
SpanStatus span_status(std::int64_t number);

}  // namespace weft::wire
