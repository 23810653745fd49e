#include "wire/decode/span_ids.h"

namespace weft::wire {

std::string set_span_ids(Span& span, std::string_view trace_id, std::string_view span_id,
                         std::string_view parent_id) {
  auto bits = [](std::string_view id) { return std::to_string(id.size() * 8) + " bits"; };
  auto trace = trace_id_from_bytes(trace_id);
  if (!trace) return "trace ids must be 128 bit, received " + bits(trace_id);
  // Zero means "no trace" everywhere in this program, as in OTLP's definition of a valid id.
  if (trace->is_zero()) return "trace ids must be 128 bit and not all zero, received " + bits(trace_id);
  auto own = span_id_from_bytes(span_id);
  if (!own || own->is_zero()) return "span ids must be 64 bit and not all zero, received " + bits(span_id);
  span.trace_id = *trace;
  span.span_id = *own;
  span.parent_id = span_id_from_bytes(parent_id).value_or(SpanId());
  return {};
}

SpanKind span_kind(std::int64_t number) {
  return number >= 0 && number <= 5 ? static_cast<SpanKind>(number) : SpanKind::unspecified;
}

SpanStatus span_status(std::int64_t number) {
  return number >= 0 && number <= 2 ? static_cast<SpanStatus>(number) : SpanStatus::unset;
}

}  // namespace weft::wire
