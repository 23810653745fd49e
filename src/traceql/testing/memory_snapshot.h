#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "storage/snapshot.h"

namespace weft::traceql {

// A snapshot of traces that a test holds in memory: the contract of storage::Snapshot and nothing
// else. Small batches, so that tests cross their borders.
class MemorySnapshot final : public storage::Snapshot {
 public:
  static constexpr std::size_t kTracesPerBatch = 3;

  // Copies the batch's spans; call sort() after the last.
  void add(const SpanBatch& batch) {
    auto resource_base = static_cast<std::uint32_t>(all_.resources.size());
    auto scope_base = static_cast<std::uint32_t>(all_.scopes.size());
    for (const Resource& r : batch.resources) {
      all_.resources.push_back(r);
      all_.resources.back().attributes = copy_attributes(r.attributes, all_.arena);
    }
    for (const Scope& s : batch.scopes) {
      weft::Scope copy = s;
      copy.name = all_.arena.copy(s.name);
      copy.version = all_.arena.copy(s.version);
      copy.attributes = copy_attributes(s.attributes, all_.arena);
      all_.scopes.push_back(copy);
    }
    for (const Span& s : batch.spans) {
      Span copy = s;
      copy.name = all_.arena.copy(s.name);
      copy.status_message = all_.arena.copy(s.status_message);
      copy.attributes = copy_attributes(s.attributes, all_.arena);
      copy.resource += resource_base;
      copy.scope += scope_base;
      std::vector<SpanEvent> events(s.events.begin(), s.events.end());
      for (SpanEvent& e : events) {
        e.name = all_.arena.copy(e.name);
        e.attributes = copy_attributes(e.attributes, all_.arena);
      }
      copy.events = all_.arena.copy(std::span<const SpanEvent>(events));
      std::vector<SpanLink> links(s.links.begin(), s.links.end());
      for (SpanLink& l : links) l.attributes = copy_attributes(l.attributes, all_.arena);
      copy.links = all_.arena.copy(std::span<const SpanLink>(links));
      all_.spans.push_back(copy);
    }
  }

  void sort() {
    std::map<TraceId, std::vector<Span>> traces;
    for (const Span& s : all_.spans) traces[s.trace_id].push_back(s);
    traces_.clear();
    for (auto& [id, spans] : traces) {
      std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
        return std::tie(a.start_ns, a.span_id, a.kind) < std::tie(b.start_ns, b.span_id, b.kind);
      });
      traces_.push_back(std::move(spans));
    }
    std::sort(traces_.begin(), traces_.end(), [](const auto& a, const auto& b) {
      return std::tie(b[0].start_ns, a[0].trace_id) < std::tie(a[0].start_ns, b[0].trace_id);
    });
  }

  std::vector<const storage::Stream*> streams(const TenantId&, TimeRange,
                                              std::span<const exec::LabelMatcher>) const override {
    return {};
  }
  std::vector<storage::StreamStats> stream_stats(const TenantId&, TimeRange,
                                                 std::span<const exec::LabelMatcher>) const override {
    return {};
  }
  std::unique_ptr<storage::LogSource> logs(storage::LogScan, const exec::Context&) const override {
    return nullptr;
  }

  bool trace(const TenantId&, const TraceId& id, SpanBatch& out) const override {
    out.clear();
    for (const auto& spans : traces_)
      if (spans[0].trace_id == id) {
        out.spans = spans;
        out.resources = all_.resources;
        out.scopes = all_.scopes;
        return true;
      }
    return false;
  }

  std::unique_ptr<storage::TraceSource> traces(storage::TraceScan scan, const exec::Context&) const override {
    return std::make_unique<Source>(*this, std::move(scan));
  }

  std::vector<storage::AttributeKey> attribute_keys(const TenantId&, TimeRange) const override {
    std::set<storage::AttributeKey> keys;
    auto add_all = [&](storage::AttributeScope scope, Attributes attributes) {
      for (const Attribute& a : attributes) keys.insert({scope, std::string(a.key)});
    };
    for (const Resource& r : all_.resources) add_all(storage::AttributeScope::resource, r.attributes);
    for (const weft::Scope& s : all_.scopes) add_all(storage::AttributeScope::instrumentation, s.attributes);
    for (const Span& s : all_.spans) {
      add_all(storage::AttributeScope::span, s.attributes);
      for (const SpanEvent& e : s.events) add_all(storage::AttributeScope::event, e.attributes);
      for (const SpanLink& l : s.links) add_all(storage::AttributeScope::link, l.attributes);
    }
    return {keys.begin(), keys.end()};
  }

 private:
  using Scope = weft::Scope;

  class Source final : public storage::TraceSource {
   public:
    Source(const MemorySnapshot& data, storage::TraceScan scan) : data_(data), scan_(std::move(scan)) {}

    Result<bool> next(storage::TraceRows& rows) override {
      rows.traces.clear();
      rows.spans.clear();
      rows.resources = data_.all_.resources;
      rows.scopes = data_.all_.scopes;
      for (; at_ < data_.traces_.size() && rows.traces.size() < kTracesPerBatch; ++at_) {
        const std::vector<Span>& spans = data_.traces_[at_];
        bool overlaps = std::any_of(spans.begin(), spans.end(), [&](const Span& s) {
          return static_cast<std::int64_t>(s.start_ns) < scan_.range.end_ns &&
                 static_cast<std::int64_t>(std::max(s.end_ns, s.start_ns)) >= scan_.range.start_ns;
        });
        if (!overlaps) continue;
        rows.traces.push_back({spans[0].trace_id, static_cast<std::uint32_t>(rows.spans.size()),
                               static_cast<std::uint32_t>(spans.size())});
        rows.spans.insert(rows.spans.end(), spans.begin(), spans.end());
      }
      rows.columns.assign(scan_.columns.size(), {});
      for (std::size_t c = 0; c < scan_.columns.size(); ++c)
        for (const Span& s : rows.spans) {
          const Value* value = find_attribute(attributes_of(s, scan_.columns[c].scope), scan_.columns[c].key);
          rows.columns[c].push_back(value == nullptr ? Value{} : *value);
        }
      // What was not asked for is not there.
      for (Span& s : rows.spans) {
        if (!scan_.all_attributes) s.attributes = {};
        if (!scan_.events) s.events = {};
        if (!scan_.links) s.links = {};
      }
      if (!scan_.all_attributes) {
        for (Resource& r : rows.resources) r.attributes = {};
        for (Scope& s : rows.scopes) s.attributes = {};
      }
      return !rows.traces.empty();
    }

   private:
    Attributes attributes_of(const Span& s, storage::AttributeScope scope) const {
      if (scope == storage::AttributeScope::resource) return data_.all_.resources[s.resource].attributes;
      if (scope == storage::AttributeScope::instrumentation) return data_.all_.scopes[s.scope].attributes;
      return s.attributes;
    }

    const MemorySnapshot& data_;
    storage::TraceScan scan_;
    std::size_t at_ = 0;
  };

  SpanBatch all_;
  std::vector<std::vector<Span>> traces_;
};

}  // namespace weft::traceql
