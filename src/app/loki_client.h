#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/time.h"
#include "net/client.h"

namespace weft::app {

using OwnedLabels = std::vector<std::pair<std::string, std::string>>;  // sorted by name

// {a="b", c="d"}
std::string label_text_of(const OwnedLabels& labels);

struct FoundLine {
  std::int64_t time_ns = 0;
  OwnedLabels labels;  // structured metadata and parsed labels among them
  std::string line;
  bool operator==(const FoundLine&) const = default;
};

struct FoundSeries {
  OwnedLabels labels;
  std::vector<std::pair<double, std::string>> points;  // seconds since 1970, value as text
};

// An answer of Loki's query API. Lines are in the asked direction, over all streams.
struct QueryAnswer {
  enum class Kind : std::uint8_t { lines, series };
  Kind kind = Kind::lines;
  std::vector<FoundLine> lines;
  std::vector<FoundSeries> series;
  std::vector<std::string> warnings;
};

enum class Direction : std::uint8_t { forward, backward };

// The body of a successful answer. Errors: invalid_argument where it is not one.
Result<QueryAnswer> parse_query_answer(std::string_view json, Direction direction);

// One message of a live tail.
struct TailMessage {
  std::vector<FoundLine> lines;  // by time
  std::size_t dropped = 0;       // lines that were left out, because we were too slow
};
// Errors: invalid_argument where it is not one.
Result<TailMessage> parse_tail_message(std::string_view json);

// Loki's query API over HTTP. One thread.
class LokiClient {
 public:
  LokiClient(std::string url, std::string tenant) : url_(std::move(url)), tenant_(std::move(tenant)) {}

  struct RangeQuery {
    std::string query;
    TimeRange range;
    Direction direction = Direction::backward;
    std::size_t limit = 100;
    std::string step;  // "" leaves it to the server
  };
  // Errors: the server's message, or that it cannot be reached.
  Result<QueryAnswer> query_range(const RangeQuery& query);
  Result<QueryAnswer> query_instant(const std::string& query, std::int64_t time_ns);

  // As query_range for log queries of any size: asks page by page, hands every line to `take` until
  // it returns false. Lines that share a time across a page's border come once each. query.limit is
  // the size of a page. A metric query gives its answer at once, in the result.
  Result<QueryAnswer> for_each_line(RangeQuery query, const std::function<bool(const FoundLine&)>& take);

  // Follows a log query from `start_ns` on: the newest `limit` lines, and then every one as it comes
  // in, until `take` returns false. Errors: the server's, also when it ends the tail.
  Result<void> follow(const std::string& query, std::int64_t start_ns, std::size_t limit,
                      const std::function<bool(const TailMessage&)>& take);

  // GET of any path: the body. `accept` may be "".
  Result<std::string> get(const std::string& path, const std::string& accept);

 private:
  std::string url_;
  std::string tenant_;
  net::Client client_;
};

}  // namespace weft::app
