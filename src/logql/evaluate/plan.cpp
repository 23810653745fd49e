#include "logql/evaluate/plan.h"

#include <algorithm>

namespace weft::logql {

ScanPlan plan_scan(const LogExpr& log, const std::vector<std::unique_ptr<const Stage>>* after,
                   WantedLabels& wanted) {
  ScanPlan plan;
  std::vector<const Stage*> all;
  for (const auto& stage : log.stages) all.push_back(stage.get());
  if (after)
    for (const auto& stage : *after) all.push_back(stage.get());
  IdHints hints;
  for (const Stage* stage : all) {
    stage->want(wanted);
    stage->hint(hints);
  }
  plan.ids = std::move(hints.ids);
  // Line filters first, as long as they see the line as it came: they are the cheapest stages and
  // no other stage before them makes a difference to them.
  bool intact = true;
  for (const auto& stage : log.stages) {
    bool first = intact && stage->kind() == Stage::Kind::line_filter;
    (first ? plan.line_filters : plan.stages).push_back(stage.get());
    intact = intact && !stage->changes_line();
  }
  plan.wants_all = wanted.wants_all();
  if (!plan.wants_all) {
    for (const std::string& name : wanted.names())
      if (std::find(plan.wanted.begin(), plan.wanted.end(), Name(name)) == plan.wanted.end())
        plan.wanted.emplace_back(name);
  }
  return plan;
}

storage::LogScan make_scan(const LogExpr& log, const ScanPlan& plan, const Params& params, TimeRange range,
                           storage::Order order, const storage::Snapshot& data) {
  storage::LogScan scan;
  scan.tenant = params.tenant;
  scan.range = range;
  scan.matchers = log.matchers;
  scan.order = order;
  if (params.no_index || plan.ids.empty()) return scan;
  // The index knows the ids of lines and metadata; a stream may carry one in its labels.
  for (const storage::Stream* stream : data.streams(params.tenant, range, log.matchers))
    for (const Label& label : stream->labels.labels()) {
      if (label.value.size() != 32) continue;
      auto id = parse_trace_id(label.value);
      if (id && std::find(plan.ids.begin(), plan.ids.end(), *id) != plan.ids.end()) return scan;
    }
  scan.ids = plan.ids;
  return scan;
}

}  // namespace weft::logql
