#pragma once

#include <cstdint>

#include "traceql/testing/memory_snapshot.h"
#include "traceql/testing/trace_builder.h"

namespace weft::traceql {

inline constexpr std::uint64_t kShopStart = 1'700'000'000'000'000'000;

// The fixture of reference/tempo.md §8, one trace of five spans A to E.
inline void add_shop(MemorySnapshot& data) {
  constexpr std::uint64_t kStart = kShopStart;
  constexpr std::uint64_t kMs = 1'000'000;
  auto text = [](std::string_view s) { return Value::of(s); };
  TraceBuilder b;
  b.resource({{"service.name", text("front")}, {"env", text("prod")}});
  b.scope("lib", "1.2", {{"tier", text("core")}});
  Span* s =
      &b.span(1, 1, 0, "GET /", kStart, 100 * kMs, {{"http.status_code", Value::of(std::int64_t{200})}});
  s->kind = SpanKind::server;
  s = &b.span(1, 2, 1, "call cart", kStart + 5 * kMs, 60 * kMs);
  s->kind = SpanKind::client;
  s = &b.span(1, 5, 1, "render", kStart + 80 * kMs, 10 * kMs,
              {{"cache.hit", Value::of(true)}, {"ratio", Value::of(0.5)}});
  s->status = SpanStatus::ok;
  b.resource({{"service.name", text("cart")}, {"env", text("prod")}});
  s = &b.span(1, 3, 2, "AddItem", kStart + 8 * kMs, 50 * kMs,
              {{"http.status_code", Value::of(std::int64_t{500})}, {"tags", b.list({text("a"), text("b")})}});
  s->kind = SpanKind::server;
  s->status = SpanStatus::error;
  SpanEvent retry{.time_ns = kStart + 9 * kMs,
                  .name = "retry",
                  .attributes = b.attributes({{"attempt", Value::of(std::int64_t{1})}})};
  SpanEvent boom{.time_ns = kStart + 28 * kMs,
                 .name = "exception",
                 .attributes = b.attributes({{"exception.message", text("boom")}})};
  s->events = b.events({retry, boom});
  s = &b.span(1, 4, 3, "SELECT", kStart + 10 * kMs, 30 * kMs, {{"db.system", text("postgres")}});
  s->kind = SpanKind::client;
  SpanLink link;
  link.trace_id = TraceBuilder::trace_id(9);
  link.span_id = TraceBuilder::span_id(7);
  link.attributes = b.attributes({{"link.kind", text("follows")}});
  s->links = b.links({link});
  data.add(b.batch());
  data.sort();
}

}  // namespace weft::traceql
