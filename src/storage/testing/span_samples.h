#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "model/span_batch.h"

// Spans of every shape that a block may have to hold.

namespace weft::storage::testing {

struct SampleOptions {
  unsigned traces = 20;
  unsigned spans_max = 12;  // of a trace
  unsigned keys = 12;       // different attribute keys of spans
  unsigned id_offset = 0;   // first number of a trace id
  bool large = true;        // now and then a text of some KiB
};

class SpanSamples {
 public:
  explicit SpanSamples(std::uint64_t seed) : random_(seed) {}

  // Spans of all traces in random order, in batches of random sizes; some are there twice.
  std::deque<SpanBatch> make(const SampleOptions& options) {
    options_ = options;
    std::vector<Span> spans;
    SpanBatch shared;
    for (unsigned t = 0; t < options.traces; ++t) add_trace(options.id_offset + t, spans);
    std::size_t originals = spans.size();
    for (std::size_t i = 0; i < originals; ++i)
      if (chance(10)) spans.push_back(spans[i]);
    std::ranges::shuffle(spans, random_);
    std::deque<SpanBatch> batches;
    for (std::size_t i = 0; i < spans.size();) {
      SpanBatch& batch = batches.emplace_back();
      for (unsigned k = 0; k < kShared; ++k) batch.resources.push_back(resource(k));
      for (unsigned k = 0; k < kShared; ++k) batch.scopes.push_back(scope(k));
      std::size_t end = std::min(spans.size(), i + 1 + below(50));
      for (; i < end; ++i) batch.spans.push_back(spans[i]);
    }
    return batches;
  }

  static TraceId trace_id(unsigned number) {
    TraceId id;
    id.bytes[15] = static_cast<std::uint8_t>(number);
    id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
    if (number % 3 != 0) id.bytes[0] = static_cast<std::uint8_t>(number * 37);  // else: of 64 bits
    return id;
  }

 private:
  static constexpr unsigned kShared = 5;

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(unsigned one_in) { return below(one_in) == 0; }

  static SpanId span_id(std::uint64_t number) {
    SpanId id;
    std::memcpy(id.bytes.data(), &number, sizeof number);
    return id;
  }

  std::string_view text() {
    static constexpr std::string_view kTexts[] = {
        "", "GET", "orders", "a longer text with spaces", "\xff\x00zz", "checkout", "ok"};
    if (options_.large && chance(200)) return arena_.copy(std::string(2000 + below(3000), 'x'));
    if (chance(3)) return arena_.copy("v-" + std::to_string(below(100000)));
    return kTexts[below(std::size(kTexts))];
  }

  Value value(int depth = 0) {
    switch (below(depth < 4 ? 9 : 6)) {
      case 0: return Value::of(static_cast<std::int64_t>(random_()) >> below(64));
      case 1: return Value::of(number());
      case 2: return Value::of(chance(2));
      case 3: return Value::of_bytes(text());
      case 4: return Value();
      case 7: {
        auto items = arena_.allocate_array<Value>(below(4));
        for (Value& item : items) item = value(depth + 1);
        return Value::of(std::span<const Value>(items));
      }
      case 8: return Value::of(list(below(4), depth + 1));
      default: return Value::of(text());
    }
  }

  double number() {
    static constexpr double kNumbers[] = {0.0, -0.0, 1.5, std::numeric_limits<double>::infinity(),
                                          std::numeric_limits<double>::quiet_NaN()};
    return chance(2) ? kNumbers[below(std::size(kNumbers))] : static_cast<double>(below(1000)) / 7;
  }

  // Keys in any order, some twice; most have a type of their own.
  std::span<const Attribute> list(std::size_t count, int depth = 0) {
    auto out = arena_.allocate_array<Attribute>(count);
    std::uint64_t key = below(options_.keys);
    for (Attribute& attribute : out) {
      attribute.key = arena_.copy("key." + std::to_string(key % options_.keys));
      attribute.value = chance(4) ? value(depth) : usual(key % options_.keys);
      key += chance(5) ? below(options_.keys) : 1;
    }
    return out;
  }

  Value usual(std::uint64_t key) {
    switch (key % 5) {
      case 0: return Value::of(static_cast<std::int64_t>(below(600)));
      case 1: return Value::of(number());
      case 2: return Value::of(chance(2));
      default: return Value::of(text());
    }
  }

  Resource resource(unsigned number) {
    auto attributes = arena_.allocate_array<Attribute>(2);
    attributes[0] = {"service.name", Value::of(arena_.copy("service-" + std::to_string(number)))};
    attributes[1] = {"deep", nested(number)};
    return {number == 4 ? std::span<const Attribute>() : std::span<const Attribute>(attributes), number,
            number == 3 ? "https://schema" : ""};
  }
  Scope scope(unsigned number) {
    auto attributes = arena_.allocate_array<Attribute>(number == 2 ? 1 : 0);
    for (Attribute& attribute : attributes) attribute = {"scope.key", Value::of(std::int64_t{7})};
    return {arena_.copy("scope-" + std::to_string(number)), number == 1 ? "1.2" : "", attributes, number / 4,
            number == 3 ? "https://schema" : ""};
  }
  Value nested(unsigned depth) {
    Value inner = Value::of(std::int64_t{depth});
    for (unsigned i = 0; i < depth * 15; ++i) {
      auto items = arena_.allocate_array<Value>(1);
      items[0] = inner;
      inner = Value::of(std::span<const Value>(items));
    }
    return inner;
  }

  std::uint64_t time(std::uint64_t base) {
    if (chance(300)) return 0;
    if (chance(300)) return std::numeric_limits<std::uint64_t>::max();
    return base + below(chance(4) ? 3 : 1'000'000);
  }

  void add_trace(unsigned number, std::vector<Span>& out) {
    std::size_t count = 1 + below(options_.spans_max);
    std::uint64_t base = 1'700'000'000'000'000'000 + number % 7 * std::uint64_t{50'000'000};
    std::uint64_t shape = below(6);
    std::vector<SpanId> ids;
    for (std::size_t i = 0; i < count; ++i) {
      Span span;
      span.trace_id = trace_id(number);
      span.span_id = span_id(chance(20) ? below(4) : random_());
      if (i > 0) span.parent_id = ids[shape == 0 ? 0 : shape == 1 ? i - 1 : below(i)];  // wide, deep, any
      if (shape == 4 || (i > 0 && chance(8))) span.parent_id = span_id(random_());      // not here
      if (chance(25)) span.parent_id = span.span_id;                                    // its own parent
      if (i > 0 && chance(12)) span.parent_id = {};
      ids.push_back(span.span_id);
      span.start_ns = time(base);
      span.end_ns = chance(20) ? below(1000) : span.start_ns + below(1'000'000);
      span.name = text();
      if (chance(5)) span.trace_state = text();
      if (chance(5)) span.status_message = text();
      span.kind = static_cast<SpanKind>(below(6));
      span.status = static_cast<SpanStatus>(below(3));
      span.flags = static_cast<std::uint32_t>(chance(4) ? random_() : 1);
      span.dropped_attributes = static_cast<std::uint32_t>(chance(9) ? random_() : 0);
      span.dropped_events = static_cast<std::uint32_t>(chance(9) ? below(9) : 0);
      span.dropped_links = static_cast<std::uint32_t>(chance(9) ? below(9) : 0);
      span.resource = static_cast<std::uint32_t>(below(kShared));
      span.scope = static_cast<std::uint32_t>(below(kShared));
      span.attributes = list(below(8));
      if (chance(3)) span.events = events(span.start_ns);
      if (chance(4)) span.links = links();
      out.push_back(span);
    }
    // A circle of two, and two that are equal but for a detail.
    if (shape == 5 && count >= 2) {
      Span& a = out[out.size() - 1];
      Span& b = out[out.size() - 2];
      a.parent_id = b.span_id;
      b.parent_id = a.span_id;
      Span other = a;
      other.status_message = "another";
      out.push_back(other);
    }
  }

  std::span<const SpanEvent> events(std::uint64_t start) {
    auto out = arena_.allocate_array<SpanEvent>(1 + below(3));
    for (SpanEvent& event : out)
      event = {chance(9) ? random_() : start + below(1000), text(), list(below(3)),
               static_cast<std::uint32_t>(below(3))};
    return out;
  }
  std::span<const SpanLink> links() {
    auto out = arena_.allocate_array<SpanLink>(1 + below(3));
    for (SpanLink& link : out)
      link = {trace_id(static_cast<unsigned>(below(1000))),
              span_id(random_()),
              text(),
              list(below(3)),
              static_cast<std::uint32_t>(below(3)),
              static_cast<std::uint32_t>(random_())};
    return out;
  }

  std::mt19937_64 random_;
  SampleOptions options_;
  Arena arena_;
};

// Everything of a value or span as text, so that it can be compared and printed.
inline void show(const Value& value, std::string& out) {
  switch (value.type) {
    case Value::Type::nil: out += "nil"; return;
    case Value::Type::string: out += "'" + std::string(value.as_text()) + "'"; return;
    case Value::Type::bytes: out += "b'" + std::string(value.as_text()) + "'"; return;
    case Value::Type::integer: out += std::to_string(value.integer); return;
    case Value::Type::number: {
      std::uint64_t bits;
      std::memcpy(&bits, &value.number, sizeof bits);
      out += "f" + std::to_string(bits);
      return;
    }
    case Value::Type::boolean: out += value.boolean ? "true" : "false"; return;
    case Value::Type::array:
      out += "[";
      for (const Value& item : value.as_array()) {
        show(item, out);
        out += ",";
      }
      out += "]";
      return;
    case Value::Type::map:
      out += "{";
      for (const Attribute& entry : value.as_map()) {
        out += std::string(entry.key) + ":";
        show(entry.value, out);
        out += ",";
      }
      out += "}";
      return;
  }
}
inline std::string show(const Value& value) {
  std::string out;
  show(value, out);
  return out;
}
inline std::string show(Attributes attributes) {
  return show(Value::of(attributes));
}

inline std::string show(const Span& s, const Resource& resource, const Scope& scope) {
  std::string out = to_hex(s.trace_id) + " " + to_hex(s.span_id) + " <" + to_hex(s.parent_id) + " " +
                    std::string(s.name) + "|" + std::string(s.trace_state) + "|" +
                    std::string(s.status_message);
  for (std::uint64_t number :
       {s.start_ns, s.end_ns, std::uint64_t{static_cast<unsigned>(s.kind)},
        std::uint64_t{static_cast<unsigned>(s.status)}, std::uint64_t{s.flags},
        std::uint64_t{s.dropped_attributes}, std::uint64_t{s.dropped_events}, std::uint64_t{s.dropped_links}})
    out += " " + std::to_string(number);
  out += show(s.attributes);
  for (const SpanEvent& e : s.events)
    out += " event " + std::to_string(e.time_ns) + std::string(e.name) + show(e.attributes) +
           std::to_string(e.dropped_attributes);
  for (const SpanLink& l : s.links)
    out += " link " + to_hex(l.trace_id) + to_hex(l.span_id) + std::string(l.trace_state) +
           show(l.attributes) + std::to_string(l.dropped_attributes) + "," + std::to_string(l.flags);
  out += " resource " + show(resource.attributes) + std::to_string(resource.dropped_attributes) +
         std::string(resource.schema_url);
  out += " scope " + std::string(scope.name) + std::string(scope.version) + show(scope.attributes) +
         std::to_string(scope.dropped_attributes) + std::string(scope.schema_url);
  return out;
}

}  // namespace weft::storage::testing
