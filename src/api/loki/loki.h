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
void loki_tail(Call& call);
void loki_format_query(Call& call);

}  // namespace weft::api
