#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "exec/context.h"
#include "model/span_batch.h"
#include "model/tenant.h"
#include "storage/block/format.h"
#include "storage/block/id_dictionary.h"
#include "storage/block/span_directory.h"
#include "storage/block/span_segment.h"
#include "storage/block/span_trace_table.h"
#include "storage/snapshot.h"

namespace weft::storage::block {

// The last few segments that were decoded for one projection. Thread-safe.
class SegmentCache {
 public:
  using Segment = std::shared_ptr<const SpanSegment>;
  explicit SegmentCache(std::size_t segments_max) : segments_max_(segments_max) {}
  Segment find(std::size_t group, std::size_t segment);
  void keep(std::size_t group, std::size_t segment, Segment what);

 private:
  struct Entry {
    std::uint64_t key;
    Segment segment;
  };
  const std::size_t segments_max_;
  std::mutex mutex_;          // guards entries_
  std::list<Entry> entries_;  // the last used first
};

class SpanFragments;

// A block of spans. Keeps its directory, resources and scopes in memory, and the filter of trace ids
// once it was asked for; everything else is read when needed. Thread-safe.
//
// Errors of all calls: corrupted, naming the block and what of it; what the source says.
class SpanBlockReader {
 public:
  // Errors also: unimplemented for a block of a later program.
  static Result<std::shared_ptr<const SpanBlockReader>> open(std::shared_ptr<const BlockSource> source);

  const std::string& name() const { return file_.name(); }
  std::uint32_t spans() const { return directory_.rows; }
  std::uint32_t traces() const { return directory_.traces; }

  // The spans of one trace by (start, span id), or false if there are none here. Text is the
  // reader's or in out.arena. Reads a page of ids and of the trace table and the segments in question.
  Result<bool> trace(const TenantId& tenant, const TraceId& id, SpanBatch& out) const;

  // Traces with a span in the range, newest first, as Snapshot shows them. The reader and the context
  // must outlive the source.
  std::unique_ptr<TraceSource> traces(TraceScan scan, const exec::Context& context) const;

  // Every attribute key of the tenant, sorted.
  std::vector<AttributeKey> attribute_keys(const TenantId& tenant) const;

  // --- for whoever puts several blocks together ---

  // What is known of a trace, if it is here.
  Result<std::optional<TraceFragment>> find(const TenantId& tenant, const TraceId& id) const;
  // Traces that may have a span in the range: their bounds do. The reader must outlive the result.
  std::unique_ptr<SpanFragments> fragments(const TenantId& tenant, TimeRange range) const;

  // What a scan wants of this block.
  struct Projection {
    struct Column {
      AttributeScope scope = AttributeScope::span;
      std::optional<std::uint32_t> key;  // in this block
      std::vector<Value> values;         // by resource or scope
    };
    SpanDetail detail;
    std::vector<Column> columns;
  };
  Projection project(const TraceScan& scan) const;
  // Appends the spans of a fragment, by (start, span id), to rows.spans and to each of rows.columns, and
  // what they refer to, to resources and scopes. `numbers` remembers those from call to call; give a
  // new one with new rows. All calls with one cache have the same projection.
  struct Numbers {
    std::unordered_map<std::uint32_t, std::uint32_t> resources;
    std::unordered_map<std::uint32_t, std::uint32_t> scopes;
  };
  Result<void> append(const TraceFragment& fragment, const Projection& projection, SegmentCache& cache,
                      Numbers& numbers, TraceRows& rows) const;

 private:
  friend class SpanFragments;
  explicit SpanBlockReader(BlockFile file) : file_(std::move(file)) {}

  // A span of a trace whose ancestors are known.
  struct Placed {
    SegmentCache::Segment segment;
    std::uint32_t row = 0;
    std::uint32_t number = 0;  // in the trace
    std::uint64_t start_ns = 0;
    SpanId id;
    SpanId parent_id;
  };

  Result<void> load();
  Result<void> load_resources();
  Result<bool> may_have(const TraceId& id) const;
  Result<std::optional<TraceFragment>> fragment_of(const BlockTenant& tenant, const TraceId& id,
                                                   std::span<const std::uint32_t> traces) const;
  Result<SegmentCache::Segment> segment(std::size_t group, std::size_t segment, const SpanDetail& detail,
                                        SegmentCache& cache) const;
  Result<std::vector<Placed>> place(const TraceFragment& fragment, const SpanDetail& detail,
                                    SegmentCache& cache) const;
  Result<Span> span_of(const TraceFragment& fragment, const Placed& placed, const SpanDetail& detail,
                       Arena& arena) const;

  BlockFile file_;
  SpanDirectory directory_;
  std::string resources_bytes_;
  std::vector<std::string_view> keys_;  // views of resources_bytes_
  std::unordered_map<std::string_view, std::uint32_t> key_numbers_;
  std::vector<Resource> resources_;
  std::vector<Scope> scopes_;
  Arena arena_;  // of resources and scopes
  IdIndex ids_;

  mutable std::mutex filter_mutex_;  // guards filter_
  mutable std::shared_ptr<const std::string> filter_;
};

// Fragments of a tenant by start, newest first, ties by id. Reads pages of the trace table as it
// comes to them. One thread.
class SpanFragments {
 public:
  // None: no more.
  Result<std::optional<TraceFragment>> next();

 private:
  friend class SpanBlockReader;
  // `tenant` may be null: there are none.
  SpanFragments(const SpanBlockReader& reader, const BlockTenant* tenant, TimeRange range);

  const SpanBlockReader& reader_;
  const BlockTenant* const tenant_;
  const TimeRange range_;
  std::vector<const TracePage*> pages_;  // by start_max, those to come last
  std::vector<TraceFragment> heap_;
};

}  // namespace weft::storage::block
