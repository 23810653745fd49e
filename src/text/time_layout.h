#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::text {

// A point in time as Go's time.Time: with the zone in which it is shown. Years 1 to 9999.
struct ZonedTime {
  std::int64_t seconds = 0;  // since 1970, UTC
  std::int32_t ns = 0;       // [0, 1e9)
  std::int32_t offset_seconds = 0;
  std::string zone = "UTC";  // the abbreviation, "" when only the offset is known

  static ZonedTime from_ns(std::int64_t ns);
  // Go's zero time: the year 1.
  static ZonedTime zero() { return {-62'135'596'800, 0, 0, "UTC"}; }
};

// Go's Time.Format: "2006-01-02T15:04:05.000Z07:00".
std::string format_time(std::string_view layout, const ZonedTime& time);

// Go's time.ParseInLocation. `zone` ("UTC", "Europe/Berlin", "Local" for UTC) counts when the text
// names none. Errors: invalid_argument, `parsing time "x" as "…": cannot parse "x" as "2006"`;
// not_found, `unknown time zone X`.
Result<ZonedTime> parse_time(std::string_view layout, std::string_view text, std::string_view zone);

// The same time shown in another zone. Errors: not_found.
Result<ZonedTime> in_zone(const ZonedTime& time, std::string_view zone);

}  // namespace weft::text
