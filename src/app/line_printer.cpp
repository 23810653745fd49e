#include "app/line_printer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include "text/json_writer.h"
#include "text/units.h"

namespace weft::app {

namespace {

constexpr std::string_view kDim = "\033[2m", kPlain = "\033[0m";

bool contains_ignoring_case(std::string_view text, std::string_view lower_case) {
  const auto same = [](char a, char b) { return (('A' <= a && a <= 'Z') ? a + 32 : a) == b; };
  return std::ranges::search(text, lower_case, same).begin() != text.end();
}

void write_labels(text::JsonWriter& json, const OwnedLabels& labels) {
  json.begin_object();
  for (const auto& [name, value] : labels) json.key(name).string(value);
  json.end_object();
}

// What a reader of message_of() knows already.
bool is_known_field(std::string_view key) {
  return key == "time" || key == "ts" || key == "timestamp" || key == "level" || key == "severity" ||
         key == "trace_id" || key == "span_id" || key == "trace_sampled" || key == "traceID" ||
         key == "spanID" || key == "traceId" || key == "spanId";
}

// Gathers the parts of message_of().
struct MessageParts {
  std::string message, fields;

  void add(std::string_view key, std::string_view value) {
    if (is_known_field(key)) return;
    if (message.empty() && (key == "msg" || key == "message")) {
      message = value;
    } else {
      fields += fmt::format(" {}={}", key, value);
    }
  }
};

std::optional<MessageParts> json_parts(std::string_view line) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (!line.starts_with('{') || parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS)
    return std::nullopt;
  MessageParts parts;
  for (const auto [key, value] : object) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) {
      parts.add(key, text);
    } else {
      parts.add(key, simdjson::to_string(value));
    }
  }
  return parts;
}

// Every word has to be key=value or key="value" with backslashes; else it is not logfmt.
std::optional<MessageParts> logfmt_parts(std::string_view line) {
  MessageParts parts;
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t equals = line.find('=', at);
    if (equals == std::string_view::npos || line.find(' ', at) < equals) return std::nullopt;
    const std::string_view key = line.substr(at, equals - at);
    std::string value;
    at = equals + 1;
    if (at < line.size() && line[at] == '"') {
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\' && at + 1 < line.size()) ++at;
        value += line[at];
      }
      ++at;
    } else {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      value = line.substr(at, end - at);
      at = end;
    }
    if (at < line.size() && line[at] != ' ') return std::nullopt;
    ++at;
    parts.add(key, value);
  }
  return parts;
}

}  // namespace

std::string message_of(std::string_view line) {
  std::optional<MessageParts> parts = json_parts(line);
  if (!parts) parts = logfmt_parts(line);
  if (!parts) return std::string(line);
  const std::string out = parts->message + parts->fields;
  return out.starts_with(' ') ? out.substr(1) : out;
}

std::string_view level_of(const FoundLine& line) {
  std::string_view text = std::string_view(line.line).substr(0, 200);
  for (const auto& [name, value] : line.labels) {
    if (name == "level" || name == "detected_level" || name == "severity") text = value;
  }
  for (const std::string_view level : {"error", "warn", "info", "debug"}) {
    if (contains_ignoring_case(text, level)) return level;
  }
  return "";
}

std::string_view level_colour(std::string_view level) {
  if (level == "error") return "\033[31m";
  if (level == "warn") return "\033[33m";
  if (level == "info") return "\033[32m";
  if (level == "debug") return "\033[36m";
  return "";
}

std::string render_line(const FoundLine& line, Output output, bool colour) {
  if (output == Output::raw) return line.line + "\n";
  if (output == Output::jsonl) {
    std::string out;
    text::JsonWriter json(out);
    json.begin_object().key("timestamp").string(text::format_rfc3339(line.time_ns)).key("labels");
    write_labels(json, line.labels);
    json.key("line").string(line.line).end_object();
    return out + "\n";
  }
  if (!colour)
    return fmt::format("{} {} {}\n", text::format_rfc3339(line.time_ns), label_text_of(line.labels),
                       line.line);
  return fmt::format("{}{}{} {}{}{} {}\n", level_colour(level_of(line)), text::format_rfc3339(line.time_ns),
                     kPlain, kDim, label_text_of(line.labels), kPlain, line.line);
}

std::string render_series(const FoundSeries& series, Output output, bool colour) {
  std::string out;
  if (output == Output::jsonl) {
    text::JsonWriter json(out);
    json.begin_object().key("metric");
    write_labels(json, series.labels);
    json.key("values").begin_array();
    for (const auto& [seconds, value] : series.points)
      json.begin_array().number(seconds).string(value).end_array();
    json.end_array().end_object();
    return out + "\n";
  }
  const std::string labels = label_text_of(series.labels);
  if (output == Output::labelled)
    out += fmt::format("{}{}{}\n", colour ? "\033[1m" : "", labels, colour ? kPlain : "");
  for (const auto& [seconds, value] : series.points) {
    const std::string time = text::format_rfc3339(std::llround(seconds * 1000) * 1'000'000);
    out += output == Output::raw ? fmt::format("{}\t{}\t{}\n", time, value, labels)
                                 : fmt::format("  {}  {}\n", time, value);
  }
  return out;
}

}  // namespace weft::app
