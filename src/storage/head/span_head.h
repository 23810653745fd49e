#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "model/span_batch.h"
#include "storage/head/growing.h"
#include "storage/head/lookup.h"
#include "storage/snapshot.h"

namespace weft::storage {

// Spans in memory, in order of arrival, with the same rules for readers as LogHead. Rows of a trace
// are chained. Keys, names, resources and scopes are kept once; an attribute is 16 bytes and what
// its value needs.
class SpanHead {
 public:
  struct StoredAttribute {
    std::uint32_t key;        // position among the keys
    std::uint32_t type : 3;   // Value::Type
    std::uint32_t size : 29;  // Value::size
    union {
      std::uint64_t bits;  // of an integer, number or boolean
      const void* data;    // of everything else
    };
    Value value() const;
  };
  // What most spans do not have.
  struct Extra {
    std::string_view trace_state;
    std::string_view status_message;
    std::uint32_t dropped_attributes = 0;
    std::uint32_t dropped_events = 0;
    std::uint32_t dropped_links = 0;
    std::span<const SpanEvent> events;
    std::span<const SpanLink> links;
  };
  struct Row {
    std::uint32_t trace = 0;     // position among the traces
    std::uint32_t previous = 0;  // row of the same trace + 1; 0: none
    SpanId span_id;
    SpanId parent_id;
    std::uint64_t start_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint32_t name = 0;
    std::uint32_t resource = 0;
    std::uint32_t scope = 0;
    std::uint32_t flags = 0;
    std::uint32_t attribute_count : 24 = 0;
    std::uint32_t kind : 4 = 0;
    std::uint32_t status : 4 = 0;
    const StoredAttribute* attributes = nullptr;
    const Extra* extra = nullptr;
    std::span<const StoredAttribute> attribute_list() const { return {attributes, attribute_count}; }
  };
  struct Trace {
    TraceId id;
    std::uint32_t tenant = 0;
    std::atomic<std::uint32_t> last{0};  // row + 1
    // Of all rows, published or not. The appender stores `last` first: who reads a bound and then
    // finds `last` within the published rows knows that the bound belongs to them.
    std::atomic<std::uint64_t> start_ns{std::numeric_limits<std::uint64_t>::max()};
    std::atomic<std::uint64_t> end_ns{0};
  };
  struct Key {
    std::string_view text;
    std::uint32_t tenant = 0;
    std::array<std::atomic<std::uint32_t>, 5> first_row;  // by AttributeScope: row + 1; 0: not used there
  };

  SpanHead() = default;

  // --- the appender ---
  // Spans that ended before `oldest_ns` are left out. Requires resource and scope numbers that exist.
  void append(std::uint32_t tenant, const SpanBatch& batch, std::int64_t oldest_ns);
  std::uint32_t rows() const { return rows_count_; }
  std::size_t raw_bytes() const { return raw_bytes_; }  // estimate of the size on the wire
  std::size_t memory_bytes() const;
  void publish(std::uint32_t rows) { published_.store(rows, std::memory_order_release); }

  // --- any thread ---
  std::uint32_t published() const { return published_.load(std::memory_order_acquire); }
  // Bounds of the times of spans; may cover rows that are not published yet.
  std::uint64_t oldest() const { return oldest_.load(std::memory_order_relaxed); }
  std::int64_t newest() const { return newest_.load(std::memory_order_relaxed); }
  const Row& row(std::uint32_t index) const { return rows_[index]; }
  std::string_view name(const Row& row) const { return names_[row.name]; }
  const Resource& resource(std::uint32_t ref) const { return resources_[ref].value; }
  const Scope& scope(std::uint32_t ref) const { return scopes_[ref].value; }
  const Key& key(std::uint32_t ref) const { return keys_[ref]; }
  const Trace& trace(std::uint32_t ref) const { return traces_[ref]; }
  // Keys and traces that may have published rows: the first N of them.
  std::uint32_t key_count() const { return keys_visible_.load(std::memory_order_acquire); }
  std::uint32_t trace_count() const { return traces_visible_.load(std::memory_order_acquire); }
  // Lookup::kNone when there is none.
  std::uint32_t find_key(std::uint32_t tenant, std::string_view text) const;
  std::uint32_t find_trace(std::uint32_t tenant, const TraceId& id) const;

 private:
  template <class T>
  struct Owned {
    std::uint32_t tenant;
    T value;
  };

  std::uint32_t add_key(std::uint32_t tenant, std::string_view text, AttributeScope scope);
  std::uint32_t add_name(std::string_view text);
  std::uint32_t add_trace(std::uint32_t tenant, const TraceId& id);
  std::uint32_t add_resource(std::uint32_t tenant, const Resource& resource);
  std::uint32_t add_scope(std::uint32_t tenant, const Scope& scope);
  void add_span(std::uint32_t tenant, const Span& span, std::uint32_t resource, std::uint32_t scope);
  const StoredAttribute* add_attributes(std::uint32_t tenant, Attributes attributes);
  const Extra* add_extra(std::uint32_t tenant, const Span& span);
  // A copy of attributes whose keys are those of this head.
  Attributes keep(std::uint32_t tenant, Attributes attributes, AttributeScope scope);
  std::string_view keep_text(std::string_view text);

  Growing<Row, 512> rows_;
  Growing<Trace, 256> traces_;
  Growing<Key, 64> keys_;
  Growing<std::string_view, 64> names_;
  Growing<Owned<Resource>, 16> resources_;
  Growing<Owned<Scope>, 16> scopes_;
  Lookup trace_lookup_;
  Lookup key_lookup_;
  Lookup name_lookup_;
  Lookup resource_lookup_;
  Lookup scope_lookup_;
  std::atomic<std::uint32_t> published_{0};
  std::atomic<std::uint32_t> keys_visible_{0};
  std::atomic<std::uint32_t> traces_visible_{0};
  std::atomic<std::uint64_t> oldest_{std::numeric_limits<std::uint64_t>::max()};
  std::atomic<std::int64_t> newest_{std::numeric_limits<std::int64_t>::min()};

  // The appender's.
  Arena arena_;
  std::vector<std::string_view> text_cache_{1024};
  std::vector<std::uint32_t> batch_resources_;
  std::vector<std::uint32_t> batch_scopes_;
  std::uint32_t rows_count_ = 0;
  std::uint32_t traces_count_ = 0;
  std::uint32_t keys_count_ = 0;
  std::uint32_t names_count_ = 0;
  std::uint32_t resources_count_ = 0;
  std::uint32_t scopes_count_ = 0;
  std::size_t raw_bytes_ = 0;
};

// A span's time as an event time: OTLP's are unsigned.
inline std::int64_t event_time(std::uint64_t ns) {
  constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(ns < last ? ns : last);
}

}  // namespace weft::storage
