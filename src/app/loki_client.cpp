#include "app/loki_client.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "app/arguments.h"
#include "model/labels.h"

namespace weft::app {

namespace {

using simdjson::dom::element;

Result<OwnedLabels> labels_of(const element& object) {
  simdjson::dom::object labels;
  if (object.get(labels) != simdjson::SUCCESS)
    return Error(Code::invalid_argument, "labels are not an object");
  OwnedLabels out;
  for (const auto [name, value] : labels) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return Error(Code::invalid_argument, "a label is not a string");
    out.emplace_back(name, text);
  }
  std::ranges::sort(out);
  return out;
}

Result<void> add_lines(const element& stream, std::vector<FoundLine>& out) {
  element labels_json;
  simdjson::dom::array values;
  if (stream["stream"].get(labels_json) != simdjson::SUCCESS ||
      stream["values"].get(values) != simdjson::SUCCESS) {
    return Error(Code::invalid_argument, "a stream has no labels or no values");
  }
  const OwnedLabels labels = TRY(labels_of(labels_json));
  for (const element value : values) {
    std::string_view time, line;
    std::int64_t time_ns = 0;
    if (value.at(0).get(time) != simdjson::SUCCESS || value.at(1).get(line) != simdjson::SUCCESS ||
        std::from_chars(time.data(), time.data() + time.size(), time_ns).ec != std::errc()) {
      return Error(Code::invalid_argument, "a value is not [time, line]");
    }
    out.push_back({time_ns, labels, std::string(line)});
  }
  return {};
}

Result<void> add_point(const element& pair, FoundSeries& series) {
  double seconds = 0;
  std::string_view value;
  if (pair.at(0).get(seconds) != simdjson::SUCCESS || pair.at(1).get(value) != simdjson::SUCCESS) {
    return Error(Code::invalid_argument, "a sample is not [time, value]");
  }
  series.points.emplace_back(seconds, value);
  return {};
}

Result<FoundSeries> series_of(const element& json) {
  FoundSeries series;
  element labels;
  if (json["metric"].get(labels) != simdjson::SUCCESS)
    return Error(Code::invalid_argument, "a series has no labels");
  series.labels = TRY(labels_of(labels));
  element value;
  simdjson::dom::array values;
  if (json["value"].get(value) == simdjson::SUCCESS) {
    TRY(add_point(value, series));
  } else if (json["values"].get(values) == simdjson::SUCCESS) {
    for (const element pair : values) TRY(add_point(pair, series));
  }
  return series;
}

// Streams come one after the other; lines of one time keep the order they came in.
void order_by_time(std::vector<FoundLine>& lines, Direction direction) {
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    order.emplace_back(direction == Direction::forward ? lines[i].time_ns : -lines[i].time_ns, i);
  }
  std::ranges::sort(order);
  std::vector<FoundLine> sorted;
  sorted.reserve(lines.size());
  for (const auto& [time, i] : order) sorted.push_back(std::move(lines[i]));
  lines = std::move(sorted);
}

// A page may end among lines of one time; the next begins with that time again. This remembers
// which of them were seen, and how often.
class SeenAtBorder {
 public:
  // True: this line is new.
  bool is_new(const FoundLine& line, std::size_t& repeated) {
    const auto seen = std::ranges::find(lines_, line, &std::pair<FoundLine, std::size_t>::first);
    if (seen == lines_.end() || seen->second == 0) return true;
    --seen->second;
    ++repeated;
    return false;
  }
  void remember(const std::vector<FoundLine>& page, std::int64_t time_ns) {
    lines_.clear();
    for (const FoundLine& line : page) {
      if (line.time_ns != time_ns) continue;
      const auto seen = std::ranges::find(lines_, line, &std::pair<FoundLine, std::size_t>::first);
      if (seen == lines_.end()) {
        lines_.emplace_back(line, 1);
      } else {
        ++seen->second;
      }
    }
  }

 private:
  std::vector<std::pair<FoundLine, std::size_t>> lines_;
};

}  // namespace

std::string label_text_of(const OwnedLabels& labels) {
  std::vector<Label> views;
  for (const auto& [name, value] : labels) views.push_back({name, value});
  return label_text(views);
}

Result<QueryAnswer> parse_query_answer(std::string_view json, Direction direction) {
  simdjson::dom::parser parser;
  element root, data;
  std::string_view type;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root["data"].get(data) != simdjson::SUCCESS || data["resultType"].get(type) != simdjson::SUCCESS) {
    return Error(Code::invalid_argument, "the answer is not one of Loki's query API");
  }
  QueryAnswer answer;
  simdjson::dom::array warnings;
  if (root["warnings"].get(warnings) == simdjson::SUCCESS) {
    for (const element warning : warnings) {
      std::string_view text;
      if (warning.get(text) == simdjson::SUCCESS) answer.warnings.emplace_back(text);
    }
  }
  if (type == "scalar") {
    element pair;
    if (data["result"].get(pair) != simdjson::SUCCESS)
      return Error(Code::invalid_argument, "the answer has no result");
    answer.kind = QueryAnswer::Kind::series;
    TRY(add_point(pair, answer.series.emplace_back()));
    return answer;
  }
  simdjson::dom::array results;
  if (data["result"].get(results) != simdjson::SUCCESS)
    return Error(Code::invalid_argument, "the answer has no result");
  answer.kind = type == "streams" ? QueryAnswer::Kind::lines : QueryAnswer::Kind::series;
  for (const element result : results) {
    if (answer.kind == QueryAnswer::Kind::lines) {
      TRY(add_lines(result, answer.lines));
    } else {
      answer.series.push_back(TRY(series_of(result)));
    }
  }
  order_by_time(answer.lines, direction);
  return answer;
}

Result<TailMessage> parse_tail_message(std::string_view json) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array streams, dropped;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root["streams"].get(streams) != simdjson::SUCCESS) {
    return Error(Code::invalid_argument, "the message is not one of Loki's live tail");
  }
  TailMessage message;
  for (const element stream : streams) TRY(add_lines(stream, message.lines));
  if (root["dropped_entries"].get(dropped) == simdjson::SUCCESS) message.dropped = dropped.size();
  order_by_time(message.lines, Direction::forward);
  return message;
}

Result<std::string> LokiClient::get(const std::string& path, const std::string& accept) {
  net::ClientRequest request{.method = "GET", .url = url_ + path, .timeout_ns = 120 * kNsPerSecond};
  if (!accept.empty()) request.headers.emplace_back("accept", accept);
  if (!tenant_.empty()) request.headers.emplace_back("x-scope-orgid", tenant_);
  net::ClientResponse answer = TRY(client_.send(request));
  if (answer.status / 100 == 2) return std::move(answer.body);
  while (answer.body.ends_with('\n')) answer.body.pop_back();
  const std::string message =
      answer.body.empty() ? fmt::format("{} answered {}", url_, answer.status) : answer.body;
  return Error(answer.status == 404   ? Code::not_found
               : answer.status == 400 ? Code::invalid_argument
                                      : Code::unavailable,
               message);
}

Result<QueryAnswer> LokiClient::query_range(const RangeQuery& query) {
  std::string path = fmt::format("/loki/api/v1/query_range?query={}&start={}&end={}&limit={}&direction={}",
                                 percent_encode(query.query), query.range.start_ns, query.range.end_ns,
                                 query.limit, query.direction == Direction::forward ? "forward" : "backward");
  if (!query.step.empty()) path += "&step=" + percent_encode(query.step);
  return parse_query_answer(TRY(get(path, "")), query.direction);
}

Result<QueryAnswer> LokiClient::query_instant(const std::string& query, std::int64_t time_ns) {
  const std::string path = fmt::format("/loki/api/v1/query?query={}&time={}", percent_encode(query), time_ns);
  return parse_query_answer(TRY(get(path, "")), Direction::backward);
}

Result<void> LokiClient::follow(const std::string& query, std::int64_t start_ns, std::size_t limit,
                                const std::function<bool(const TailMessage&)>& take) {
  const std::string path =
      fmt::format("/loki/api/v1/tail?query={}&start={}&limit={}", percent_encode(query), start_ns, limit);
  net::Headers headers;
  if (!tenant_.empty()) headers.emplace_back("x-scope-orgid", tenant_);
  Result<void> read;
  TRY(client_.websocket(url_ + path, headers, [&](std::string_view json) {
    const Result<TailMessage> message = parse_tail_message(json);
    if (!message) read = message.error();
    return message && take(*message);
  }));
  return read;
}

Result<QueryAnswer> LokiClient::for_each_line(RangeQuery query,
                                              const std::function<bool(const FoundLine&)>& take) {
  SeenAtBorder seen;
  while (true) {
    QueryAnswer page = TRY(query_range(query));
    if (page.kind == QueryAnswer::Kind::series) return page;
    std::size_t repeated = 0;
    for (const FoundLine& line : page.lines) {
      if (seen.is_new(line, repeated) && !take(line)) return QueryAnswer{};
    }
    if (page.lines.size() < query.limit) return QueryAnswer{};
    if (repeated == page.lines.size()) {
      return Error(Code::resource_exhausted,
                   fmt::format("more than {} lines of one nanosecond; raise --batch or narrow the query",
                               query.limit));
    }
    const std::int64_t last_ns = page.lines.back().time_ns;
    seen.remember(page.lines, last_ns);
    if (query.direction == Direction::forward) {
      query.range.start_ns = last_ns;
    } else {
      query.range.end_ns = last_ns + 1;
    }
  }
}

}  // namespace weft::app
