#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "logql/query.h"

namespace weft::logql {

// A field that lines of a query have: what Grafana's Logs Drilldown lists (detected_fields).
struct DetectedField {
  std::string label;
  std::string type;  // int, float, boolean, duration, bytes or string
  std::uint64_t cardinality = 0;
  std::vector<std::string> parsers;    // json, logfmt; none for structured metadata
  std::vector<std::string> json_path;  // the keys in the document
  std::vector<std::string> values;     // distinct ones, sorted; only of the field that was asked for
};

struct DetectOptions {
  std::size_t lines_max = 100;
  std::size_t fields_max = 1000;
  std::string values_of;  // collect the values of this field; empty: of none
};

// The fields of the newest lines_max lines of `params`' range, by label: structured metadata, what
// the query's own stages have made, and what json, else logfmt, finds in the line. Labels of the
// stream are none; a field of that name is shown as x_extracted. Errors: those of evaluate(), and
// invalid_argument for a metric query.
Result<std::vector<DetectedField>> detect_fields(const Query& query, const Params& params,
                                                 const DetectOptions& options, const storage::Snapshot& data,
                                                 exec::Context& context);

}  // namespace weft::logql
