#pragma once

#include "api/services.h"

// Loki's read side (reference/loki.md §2).

namespace weft::api {

void loki_query_range(Call& call);
void loki_query(Call& call);
void loki_labels(Call& call);
void loki_label_values(Call& call);
void loki_series(Call& call);
void loki_index_stats(Call& call);
void loki_index_volume(Call& call);
void loki_index_volume_range(Call& call);
void loki_index_shards(Call& call);
void loki_tail(Call& call);
void loki_format_query(Call& call);

// For Grafana's Logs Drilldown.
void loki_detected_fields(Call& call);
void loki_detected_field_values(Call& call);
void loki_detected_labels(Call& call);
void loki_patterns(Call& call);
void loki_drilldown_limits(Call& call);

// There are no rules.
void loki_rules(Call& call);
void loki_prometheus_rules(Call& call);
void loki_prometheus_alerts(Call& call);

// The paths under /api/prom.
void loki_legacy_query(Call& call);
void loki_legacy_labels(Call& call);
void loki_legacy_label_values(Call& call);

}  // namespace weft::api
