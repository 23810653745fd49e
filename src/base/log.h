#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

// weft's own log: one line an event on standard error, logfmt or JSON.
//
//   LOG(info, "listening", {"address", address}, {"port", port});
//
// The event is constant text; what varies is a field. Pure layers (text, wire, exec, logql,
// traceql) do not log. Never log a secret, and never a request body.

namespace weft {

enum class LogLevel : unsigned char { debug, info, warn, error };
enum class LogFormat : unsigned char { logfmt, json };

class LogField {
 public:
  LogField(std::string_view key, std::string_view value) : key(key), value(value) {}
  LogField(std::string_view key, const char* value) : key(key), value(value) {}
  LogField(std::string_view key, const std::string& value) : key(key), value(value) {}
  LogField(std::string_view key, bool value) : key(key), value(value ? "true" : "false") {}
  LogField(std::string_view key, double value);
  template <class T>
    requires std::is_integral_v<T>
  LogField(std::string_view key, T value) : key(key), value(std::to_string(value)) {}

  std::string_view key;
  std::string value;
};

// Process-wide; set once at start (and by /log_level). Thread-safe.
void set_log_level(LogLevel level);
LogLevel log_level();
void set_log_format(LogFormat format);

// One whole line in one write, so that threads never mix. Use LOG.
void write_log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);

// How many lines of this level were written so far (for /metrics).
std::uint64_t log_lines(LogLevel level);

}  // namespace weft

#define LOG(level, event, ...)                                                      \
  (::weft::log_level() <= ::weft::LogLevel::level                                   \
       ? ::weft::write_log(::weft::LogLevel::level, event, {__VA_ARGS__}) \
       : void())
