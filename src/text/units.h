#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

// Numbers with units as Go, Prometheus and dustin/go-humanize read and write them. All take the
// whole text; errors are invalid_argument in the words of the original.

namespace weft::text {

// Go's time.ParseDuration: "1.5h", "-2m3.5s", units ns us µs ms s m h. Nanoseconds.
Result<std::int64_t> parse_go_duration(std::string_view text);
// Prometheus' model.ParseDuration: "1d12h", "5m", integers, y w d h m s ms in this order. "0" is 0.
Result<std::int64_t> parse_prometheus_duration(std::string_view text);
// Prometheus' form first, then Go's: what Loki and Tempo accept in files.
Result<std::int64_t> parse_duration(std::string_view text);
// Go's Duration.String(): "1h2m3.5s", "250ms", "0s".
std::string format_go_duration(std::int64_t ns);

// go-humanize's ParseBytes: "4KiB", "1.5 MB", "12", "1,000kb"; case is ignored.
Result<std::uint64_t> parse_bytes(std::string_view text);
// "1.5MB" with powers of 1000, as humanize.Bytes prints them without the space.
std::string format_bytes(std::uint64_t bytes);

// Go's strconv.ParseFloat: also hex floats, inf, nan, underscores refused.
Result<double> parse_float(std::string_view text);
// Go's FormatFloat(v, 'f', -1, 64): shortest digits, never an exponent; "NaN", "+Inf", "-Inf".
std::string format_float(double value);

// RFC 3339 with optional fraction: nanoseconds since 1970.
Result<std::int64_t> parse_rfc3339(std::string_view text);
// 2026-11-20T10:00:00.000000001Z, fraction without trailing zeros (Go's RFC3339Nano, UTC).
std::string format_rfc3339(std::int64_t ns);

}  // namespace weft::text
