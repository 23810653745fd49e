#pragma once

#include "api/services.h"

// Tempo's read side (reference/tempo.md §2).

namespace weft::api {

void tempo_trace_v1(Call& call);
void tempo_trace_v2(Call& call);
void tempo_search(Call& call);
void tempo_tags_v1(Call& call);
void tempo_tags_v2(Call& call);
void tempo_tag_values_v1(Call& call);
void tempo_tag_values_v2(Call& call);
void tempo_metrics_range(Call& call);
void tempo_metrics_instant(Call& call);

// tempopb.StreamingQuerier over gRPC.
void tempo_stream_search(Call& call);
void tempo_stream_tags_v1(Call& call);
void tempo_stream_tags_v2(Call& call);
void tempo_stream_tag_values_v1(Call& call);
void tempo_stream_tag_values_v2(Call& call);
void tempo_stream_metrics_range(Call& call);
void tempo_stream_metrics_instant(Call& call);

}  // namespace weft::api
