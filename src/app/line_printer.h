#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "app/loki_client.h"

namespace weft::app {

enum class Output : std::uint8_t {
  labelled,  // time, labels, line; coloured on a terminal
  raw,       // lines alone
  jsonl,     // {"timestamp": …, "labels": {…}, "line": …} a line
};

// One found line, with its newline. With colour, the labels are dim and the time has the colour of
// the line's level, where it says one.
std::string render_line(const FoundLine& line, Output output, bool colour);

// Series: labels on one line, "time  value" below; for raw "time<TAB>value<TAB>labels"; for jsonl
// {"metric": {…}, "values": [[seconds, "value"], …]}.
std::string render_series(const FoundSeries& series, Output output, bool colour);

// The level that a line's labels (level, detected_level, severity) or else its text name:
// "error", "warn", "info", "debug" or "".
std::string_view level_of(const FoundLine& line);

// A line for where its time, level and ids are known already: of a JSON object or a logfmt line the
// message first, then the other fields as key=value; any other line as it is.
std::string message_of(std::string_view line);

// ANSI escape of a level; "" for none.
std::string_view level_colour(std::string_view level);

}  // namespace weft::app
