#include "text/time_layout.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

namespace weft::text {
namespace {

// The pieces of a layout, under the reference time's own way of writing them.
enum class Piece : std::uint8_t {
  none,
  long_month,
  month,
  number_month,
  zero_month,
  long_weekday,
  weekday,
  day,
  under_day,
  zero_day,
  under_year_day,
  zero_year_day,
  hour,
  hour12,
  zero_hour12,
  minute,
  zero_minute,
  second,
  zero_second,
  long_year,
  year,
  upper_pm,
  lower_pm,
  zone_name,
  iso_zone,
  iso_zone_seconds,
  iso_zone_short,
  iso_zone_colon,
  iso_zone_colon_seconds,
  number_zone,
  number_zone_seconds,
  number_zone_short,
  number_zone_colon,
  number_zone_colon_seconds,
  fraction_zeros,
  fraction_nines,
};

struct PieceText {
  std::string_view text;
  Piece piece;
};
// Longer ones first where one begins with another.
constexpr std::array<PieceText, 31> kPieces = {{{"January", Piece::long_month},
                                                {"Jan", Piece::month},
                                                {"Monday", Piece::long_weekday},
                                                {"Mon", Piece::weekday},
                                                {"MST", Piece::zone_name},
                                                {"2006", Piece::long_year},
                                                {"002", Piece::zero_year_day},
                                                {"01", Piece::zero_month},
                                                {"02", Piece::zero_day},
                                                {"03", Piece::zero_hour12},
                                                {"04", Piece::zero_minute},
                                                {"05", Piece::zero_second},
                                                {"06", Piece::year},
                                                {"15", Piece::hour},
                                                {"1", Piece::number_month},
                                                {"2", Piece::day},
                                                {"3", Piece::hour12},
                                                {"4", Piece::minute},
                                                {"5", Piece::second},
                                                {"__2", Piece::under_year_day},
                                                {"_2", Piece::under_day},
                                                {"PM", Piece::upper_pm},
                                                {"pm", Piece::lower_pm},
                                                {"Z07:00:00", Piece::iso_zone_colon_seconds},
                                                {"Z07:00", Piece::iso_zone_colon},
                                                {"Z070000", Piece::iso_zone_seconds},
                                                {"Z0700", Piece::iso_zone},
                                                {"Z07", Piece::iso_zone_short},
                                                {"-07:00:00", Piece::number_zone_colon_seconds},
                                                {"-07:00", Piece::number_zone_colon},
                                                {"-070000", Piece::number_zone_seconds}}};
constexpr std::array<PieceText, 2> kShortZones = {
    {{"-0700", Piece::number_zone}, {"-07", Piece::number_zone_short}}};

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The first piece of `layout` and the text before it; digits of a fraction.
struct Split {
  std::string_view before;
  Piece piece = Piece::none;
  std::string_view written;
  std::string_view rest;
};

Split next_piece(std::string_view layout) {
  for (std::size_t i = 0; i < layout.size(); ++i) {
    std::string_view at = layout.substr(i);
    auto found = [&](Piece piece, std::size_t size) {
      return Split{layout.substr(0, i), piece, at.substr(0, size), at.substr(size)};
    };
    // _2006 is an underscore and a year.
    if (at.starts_with("_2006"))
      return {layout.substr(0, i + 1), Piece::long_year, at.substr(1, 4), at.substr(5)};
    if ((at[0] == '.' || at[0] == ',') && at.size() > 1 && (at[1] == '0' || at[1] == '9')) {
      std::size_t end = 1;
      while (end < at.size() && at[end] == at[1]) ++end;
      if (end >= at.size() || !is_digit(at[end]))
        return found(at[1] == '0' ? Piece::fraction_zeros : Piece::fraction_nines, end);
    }
    for (const auto& [text, piece] : kPieces) {
      if (!at.starts_with(text)) continue;
      // "Jan" of "January" is handled by order; "Month" is no "Mon".
      if (piece == Piece::month && at.size() > 3 && at[3] >= 'a' && at[3] <= 'z') continue;
      if (piece == Piece::weekday && at.size() > 3 && at[3] >= 'a' && at[3] <= 'z') continue;
      return found(piece, text.size());
    }
    for (const auto& [text, piece] : kShortZones)
      if (at.starts_with(text)) return found(piece, text.size());
  }
  return {layout, Piece::none, {}, {}};
}

void pad(std::string& out, std::int64_t value, int width, char fill = '0') {
  std::string digits = std::to_string(value);
  for (int i = static_cast<int>(digits.size()); i < width; ++i) out += fill;
  out += digits;
}

struct ZoneStyle {
  bool iso, colon, seconds, minutes;
};
std::optional<ZoneStyle> zone_style(Piece piece) {
  switch (piece) {
    case Piece::iso_zone: return {{true, false, false, true}};
    case Piece::iso_zone_seconds: return {{true, false, true, true}};
    case Piece::iso_zone_short: return {{true, false, false, false}};
    case Piece::iso_zone_colon: return {{true, true, false, true}};
    case Piece::iso_zone_colon_seconds: return {{true, true, true, true}};
    case Piece::number_zone: return {{false, false, false, true}};
    case Piece::number_zone_seconds: return {{false, false, true, true}};
    case Piece::number_zone_short: return {{false, false, false, false}};
    case Piece::number_zone_colon: return {{false, true, false, true}};
    case Piece::number_zone_colon_seconds: return {{false, true, true, true}};
    default: return std::nullopt;
  }
}

void append_zone(std::string& out, ZoneStyle style, std::int32_t offset) {
  if (style.iso && offset == 0) {
    out += 'Z';
    return;
  }
  out += offset < 0 ? '-' : '+';
  std::int32_t value = offset < 0 ? -offset : offset;
  pad(out, value / 3600, 2);
  if (style.minutes) {
    if (style.colon) out += ':';
    pad(out, value / 60 % 60, 2);
  }
  if (style.seconds) {
    if (style.colon) out += ':';
    pad(out, value % 60, 2);
  }
}

std::optional<cctz::time_zone> load_zone(std::string_view name) {
  cctz::time_zone zone = cctz::utc_time_zone();
  if (name.empty() || name == "UTC" || name == "Local") return zone;
  if (name.find("..") != name.npos || !cctz::load_time_zone(std::string(name), &zone)) return std::nullopt;
  return zone;
}

cctz::time_point<cctz::seconds> point_of(std::int64_t seconds) {
  return std::chrono::time_point_cast<cctz::seconds>(std::chrono::system_clock::from_time_t(0)) +
         cctz::seconds(seconds);
}

// What has been read of a text.
struct Fields {
  std::int64_t year = 0, month = 1, day = 1, year_day = 0, hour = 0, minute = 0, second = 0;
  std::int32_t ns = 0;
  bool pm = false, am = false;
  std::optional<std::int32_t> offset;
  std::string zone_name;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text(text) {}

  bool literal(std::string_view want) {
    if (!text.starts_with(want)) return false;
    text.remove_prefix(want.size());
    return true;
  }
  // `least` to `most` digits.
  bool number(std::size_t least, std::size_t most, std::int64_t& value) {
    std::size_t n = 0;
    value = 0;
    while (n < most && n < text.size() && is_digit(text[n])) value = value * 10 + (text[n++] - '0');
    text.remove_prefix(n);
    return n >= least;
  }
  template <std::size_t N>
  bool name(const std::array<std::string_view, N>& names, std::size_t length, std::int64_t& index) {
    for (std::size_t i = 0; i < N; ++i) {
      std::string_view name = names[i].substr(0, length);
      if (text.size() < name.size() || !equal_ignoring_case(text.substr(0, name.size()), name)) continue;
      text.remove_prefix(name.size());
      index = static_cast<std::int64_t>(i);
      return true;
    }
    return false;
  }
  bool fraction(std::int32_t& ns) {
    std::int64_t unit = 100'000'000, value = 0;
    std::size_t n = 1;
    for (; n < text.size() && is_digit(text[n]); ++n, unit /= 10) value += unit * (text[n] - '0');
    if (n == 1) return false;
    ns = static_cast<std::int32_t>(value);
    text.remove_prefix(n);
    return true;
  }
  bool zone(ZoneStyle style, std::int32_t& offset) {
    offset = 0;
    if (style.iso && literal("Z")) return true;
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
    std::int32_t sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
    std::int64_t hours = 0, minutes = 0, seconds = 0;
    if (!number(2, 2, hours)) return false;
    if (style.minutes && ((style.colon && !literal(":")) || !number(2, 2, minutes))) return false;
    if (style.seconds && ((style.colon && !literal(":")) || !number(2, 2, seconds))) return false;
    if (hours > 24 || minutes > 59 || seconds > 59) return false;
    offset = static_cast<std::int32_t>(sign * (hours * 3600 + minutes * 60 + seconds));
    return true;
  }

  std::string_view text;

 private:
  static bool equal_ignoring_case(std::string_view a, std::string_view b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if ((a[i] | 0x20) != (b[i] | 0x20)) return false;
    return true;
  }
};

bool read_piece(Reader& in, Piece piece, Fields& out) {
  std::int64_t index = 0;
  switch (piece) {
    case Piece::none: return true;
    case Piece::long_year: return in.number(4, 4, out.year);
    case Piece::year:
      if (!in.number(2, 2, out.year)) return false;
      out.year += out.year >= 69 ? 1900 : 2000;
      return true;
    case Piece::long_month:
    case Piece::month:
      if (!in.name(kMonths, piece == Piece::month ? 3 : 99, index)) return false;
      out.month = index + 1;
      return true;
    case Piece::number_month: return in.number(1, 2, out.month);
    case Piece::zero_month: return in.number(2, 2, out.month);
    case Piece::long_weekday:
    case Piece::weekday: return in.name(kWeekdays, piece == Piece::weekday ? 3 : 99, index);
    case Piece::day:
    case Piece::under_day:
      if (piece == Piece::under_day && in.text.starts_with(' ')) in.text.remove_prefix(1);
      return in.number(1, 2, out.day);
    case Piece::zero_day: return in.number(2, 2, out.day);
    case Piece::under_year_day:
    case Piece::zero_year_day:
      while (piece == Piece::under_year_day && in.text.starts_with(' ')) in.text.remove_prefix(1);
      return in.number(1, 3, out.year_day);
    case Piece::hour: return in.number(1, 2, out.hour) && out.hour < 24;
    case Piece::hour12: return in.number(1, 2, out.hour) && out.hour <= 12;
    case Piece::zero_hour12: return in.number(2, 2, out.hour) && out.hour <= 12;
    case Piece::minute: return in.number(1, 2, out.minute) && out.minute < 60;
    case Piece::zero_minute: return in.number(2, 2, out.minute) && out.minute < 60;
    case Piece::second:
    case Piece::zero_second:
      if (!in.number(piece == Piece::second ? 1 : 2, 2, out.second) || out.second > 59) return false;
      // A fraction may follow even where the layout has none.
      if (in.text.size() > 1 && (in.text[0] == '.' || in.text[0] == ',') && is_digit(in.text[1]))
        return in.fraction(out.ns);
      return true;
    case Piece::upper_pm:
    case Piece::lower_pm: {
      bool upper = piece == Piece::upper_pm;
      if (in.literal(upper ? "PM" : "pm")) return out.pm = true;
      return in.literal(upper ? "AM" : "am") && (out.am = true);
    }
    case Piece::zone_name: {
      std::size_t n = 0;
      while (n < in.text.size() && n < 5 && in.text[n] >= 'A' && in.text[n] <= 'Z') ++n;
      if (n < 3) return false;
      out.zone_name = in.text.substr(0, n);
      in.text.remove_prefix(n);
      return true;
    }
    case Piece::fraction_zeros:
    case Piece::fraction_nines:
      if (in.text.size() > 1 && (in.text[0] == '.' || in.text[0] == ',') && is_digit(in.text[1]))
        return in.fraction(out.ns);
      // The seconds have taken it already, or it is optional.
      return piece == Piece::fraction_nines || out.ns != 0;
    default: {
      std::int32_t offset = 0;
      if (!in.zone(*zone_style(piece), offset)) return false;
      out.offset = offset;
      return true;
    }
  }
}

}  // namespace

ZonedTime ZonedTime::from_ns(std::int64_t ns) {
  ZonedTime out;
  out.seconds = ns / 1'000'000'000;
  out.ns = static_cast<std::int32_t>(ns % 1'000'000'000);
  if (out.ns < 0) {
    out.ns += 1'000'000'000;
    --out.seconds;
  }
  return out;
}

std::string format_time(std::string_view layout, const ZonedTime& time) {
  cctz::civil_second t = cctz::civil_second(1970, 1, 1, 0, 0, 0) + (time.seconds + time.offset_seconds);
  auto weekday = (static_cast<int>(cctz::get_weekday(cctz::civil_day(t))) + 1) % 7;
  std::string out;
  while (!layout.empty()) {
    Split split = next_piece(layout);
    out.append(split.before);
    layout = split.rest;
    int hour12 = t.hour() % 12 == 0 ? 12 : t.hour() % 12;
    switch (split.piece) {
      case Piece::none: break;
      case Piece::long_year: pad(out, t.year(), 4); break;
      case Piece::year: pad(out, t.year() % 100, 2); break;
      case Piece::long_month: out.append(kMonths[static_cast<std::size_t>(t.month() - 1)]); break;
      case Piece::month: out.append(kMonths[static_cast<std::size_t>(t.month() - 1)].substr(0, 3)); break;
      case Piece::number_month: pad(out, t.month(), 1); break;
      case Piece::zero_month: pad(out, t.month(), 2); break;
      case Piece::long_weekday: out.append(kWeekdays[static_cast<std::size_t>(weekday)]); break;
      case Piece::weekday: out.append(kWeekdays[static_cast<std::size_t>(weekday)].substr(0, 3)); break;
      case Piece::day: pad(out, t.day(), 1); break;
      case Piece::under_day: pad(out, t.day(), 2, ' '); break;
      case Piece::zero_day: pad(out, t.day(), 2); break;
      case Piece::under_year_day: pad(out, cctz::get_yearday(cctz::civil_day(t)), 3, ' '); break;
      case Piece::zero_year_day: pad(out, cctz::get_yearday(cctz::civil_day(t)), 3); break;
      case Piece::hour: pad(out, t.hour(), 2); break;
      case Piece::hour12: pad(out, hour12, 1); break;
      case Piece::zero_hour12: pad(out, hour12, 2); break;
      case Piece::minute: pad(out, t.minute(), 1); break;
      case Piece::zero_minute: pad(out, t.minute(), 2); break;
      case Piece::second: pad(out, t.second(), 1); break;
      case Piece::zero_second: pad(out, t.second(), 2); break;
      case Piece::upper_pm: out += t.hour() >= 12 ? "PM" : "AM"; break;
      case Piece::lower_pm: out += t.hour() >= 12 ? "pm" : "am"; break;
      case Piece::zone_name:
        if (!time.zone.empty()) {
          out += time.zone;
        } else {
          append_zone(out, {false, false, false, time.offset_seconds % 3600 != 0}, time.offset_seconds);
        }
        break;
      case Piece::fraction_zeros:
      case Piece::fraction_nines: {
        std::string digits;
        pad(digits, time.ns, 9);
        digits.resize(std::min<std::size_t>(digits.size(), split.written.size() - 1));
        if (split.piece == Piece::fraction_nines) digits.erase(digits.find_last_not_of('0') + 1);
        if (!digits.empty()) out.append(1, split.written[0]).append(digits);
        break;
      }
      default: append_zone(out, *zone_style(split.piece), time.offset_seconds); break;
    }
  }
  return out;
}

Result<ZonedTime> parse_time(std::string_view layout, std::string_view text, std::string_view zone_name) {
  auto bad = [&](std::string_view rest, std::string_view piece) {
    return Error(Code::invalid_argument, "parsing time \"" + std::string(text) + "\" as \"" +
                                             std::string(layout) + "\": cannot parse \"" + std::string(rest) +
                                             "\" as \"" + std::string(piece) + "\"");
  };
  auto zone = load_zone(zone_name);
  if (!zone) return Error(Code::not_found, "unknown time zone " + std::string(zone_name));
  Fields fields;
  Reader in(text);
  for (std::string_view rest = layout; !rest.empty();) {
    Split split = next_piece(rest);
    std::string_view here = in.text;
    if (!in.literal(split.before)) return bad(here, split.before);
    here = in.text;
    if (!read_piece(in, split.piece, fields)) return bad(here, split.written);
    rest = split.rest;
  }
  if (!in.text.empty())
    return Error(Code::invalid_argument,
                 "parsing time \"" + std::string(text) + "\": extra text: \"" + std::string(in.text) + "\"");
  if (fields.pm && fields.hour < 12) fields.hour += 12;
  if (fields.am && fields.hour == 12) fields.hour = 0;
  auto out_of_range = [&](const char* what) {
    return Error(Code::invalid_argument,
                 "parsing time \"" + std::string(text) + "\": " + what + " out of range");
  };
  if (fields.month < 1 || fields.month > 12) return out_of_range("month");
  cctz::civil_second civil(fields.year, static_cast<int>(fields.month), static_cast<int>(fields.day),
                           static_cast<int>(fields.hour), static_cast<int>(fields.minute),
                           static_cast<int>(fields.second));
  if (fields.year_day > 0)
    civil = cctz::civil_second(cctz::civil_day(fields.year, 1, 1) + (fields.year_day - 1)) +
            (civil - cctz::civil_second(cctz::civil_day(civil)));
  else if (civil.day() != fields.day)
    return out_of_range("day");
  ZonedTime out;
  out.ns = fields.ns;
  std::int64_t local = civil - cctz::civil_second(1970, 1, 1, 0, 0, 0);
  if (fields.offset) {
    out.offset_seconds = *fields.offset;
    out.seconds = local - *fields.offset;
    out.zone = *fields.offset == 0 ? "UTC" : fields.zone_name;
    return out;
  }
  out.seconds = (zone->lookup(civil).pre - point_of(0)).count();
  if (!fields.zone_name.empty()) {
    // An abbreviation that the zone does not use says nothing of the offset.
    out.zone = fields.zone_name;
    out.seconds = local;
    return out;
  }
  return in_zone(out, zone_name);
}

Result<ZonedTime> in_zone(const ZonedTime& time, std::string_view zone_name) {
  auto zone = load_zone(zone_name);
  if (!zone) return Error(Code::not_found, "unknown time zone " + std::string(zone_name));
  auto found = zone->lookup(point_of(time.seconds));
  ZonedTime out = time;
  out.offset_seconds = found.offset;
  out.zone = found.abbr;
  return out;
}

}  // namespace weft::text
