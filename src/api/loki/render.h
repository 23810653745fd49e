#pragma once

#include <string>

#include "exec/context.h"
#include "logql/query.h"

namespace weft::api::loki {

// Loki's JSON for an answer (reference/loki.md §2.3, §2.4, §2.14): resultType and encodingFlags
// before result, stats after it, since Grafana reads it as a stream.
std::string render(const logql::Answer& answer, bool categorized, const exec::Stats& stats, double seconds);

// {"a":"b"} of sorted labels.
void append_labels(std::string& out, const logql::OwnedLabels& labels);

// ["1722500000000000000","line"]; categorized, a third element with metadata and parsed labels.
void append_entry(std::string& out, const logql::Entry& entry, bool categorized);

}  // namespace weft::api::loki
