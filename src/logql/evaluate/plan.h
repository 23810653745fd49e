#pragma once

#include <string>
#include <vector>

#include "logql/query.h"
#include "logql/syntax/ast.h"

namespace weft::logql {

// How the rows of one selector are read: the stages in the order in which they run, what the index
// may skip, and the labels that parsers must keep. Refers to the tree.
struct ScanPlan {
  std::vector<const Stage*> line_filters;  // look at nothing but the line as it came
  std::vector<const Stage*> stages;
  std::vector<TraceId> ids;
  bool wants_all = true;
  std::vector<Name> wanted;  // with !wants_all

  // True: the row has passed, and `row` shows it. Most rows of a search fail the line filters, which
  // is why their labels are only looked at behind them.
  bool run(Row& row, const storage::LogRow& item) const {
    row.line = item.line;
    for (const Stage* filter : line_filters)
      if (!filter->apply(row)) return false;
    row.begin(item);
    for (const Stage* stage : stages)
      if (!stage->apply(row)) return false;
    return true;
  }
};

// `wanted`: the labels that the query sees behind the pipeline; those that stages read are added.
// Views into the tree and into `wanted`, which outlive the plan.
ScanPlan plan_scan(const LogExpr& log, const std::vector<std::unique_ptr<const Stage>>* after,
                   WantedLabels& wanted);

// A scan of the rows of `range` for the plan. The ids are left out when the hint `noindex` says so
// and when a stream's own labels hold one of them.
storage::LogScan make_scan(const LogExpr& log, const ScanPlan& plan, const Params& params, TimeRange range,
                           storage::Order order, const storage::Snapshot& data);

}  // namespace weft::logql
