#include "ingest/span_checks.h"

#include <algorithm>

namespace weft::ingest {
namespace {

constexpr std::size_t kSpanBytes = 64;  // ids, times, kind: what a span without text takes

// At most `bytes_max` bytes of `text`, whole runes.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  for (int back = 0; back < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80; ++back)
    --end;
  return text.substr(0, end);
}

class Cutter {
 public:
  Cutter(Arena& arena, std::size_t bytes_max) : arena_(arena), bytes_max_(bytes_max) {}

  // The attributes themselves when none is too long. Adds their size to `bytes`.
  Attributes operator()(Attributes attributes, std::size_t& bytes) {
    bool any = false;
    for (const Attribute& a : attributes) {
      bytes += a.key.size() + size_of(a.value);
      any |= a.key.size() > bytes_max_ || (a.value.type == Value::Type::string && a.value.size > bytes_max_);
    }
    if (!any) [[likely]]
      return attributes;
    std::span<Attribute> out = arena_.allocate_array<Attribute>(attributes.size());
    for (std::size_t i = 0; i < attributes.size(); ++i) {
      Attribute a = attributes[i];
      if (a.key.size() > bytes_max_) {
        a.key = cut(a.key, bytes_max_);
        ++count_;
      }
      if (a.value.type == Value::Type::string && a.value.size > bytes_max_) {
        a.value = Value::of(cut(a.value.as_text(), bytes_max_));
        ++count_;
      }
      out[i] = a;
    }
    return out;
  }

  std::size_t count() const { return count_; }

 private:
  static std::size_t size_of(const Value& value) {
    switch (value.type) {
      case Value::Type::string:
      case Value::Type::bytes: return value.size;
      case Value::Type::array:
      case Value::Type::map: return std::size_t{value.size} * 16;  // about
      default: return 8;
    }
  }

  Arena& arena_;
  std::size_t bytes_max_;
  std::size_t count_ = 0;
};

}  // namespace

std::size_t cut_attributes(SpanBatch& batch, const Limits& limits, std::vector<std::size_t>& span_bytes) {
  Cutter cutter(batch.arena, limits.attribute_bytes_max == 0 ? SIZE_MAX : limits.attribute_bytes_max);
  std::size_t shared = 0;
  for (Resource& r : batch.resources) r.attributes = cutter(r.attributes, shared);
  for (Scope& s : batch.scopes) s.attributes = cutter(s.attributes, shared);
  span_bytes.clear();
  for (Span& span : batch.spans) {
    std::size_t bytes = kSpanBytes + span.name.size() + span.status_message.size() + span.trace_state.size();
    if (span.attributes.size() > limits.attributes_per_span_max) {
      span.dropped_attributes +=
          static_cast<std::uint32_t>(span.attributes.size() - limits.attributes_per_span_max);
      span.attributes = span.attributes.first(limits.attributes_per_span_max);
    }
    span.attributes = cutter(span.attributes, bytes);
    if (!span.events.empty()) {
      std::span<SpanEvent> events = batch.arena.allocate_array<SpanEvent>(span.events.size());
      std::ranges::copy(span.events, events.begin());
      for (SpanEvent& e : events) {
        bytes += e.name.size() + 16;
        e.attributes = cutter(e.attributes, bytes);
      }
      span.events = events;
    }
    if (!span.links.empty()) {
      std::span<SpanLink> links = batch.arena.allocate_array<SpanLink>(span.links.size());
      std::ranges::copy(span.links, links.begin());
      for (SpanLink& l : links) {
        bytes += 32;
        l.attributes = cutter(l.attributes, bytes);
      }
      span.links = links;
    }
    span_bytes.push_back(bytes);
  }
  return cutter.count();
}

}  // namespace weft::ingest
