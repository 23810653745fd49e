#include "api/parameters.h"

#include <charconv>
#include <cmath>

#include "text/units.h"

namespace weft::api {

Parameters::Parameters(const net::Request& request) : items_(net::parse_query(request.query)) {
  if (request.method != "POST") return;
  if (!request.header("content-type").starts_with("application/x-www-form-urlencoded")) return;
  for (auto& item : net::parse_query(request.body)) items_.push_back(std::move(item));
}

std::string_view Parameters::get(std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return value;
  return {};
}

std::vector<std::string> Parameters::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : items_)
    if (key == name) out.push_back(value);
  return out;
}

Result<std::int64_t> Parameters::integer(std::string_view name, std::int64_t fallback,
                                         std::string_view function) const {
  std::string_view text = get(name);
  if (text.empty()) return fallback;
  return parse_integer(text, function);
}

Result<std::int64_t> parse_integer(std::string_view text, std::string_view function) {
  std::int64_t value = 0;
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  std::string_view why;
  if (code == std::errc::result_out_of_range) why = "value out of range";
  if (code == std::errc::invalid_argument || end != digits.data() + digits.size()) why = "invalid syntax";
  if (digits.size() < text.size() && digits.starts_with('-')) why = "invalid syntax";
  if (why.empty()) return value;
  return Error(Code::invalid_argument, "strconv." + std::string(function) + ": parsing \"" +
                                           std::string(text) + "\": " + std::string(why));
}

Result<std::int64_t> parse_loki_time(std::string_view text) {
  if (text.find('.') != std::string_view::npos && text.find('T') == std::string_view::npos) {
    if (auto seconds = text::parse_float(text)) {
      if (!std::isfinite(*seconds) || std::fabs(*seconds) > 9.2e9)
        return Error(Code::invalid_argument, "cannot parse \"" + std::string(text) + "\" as a time");
      return static_cast<std::int64_t>(std::round(*seconds * 1e3)) * kNsPerMs;
    }
  }
  auto number = parse_integer(text, "ParseInt");
  if (number) return text.size() <= 10 ? *number * kNsPerSecond : *number;
  if (text.find('T') != std::string_view::npos) return text::parse_rfc3339(text);
  return number.error();
}

}  // namespace weft::api
