#include "base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>

namespace weft {
namespace {

std::atomic<LogLevel> current_level{LogLevel::info};
std::atomic<LogFormat> current_format{LogFormat::logfmt};
std::array<std::atomic<std::uint64_t>, 4> written_lines{};
constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

std::string utc_now() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  std::tm parts{};
  ::gmtime_r(&t.tv_sec, &parts);
  char text[40];
  std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + n, sizeof text - n, ".%03ldZ", t.tv_nsec / 1'000'000);
  return text;
}

// Quoted when it holds anything that would end or break a logfmt value.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\u%04x", static_cast<unsigned>(c));
      out += hex;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_value(std::string& out, std::string_view text) {
  bool plain = !text.empty();
  for (char c : text) plain = plain && c > ' ' && c != '"' && c != '=' && c != '\\';
  if (plain) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

}  // namespace

LogField::LogField(std::string_view k, double v) : key(k) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", v);
  value = text;
}

void set_log_level(LogLevel level) { current_level = level; }
LogLevel log_level() { return current_level.load(std::memory_order_relaxed); }
void set_log_format(LogFormat format) { current_format = format; }
std::uint64_t log_lines(LogLevel level) { return written_lines[static_cast<std::size_t>(level)]; }

void write_log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  auto index = static_cast<std::size_t>(level);
  ++written_lines[index];
  std::string line;
  line.reserve(200);
  if (current_format == LogFormat::json) {
    line += R"({"ts":")" + utc_now() + R"(","level":")";
    line += kLevelNames[index];
    line += R"(","msg":)";
    append_quoted(line, event);
    for (const LogField& field : fields) {
      line += ',';
      append_quoted(line, field.key);
      line += ':';
      append_quoted(line, field.value);
    }
    line += "}\n";
  } else {
    line += "ts=" + utc_now() + " level=";
    line += kLevelNames[index];
    line += " msg=";
    append_value(line, event);
    for (const LogField& field : fields) {
      line += ' ';
      line += field.key;
      line += '=';
      append_value(line, field.value);
    }
    line += '\n';
  }
  // A log that cannot be written must not end the program.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace weft
