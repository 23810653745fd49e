#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/object_store.h"
#include "base/result.h"
#include "model/span_batch.h"
#include "model/tenant.h"
#include "storage/block/format.h"
#include "storage/block/span_directory.h"
#include "storage/block/span_order.h"
#include "storage/block/span_trace_table.h"
#include "storage/block/span_values.h"

namespace weft::storage::block {

// Makes a block of the spans of one partition: docs/formats/block.md.
//
// Traces are whole and next to each other, ordered by tenant, slice of time, service and name of the
// root, start: the newest are found together, and similar ones lie side by side. A slice holds about
// as many spans as a row group, whatever the times are. One thread.
class SpanBlockWriter {
 public:
  // Whoever makes blocks for use takes these as they are; tests make them small.
  struct Options {
    std::size_t row_group_rows = 65536;
    std::size_t row_group_bytes = std::size_t{32} << 20;  // of spans on the wire, about
    std::size_t segment_rows = 4096;                      // at most kPageValuesMax
    std::size_t segment_bytes = std::size_t{2} << 20;     // at most kSegmentBytesMax
    std::size_t traces_per_page = 2048;                   // at most kPageValuesMax
    std::size_t slice_rows = 65536;
  };
  struct Summary {
    BlockExtent extent;
    std::uint64_t spans = 0;
    std::uint64_t traces = 0;
    std::uint64_t duplicates = 0;  // spans that equal another; left out
    std::uint64_t start_min_ns = 0;
    std::uint64_t end_max_ns = 0;
  };
  enum class Arrival : bool { settled, late };  // late: more of the same traces may be on its way

  SpanBlockWriter() : SpanBlockWriter(Options()) {}
  explicit SpanBlockWriter(Options options);

  // Takes all spans of the batch, in any order. The batch, and all its views show, must stay as it is
  // until finish() has returned. Requires resource and scope numbers that exist.
  void add(const TenantId& tenant, const SpanBatch& batch, Arrival arrival = Arrival::settled);
  std::size_t spans() const { return pending_.size(); }

  // Writes the block; out.finish() is the caller's. Once. Errors: those of `out`; invalid_argument for
  // more than a block may hold (2^32 spans, 256 MiB of resources).
  Result<Summary> finish(ObjectWriter& out);

 private:
  struct Pending {
    SpanRow row;
    std::uint32_t trace = 0;
  };
  struct Trace {
    std::uint32_t tenant = 0;
    std::uint32_t slice = 0;
    bool late = false;
    std::size_t first = 0;  // of its rows
    TraceRoot root;
    TraceFragment fragment;  // first_row: as in the block
  };
  struct TraceKey {
    std::uint32_t tenant;
    TraceId id;
    bool operator==(const TraceKey&) const = default;
  };
  struct TraceKeyHash {
    std::size_t operator()(const TraceKey& key) const { return hash_of(key.id) + key.tenant; }
  };
  // Resources, or scopes: encoded, once each.
  struct Shared {
    std::unordered_map<std::string, std::uint32_t> numbers;
    std::vector<const std::string*> encoded;       // by number
    std::vector<std::vector<std::uint32_t>> keys;  // of its attributes
    std::vector<std::string_view> services;        // of resources
    std::uint32_t add(std::string bytes, std::vector<std::uint32_t> used, std::string_view service);
  };

  std::uint32_t tenant_number(const TenantId& tenant);
  std::uint32_t trace_number(std::uint32_t tenant, const TraceId& id);
  std::uint32_t resource_number(const Resource& resource);
  std::uint32_t scope_number(const Scope& scope);
  void group_rows();
  void order_traces(Summary& summary);
  void cut_slices(std::vector<std::uint32_t>& order);
  std::vector<std::uint32_t> sorted_traces();
  void note_keys(const Trace& trace, class KeyUse& use);
  Result<void> write_spans(std::span<const std::uint32_t> order, BlockWriter& block);
  Result<void> write_trace_table(std::span<const std::uint32_t> order, BlockWriter& block);
  Result<void> write_ids(std::span<const std::uint32_t> order, BlockWriter& block);
  std::string encode_resources() const;

  const Options options_;
  KeyTable keys_;
  Shared resources_;
  Shared scopes_;
  std::vector<TenantId> tenants_;
  std::unordered_map<TenantId, std::uint32_t> tenant_numbers_;
  std::unordered_map<TraceKey, std::uint32_t, TraceKeyHash> trace_numbers_;
  TraceKey last_key_{};
  std::uint32_t last_trace_ = 0;
  std::vector<Trace> traces_;
  std::vector<Pending> pending_;
  std::vector<SpanRow> rows_;               // by trace
  std::vector<std::uint32_t> descendants_;  // beside them
  SpanDirectory directory_;
  Zstd zstd_;
};

}  // namespace weft::storage::block
