#pragma once

#include <cstdint>

#include "ingest/refusals.h"
#include "model/limits.h"
#include "model/log_batch.h"
#include "wire/otlp.h"

namespace weft::ingest {

// Maps OTLP log records to streams and entries as Loki does: some resource attributes are the
// labels, everything else is structured metadata of every entry, trace and span ids among it. Entry
// i is record i; its linked trace is set. Text is by view into `logs` and the arena of `batch`.
//
// One difference, on purpose: when a resource has more of the index attributes than a stream may
// have labels, Loki refuses all its records; here those at the end of the list become metadata.
//
// Records with an attribute whose name has no letter or digit are refused (and mapped all the
// same, so that positions stay). `now_ns` is the time of records without one.
void map_otlp_logs(const wire::OtlpLogs& logs, std::int64_t now_ns, const Limits& limits, LogBatch& batch,
                   Refusals& refusals);

}  // namespace weft::ingest
