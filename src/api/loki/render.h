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

// The stats block of an answer that has `returned` entries.
void append_stats(std::string& out, const exec::Stats& stats, std::size_t returned, double seconds);

// What /api/prom/query answers: {"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":…,"line":…}]}]}.
std::string render_legacy(const logql::Streams& streams);

}  // namespace weft::api::loki
