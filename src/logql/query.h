#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "exec/context.h"
#include "exec/matcher.h"
#include "model/labels.h"
#include "model/limits.h"
#include "model/tenant.h"
#include "storage/snapshot.h"

// LogQL (reference/loki.md §1): parse once, evaluate on a snapshot. Pure: no clock, no files.

namespace weft::logql {

struct Expr;  // the tree; private to logql

// A parsed and checked query. Immutable, cheap to copy, thread-safe.
class Query {
 public:
  // Errors: invalid_argument with Loki's text ("parse error at line 1, col 5: syntax error: …").
  static Result<Query> parse(std::string_view text);

  // True for a query that yields log lines; false for one that yields samples.
  bool is_log_query() const;
  // The text again in a canonical form; parse(to_string()) gives an equal query.
  std::string to_string() const;
  // Loki's pretty printer (format_query).
  std::string pretty() const;
  // Matchers of every selector in the query, in order.
  std::vector<std::vector<exec::LabelMatcher>> selectors() const;

  const Expr& expr() const { return *expr_; }

 private:
  explicit Query(std::shared_ptr<const Expr> expr) : expr_(std::move(expr)) {}
  std::shared_ptr<const Expr> expr_;
};

// A bare selector `{a="b"}` as the label, series and index endpoints take it; `{}` is allowed.
Result<std::vector<exec::LabelMatcher>> parse_selector(std::string_view text);

struct Params {
  TenantId tenant;
  std::int64_t start_ns =
      0;  // log queries: [start, end); metric queries: evaluated at start, start+step … <= end
  std::int64_t end_ns = 0;
  std::int64_t step_ns = 0;      // 0: an instant query, evaluated at end_ns
  std::int64_t interval_ns = 0;  // log queries: at most one entry per interval of the answer; 0: off
  std::size_t limit = 100;
  storage::Order order = storage::Order::backward;
  bool categorize_labels = false;  // keep stream, structured metadata and parsed labels apart
  bool no_index = false;           // do not use id indexes: the oracle of tests (hint `noindex`)
  std::size_t series_max = 500;
  std::int64_t now_ns = 0;  // what `now` in templates is; 0: end_ns
};

using OwnedLabels = std::vector<std::pair<std::string, std::string>>;  // sorted by name

struct Entry {
  std::int64_t time_ns = 0;
  std::string line;
  OwnedLabels metadata;  // only with categorize_labels
  OwnedLabels parsed;    // only with categorize_labels
};
struct ResultStream {
  OwnedLabels labels;  // everything; with categorize_labels the stream's own labels
  std::vector<Entry> entries;
};
struct Streams {
  std::vector<ResultStream> streams;  // by label text; entries in the asked direction
};

struct Point {
  std::int64_t time_ns = 0;
  double value = 0;
};
struct Series {
  OwnedLabels labels;
  std::vector<Point> points;
};
struct Matrix {
  std::vector<Series> series;  // by labels
};
struct Sample {
  OwnedLabels labels;
  double value = 0;
};
struct Vector {
  std::int64_t time_ns = 0;
  std::vector<Sample> samples;  // by labels, or as sort() says
};
struct Scalar {
  std::int64_t time_ns = 0;
  double value = 0;
};
struct Answer {
  std::variant<Streams, Matrix, Vector, Scalar> data;
  std::vector<std::string> warnings;
};

// Errors: invalid_argument (pipeline errors, series limit; the text is shown to the user),
// deadline_exceeded, cancelled, resource_exhausted.
Result<Answer> evaluate(const Query& query, const Params& params, const storage::Snapshot& data,
                        exec::Context& context);

}  // namespace weft::logql
