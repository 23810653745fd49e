#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "model/span_batch.h"

// Values of any type, lists of attributes, events and links as bytes, with attribute keys by their
// number in the block: docs/formats/block.md.
//
// Reading copies text into an arena. Nesting is bounded on both sides, above what ingest lets in.

namespace weft::storage::block {

inline constexpr int kValueNestingMax = 128;

// The attribute keys of a block, by number. One thread.
class KeyTable {
 public:
  // Keeps a view of the text.
  std::uint32_t number(std::string_view key);
  std::span<const std::string_view> keys() const { return keys_; }

 private:
  struct Cached {
    const char* data = nullptr;
    std::size_t size = 0;
    std::uint32_t number = 0;
  };
  std::vector<Cached> cache_ = std::vector<Cached>(1024);  // by address: keys come from few places
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::vector<std::string_view> keys_;
};

// Appends. False, and `out` is as it was: nested too deeply.
bool put_value(const Value& value, std::string& out);
Result<Value> take_value(ByteReader& reader, Arena& arena);

void put_text(std::string_view text, std::string& out);
Result<std::string_view> take_text(ByteReader& reader);  // a view of the reader's bytes

// Both report how many attributes, events or links there was no room for: the list ends before
// `bytes_max`, and what is left out is counted as dropped, as OTLP counts it.
//
// `use` is called with the number of each attribute key.
template <class Use>
std::uint32_t put_attributes(Attributes attributes, std::size_t bytes_max, KeyTable& keys, Use use,
                             std::string& out);
Result<Attributes> take_attributes(ByteReader& reader, std::span<const std::string_view> keys, Arena& arena);

template <class Use>
std::uint32_t put_events(const Span& span, std::size_t bytes_max, KeyTable& keys, Use use, std::string& out);
template <class Use>
std::uint32_t put_links(const Span& span, std::size_t bytes_max, KeyTable& keys, Use use, std::string& out);
// All of `bytes`. `start_ns` is the span's. Errors: corrupted.
Result<std::span<const SpanEvent>> take_events(std::string_view bytes, std::uint64_t start_ns,
                                               std::span<const std::string_view> keys, Arena& arena);
Result<std::span<const SpanLink>> take_links(std::string_view bytes, std::span<const std::string_view> keys,
                                             Arena& arena);

// --- templates ---

// A list is: how many, then the items. put(item, out) appends one; false leaves it out.
template <class Items, class Put>
std::uint32_t put_list(const Items& items, std::size_t bytes_max, Put put, std::string& out) {
  std::string list;
  std::uint32_t count = 0;
  for (const auto& item : items) {
    std::size_t before = list.size();
    if (put(item, list) && list.size() <= bytes_max) {
      ++count;
    } else {
      list.resize(before);
    }
  }
  put_varint(out, count);
  out += list;
  return static_cast<std::uint32_t>(items.size()) - count;
}

template <class Use>
std::uint32_t put_attributes(Attributes attributes, std::size_t bytes_max, KeyTable& keys, Use use,
                             std::string& out) {
  return put_list(
      attributes, bytes_max,
      [&](const Attribute& attribute, std::string& list) {
        std::uint32_t key = keys.number(attribute.key);
        put_varint(list, key);
        if (!put_value(attribute.value, list)) return false;
        use(key);
        return true;
      },
      out);
}

// The attributes of an event or link, and how many were dropped: before or here.
template <class Use>
void put_attributes_of(Attributes attributes, std::uint32_t dropped, std::size_t bytes_max, KeyTable& keys,
                       Use use, std::string& out) {
  std::string list;
  dropped += put_attributes(attributes, bytes_max, keys, use, list);
  put_varint(out, dropped);
  out += list;
}

template <class Use>
std::uint32_t put_events(const Span& span, std::size_t bytes_max, KeyTable& keys, Use use, std::string& out) {
  return put_list(
      span.events, bytes_max,
      [&](const SpanEvent& event, std::string& list) {
        put_varint(list, zigzag(static_cast<std::int64_t>(event.time_ns - span.start_ns)));
        put_text(event.name, list);
        put_attributes_of(event.attributes, event.dropped_attributes, bytes_max, keys, use, list);
        return true;
      },
      out);
}

template <class Use>
std::uint32_t put_links(const Span& span, std::size_t bytes_max, KeyTable& keys, Use use, std::string& out) {
  return put_list(
      span.links, bytes_max,
      [&](const SpanLink& link, std::string& list) {
        put_text({reinterpret_cast<const char*>(link.trace_id.bytes.data()), link.trace_id.bytes.size()},
                 list);
        put_text({reinterpret_cast<const char*>(link.span_id.bytes.data()), link.span_id.bytes.size()}, list);
        put_text(link.trace_state, list);
        put_varint(list, link.flags);
        put_attributes_of(link.attributes, link.dropped_attributes, bytes_max, keys, use, list);
        return true;
      },
      out);
}

}  // namespace weft::storage::block
