#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/context.h"
#include "traceql/metrics/groups.h"
#include "traceql/metrics/intervals.h"
#include "traceql/metrics/series.h"
#include "traceql/spansets/slots.h"

namespace weft::traceql {

// compare(): how often each value of each attribute occurs among selected spans and among the others
// (reference/tempo.md §1.12). Reads attributes of spans and resources, name, status, kind, rootName
// and rootServiceName; the scan must fetch all attributes. One thread.
class Comparison {
 public:
  // Adds the slots that it reads. `stage` must outlive it.
  Comparison(const MetricsStage& stage, const Intervals& intervals, Slots& slots);

  // A span of the table's batch; `selected`: it matches the filter (start and end are looked at here).
  Result<void> add(std::uint32_t span, bool selected, TraceTable& table, exec::Context& context);

  // Ends it.
  std::vector<Series> finish() const;

 private:
  struct Counts {
    std::vector<double> sides[2];  // [baseline, selection][interval]
    double totals[2] = {0, 0};
  };
  struct Attribute {
    std::string label;
    Type type = Type::any;
    Groups values{1};
    std::vector<Counts> counts;  // [value]
    Counts all;
    bool too_many = false;
  };
  Attribute& attribute(storage::AttributeScope scope, std::string_view key);
  Result<void> count(Attribute& attribute, const Value& value, bool selected, std::size_t interval,
                     exec::Context& context);
  void add_side(const Attribute& attribute, std::size_t side, std::vector<Series>& out) const;

  const MetricsStage& stage_;
  const Intervals& intervals_;
  const Slots& slots_;
  std::size_t top_ = 10;
  std::vector<std::size_t> intrinsic_slots_;
  std::vector<Attribute> intrinsics_;
  std::map<std::string, Attribute, std::less<>> spans_;
  std::map<std::string, Attribute, std::less<>> resources_;
};

}  // namespace weft::traceql
