#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "app/random.h"
#include "app/shop.h"

namespace weft::app {

enum ServiceIndex : std::uint32_t {
  kGateway,
  kStorefront,
  kCatalog,
  kCart,
  kCheckout,
  kPayment,
  kInventory,
  kNotifications,
};

// Where a span of a story is, for links and for parents in other traces.
struct SpanPlace {
  TraceId trace_id;
  SpanId span_id;
};

// Tells what happens within one trace, step by step: a cursor of time that moves on, a stack of open
// spans. What it tells goes to the scene when the story ends. One thread.
class Story {
 public:
  Story(Random& random, std::int64_t start_ns, ShopScene& scene);
  ~Story();  // ends every open span, hands all of them to the scene
  Story(const Story&) = delete;
  Story& operator=(const Story&) = delete;

  Random& random() { return random_; }
  std::int64_t now_ns() const { return now_ns_; }
  void set_now_ns(std::int64_t now_ns) { now_ns_ = now_ns; }
  // Lets a log-normal time pass.
  void pass_ms(double median, double sigma = 0.35);
  void pass_exactly_ms(double ms) { now_ns_ += static_cast<std::int64_t>(ms * 1e6); }

  // A child of the open span (a root where none is open), beginning now, in that service; the pod
  // is chosen once per service and story. Text is copied.
  void begin(ServiceIndex service, SpanKind kind, std::string_view name);
  void end();
  SpanPlace here() const;

  // All of these concern the open span. Keys are constants; values are copied.
  void set(std::string_view key, Value value);
  void set(std::string_view key, std::string_view value) { set(key, Value::of(value)); }
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void event(std::string_view name, std::initializer_list<Attribute> attributes = {});
  void link(const SpanPlace& to, std::initializer_list<Attribute> attributes = {});
  void fail(std::string_view message);  // status error
  void exception(std::string_view type, std::string_view message, std::string_view stack);
  // A line of the open span's service, in that service's format, now.
  void log(std::string_view level, std::string_view message, std::initializer_list<Attribute> fields = {});
  // A line that is already text; for access logs.
  void log_line(std::string_view level, std::string_view line);

  template <class... T>
  std::string_view text(fmt::format_string<T...> format, T&&... values) {
    return scene_.spans.arena.copy(fmt::format(format, std::forward<T>(values)...));
  }

 private:
  struct Draft {
    Span span;
    std::vector<Attribute> attributes;
    std::vector<SpanEvent> events;
    std::vector<SpanLink> links;
  };

  Random& random_;
  ShopScene& scene_;
  std::int64_t now_ns_;
  const std::int64_t start_ns_;
  TraceId trace_id_;
  std::deque<Draft> drafts_;
  std::vector<Draft*> open_;
  std::uint32_t pods_;  // one bit a service
};

// One visitor's request and all that follows from it.
void play_visit(Random& random, bool database_is_slow, std::int64_t start_ns, ShopScene& scene);

}  // namespace weft::app
