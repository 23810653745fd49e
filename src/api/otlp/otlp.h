#pragma once

#include "api/services.h"

// The write side over HTTP and gRPC (reference/loki.md §2.9, §2.10; reference/tempo.md §3.2-3.4).

namespace weft::api {

void otlp_http_traces(Call& call);   // POST /v1/traces
void otlp_http_logs(Call& call);     // POST /v1/logs
void otlp_grpc_traces(Call& call);   // opentelemetry.proto.collector.trace.v1.TraceService/Export
void otlp_grpc_logs(Call& call);     // opentelemetry.proto.collector.logs.v1.LogsService/Export
void zipkin_spans(Call& call);       // POST /api/v2/spans
void zipkin_v1_spans(Call& call);    // POST /api/v1/spans: an answer that says where to
void loki_otlp_logs(Call& call);     // POST /otlp/v1/logs
void loki_push(Call& call);          // POST /loki/api/v1/push and /api/prom/push

}  // namespace weft::api
