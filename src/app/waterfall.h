#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "app/loki_client.h"
#include "model/span_batch.h"

namespace weft::app {

struct WaterfallOptions {
  std::size_t width = 120;  // columns; at least 60
  bool colour = false;
  bool events = true;
};

// A trace as text: a heading, then one line a span, indented as the tree is, with its bar in time,
// duration and failure; events, links and log lines of a span below it. A log line belongs to the
// span whose id is its label span_id or stands in its text; lines of no span come last. Spans
// whose parent is missing, or that are each other's parents, are shown as roots and say so. Cost is linear
// in spans and lines. Returns "" for a trace without spans.
std::string render_waterfall(const SpanBatch& trace, std::span<const FoundLine> lines,
                             const WaterfallOptions& options);

}  // namespace weft::app
