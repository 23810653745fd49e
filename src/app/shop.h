#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "app/random.h"
#include "model/log_batch.h"
#include "model/span_batch.h"
#include "wire/otlp.h"

// A small web shop that exists only as the traces and logs it leaves: what `weft demo` plays.
// Pure: no clock, no files, no network; the same seed and times give the same bytes.
//
//   gateway ─ storefront ┬ catalog ─ postgres
//                        ├ cart ─ redis
//                        ├ inventory ─ postgres            slow for a minute or two, now and then
//                        └ checkout ┬ cart, inventory
//                                   ├ payment-service ─ bank, ledger      declines, retries
//                                   └ orders (queue) ┈ notifications      own trace, linked

namespace weft::app {

enum class LogFormat : std::uint8_t {
  json,
  logfmt,
  plain,  // an access log of the gateway, a Spring-like line of a Java service
  otlp,   // the body is the message alone; fields and ids travel beside it over OTLP
};

struct ShopService {
  std::string_view name;
  std::string_view language;
  std::string_view version;
  std::string_view container;
  LogFormat format;
};

// In the order of the drawing above.
std::span<const ShopService> shop_services();
inline constexpr std::size_t kShopPods = 2;  // of every service; resource index = service * kShopPods + pod
inline constexpr std::string_view kShopNamespace = "production";

// No visit takes longer from its start to its last span, the work that it leaves for later included.
inline constexpr std::int64_t kShopVisitMaxNs = 8'000'000'000;

struct ShopLog {
  std::int64_t time_ns = 0;
  std::uint32_t resource = 0;  // index into ShopScene::spans.resources
  std::string_view level;      // "debug" "info" "warn" "error"
  std::string_view line;       // the whole line; for LogFormat::otlp the message
  Attributes fields;           // LogFormat::otlp only
  TraceId trace_id;            // zero: a line that belongs to no request
  SpanId span_id;
};

// What any number of visits left. All text lives in spans.arena.
struct ShopScene {
  SpanBatch spans;
  std::vector<ShopLog> logs;
  std::int64_t end_ns = 0;  // of the last span or line
  std::size_t visits = 0;
  std::size_t errors = 0;  // spans of status error

  void clear();
};

class Shop {
 public:
  explicit Shop(std::uint64_t seed) : seed_(seed), random_(seed) {}

  // One visitor's request that arrives at start_ns: appends its spans and logs, all of them within
  // [start_ns, start_ns + kShopVisitMaxNs).
  void visit(std::int64_t start_ns, ShopScene& scene);

  // How long until the next visitor, for an average of `rate` a second (> 0): visitors come at
  // random, as real ones do.
  std::int64_t pause_ns(double rate);

  // Whether the inventory's database is in trouble: 60 to 120 seconds of every 10 minutes.
  bool database_is_slow(std::int64_t time_ns) const;

 private:
  std::uint64_t seed_;
  Random random_;
};

// The lines of services that log to a file, as streams for Loki's push request: labels namespace,
// app, pod, container. Views into `scene`.
void shop_log_streams(const ShopScene& scene, LogBatch& batch);
// The lines of services that log over OTLP. Views into `scene`.
void shop_otlp_logs(const ShopScene& scene, wire::OtlpLogs& logs);

}  // namespace weft::app
