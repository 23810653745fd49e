#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/load_generator.h"
#include "app/server_process.h"
#include "base/result.h"
#include "net/server.h"

namespace weft::app {

// Where the bodies of a load go.
struct LoadTarget {
  LoadProtocol protocol = LoadProtocol::loki;
  std::string url;  // loki and otlp_http: the whole URL; otlp_grpc: http://host:port
  std::string grpc_method;
  net::Headers headers;
};

struct LoadResult {
  std::size_t rows = 0;
  std::size_t raw_bytes = 0;
  std::size_t sent_bytes = 0;
  std::size_t requests = 0;
  std::size_t refusals = 0;  // answers 429 and 503; each was sent again
  double seconds = 0;
  std::int64_t p50_ns = 0, p99_ns = 0, max_ns = 0;  // until a request was acknowledged, the last try alone
  // The server, from before the first request until it had nothing left to do.
  double cpu_seconds = 0;
  double cpu_seconds_after = 0;  // the part of it after the last acknowledgement
  double resident_bytes = 0;     // at the end
  double resident_bytes_peak = 0;
};

// The value below which a part (0..1) of the sorted numbers lies; 0 for none.
std::int64_t quantile_of(const std::vector<std::int64_t>& sorted, double part);

// Sends every body once, over so many connections, and waits until each is acknowledged; then waits
// until the server is at rest (or settle_ns have passed). `usage` reads the server's figures.
// Errors: the first request that cannot be sent or is refused for good.
Result<LoadResult> run_load(const std::vector<LoadBody>& bodies, const LoadTarget& target,
                            std::size_t connections, std::int64_t settle_ns,
                            const std::function<Result<ProcessUsage>()>& usage);

}  // namespace weft::app
