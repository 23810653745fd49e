#pragma once

#include <cstdint>
#include <memory>

#include "exec/context.h"
#include "storage/snapshot.h"
#include "traceql/spansets/slots.h"

namespace weft::traceql {

// Reads whole traces batch by batch into a table, fetching what the slots need, and counts what it
// read. One thread.
class TraceReader {
 public:
  // What the slots need; besides that all attributes; besides that events and links.
  enum class Fetch : std::uint8_t { slots, all_attributes, everything };

  // `slots` must be complete.
  TraceReader(const Slots& slots, const TenantId& tenant, TimeRange range, const storage::Snapshot& data,
              exec::Context& context, Fetch fetch = Fetch::slots)
      : needs_(slots.needs()), context_(context) {
    storage::TraceScan scan;
    scan.tenant = tenant;
    scan.range = range;
    slots.describe(scan);
    scan.all_attributes = fetch != Fetch::slots;
    scan.events = scan.events || fetch == Fetch::everything;
    scan.links = scan.links || fetch == Fetch::everything;
    columns_ = scan.columns.size();
    source_ = data.traces(std::move(scan), context);
  }

  // False: no more. Errors: the context's and the source's.
  Result<bool> next(TraceTable& table) {
    TRY(context_.check());
    if (!TRY(source_->next(table.rows()))) return false;
    table.derive(needs_);
    exec::Stats& stats = context_.stats();
    stats.rows_scanned += table.size();
    stats.traces_scanned += table.rows().traces.size();
    stats.bytes_scanned += table.size() * (sizeof(Span) + columns_ * sizeof(Value));
    return true;
  }

 private:
  TraceTable::Needs needs_;
  exec::Context& context_;
  std::size_t columns_ = 0;
  std::unique_ptr<storage::TraceSource> source_;
};

}  // namespace weft::traceql
