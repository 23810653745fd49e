#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ingest/tail.h"
#include "storage/snapshot.h"

namespace weft::api::loki {

// The log rows of some pushes of one tenant as a snapshot, so that a query runs over them as it does
// over the store. A few thousand rows: everything is a plain loop.
class TailedSnapshot final : public storage::Snapshot {
 public:
  explicit TailedSnapshot(std::vector<ingest::TailedRowsPointer> pushes);

  std::size_t rows() const { return rows_.size(); }

  std::vector<const storage::Stream*> streams(const TenantId& tenant, TimeRange range,
                                              std::span<const exec::LabelMatcher> matchers) const override;
  std::vector<storage::StreamStats> stream_stats(const TenantId& tenant, TimeRange range,
                                                 std::span<const exec::LabelMatcher> matchers) const override;
  std::unique_ptr<storage::LogSource> logs(storage::LogScan scan, const exec::Context& context) const override;

  // There are no spans here.
  bool trace(const TenantId& tenant, const TraceId& id, SpanBatch& out) const override;
  std::unique_ptr<storage::TraceSource> traces(storage::TraceScan scan,
                                               const exec::Context& context) const override;
  std::vector<storage::AttributeKey> attribute_keys(const TenantId& tenant, TimeRange range) const override;

 private:
  std::vector<ingest::TailedRowsPointer> pushes_;
  std::map<std::string, storage::Stream> streams_;  // by label text
  std::vector<storage::LogRow> rows_;               // by (time, stream, arrival), without doubles
};

}  // namespace weft::api::loki
