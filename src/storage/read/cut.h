#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "storage/head/log_head.h"
#include "storage/head/span_head.h"
#include "storage/head/streams.h"
#include "storage/snapshot.h"

namespace weft::storage {

// A head as one snapshot sees it: its first `limit` rows.
struct LogPart {
  std::shared_ptr<const LogHead> head;
  std::uint32_t limit = 0;
};
struct SpanPart {
  std::shared_ptr<const SpanHead> head;
  std::uint32_t limit = 0;
};

// Everything that one snapshot sees, oldest part first. Rows of an earlier part arrived earlier.
struct Cut {
  std::shared_ptr<const StreamTable> streams;
  std::vector<LogPart> logs;
  std::vector<SpanPart> spans;
  // Retention: what is older is not shown.
  std::int64_t oldest_log_ns = 0;
  std::int64_t oldest_span_ns = 0;
};

std::shared_ptr<const Snapshot> make_snapshot(Cut cut);

// The sources of a snapshot; `cut` and `context` must outlive them.
std::unique_ptr<LogSource> scan_logs(const Cut& cut, LogScan scan, const exec::Context& context);
std::unique_ptr<TraceSource> scan_traces(const Cut& cut, TraceScan scan, const exec::Context& context);
bool read_trace(const Cut& cut, std::uint32_t tenant, const TraceId& id, SpanBatch& out);

}  // namespace weft::storage
