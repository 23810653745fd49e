#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/span_batch.h"
#include "wire/otlp.h"

// Zipkin v2 (https://zipkin.io/zipkin-api/zipkin2-api.yaml), JSON: a list of spans. Pure.

namespace weft::wire {

// Translates as the OpenTelemetry collector does:
//   localEndpoint    service.name of the resource ("unknown_service" without one); net.host.ip and
//                    net.host.port of the span
//   remoteEndpoint   peer.service, net.peer.ip, net.peer.port
//   kind             the kind, or the tag span.kind
//   tags             attributes, as text; error, otel.status_code and otel.status_description make the
//                    status, otel.scope.name and .version (otel.library.*) the scope, w3c.tracestate the
//                    trace state
//   annotations      events
// Times become nanoseconds. Ids of 64 bits are padded; spans that two sides share keep their id. Spans
// with a bad id are left out and listed in `rejected`. Views point into the batch's arena. A decoder
// replaces what the batch holds; after an error it holds a part of the request. Errors: invalid_argument;
// resource_exhausted for more than four million spans, tags and annotations.
Result<void> decode_zipkin_json(std::string_view body, SpanBatch& batch, std::vector<RejectedSpan>& rejected);

}  // namespace weft::wire
