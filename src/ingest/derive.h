#pragma once

#include "ingest/refusals.h"
#include "model/log_batch.h"

namespace weft::ingest {

struct DeriveOptions {
  bool discover_levels = true;
  bool names_are_normal = false;  // metadata names need no look (OTLP's mapping made them)
};

// Adds to every entry what can be known from it: names and values of its metadata in their final
// form (unique, the first of equal names stays), detected_level, the linked trace and span, and
// candidate ids. Refused entries are left alone. No allocation per entry in the steady state.
void derive_logs(LogBatch& batch, const DeriveOptions& options, const Refusals& refusals);

}  // namespace weft::ingest
