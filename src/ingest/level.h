#pragma once

#include <cstdint>
#include <string_view>

// Discovery of a log line's level at push (reference: Loki's detected_level). Pure functions.

namespace weft::ingest {

// Names of labels, metadata and fields of a line that hold a level: level, LEVEL, Level,
// log.level, severity, SEVERITY, Severity, SeverityText, lvl, LVL, Lvl, severity_text, …
bool is_level_field(std::string_view name);

// trace, debug, info, warn, error, critical or fatal for any spelling of them; "" for other words.
std::string_view normal_level(std::string_view word);

// OTLP's severity_number 1 to 24 as a level, "" for others.
std::string_view level_of_severity(std::int64_t number);

// The level that the line itself tells: a level field of a JSON object (to depth 2) or of logfmt,
// else the first level keyword between word boundaries, else "unknown".
std::string_view level_of_line(std::string_view line);

}  // namespace weft::ingest
