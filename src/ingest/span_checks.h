#pragma once

#include <cstddef>
#include <vector>

#include "model/limits.h"
#include "model/span_batch.h"

namespace weft::ingest {

// Cuts keys and texts of attributes (of resources, scopes, spans, events and links; not those
// within lists and maps) to limits.attribute_bytes_max, never within a rune, and drops attributes
// of a span beyond limits.attributes_per_span_max, counting them in dropped_attributes. Sets
// `span_bytes[i]` to about what span i takes. Returns how many keys and values were cut.
std::size_t cut_attributes(SpanBatch& batch, const Limits& limits, std::vector<std::size_t>& span_bytes);

}  // namespace weft::ingest
