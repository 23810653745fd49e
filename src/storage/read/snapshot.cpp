#include "storage/snapshot.h"

#include <algorithm>
#include <set>

#include "storage/read/cut.h"
#include "storage/read/stream_cursor.h"

namespace weft::storage {
namespace {

class HeadSnapshot final : public Snapshot {
 public:
  explicit HeadSnapshot(Cut cut) : cut_(std::move(cut)) {}

  std::vector<const Stream*> streams(const TenantId& tenant, TimeRange range,
                                     std::span<const exec::LabelMatcher> matchers) const override {
    std::vector<const Stream*> out;
    each_stream(tenant, range, matchers,
                [&](const StreamEntry& stream, std::span<const RowSource>) { out.push_back(&stream); });
    return out;
  }

  std::vector<StreamStats> stream_stats(const TenantId& tenant, TimeRange range,
                                        std::span<const exec::LabelMatcher> matchers) const override {
    std::vector<StreamStats> out;
    each_stream(tenant, range, matchers, [&](const StreamEntry& stream, std::span<const RowSource> sources) {
      StreamStats& stats = out.emplace_back();
      stats.stream = &stream;
      for (const RowSource& source : sources) {
        stats.rows += source.size();
        for (std::uint32_t i = source.begin; i < source.end; ++i) stats.bytes += source.row(i).line_bytes;
      }
    });
    return out;
  }

  std::unique_ptr<LogSource> logs(LogScan scan, const exec::Context& context) const override {
    return scan_logs(cut_, std::move(scan), context);
  }

  bool trace(const TenantId& tenant, const TraceId& id, SpanBatch& out) const override {
    out.clear();
    auto number = cut_.streams->find_tenant(tenant);
    return number && read_trace(cut_, *number, id, out);
  }

  std::unique_ptr<TraceSource> traces(TraceScan scan, const exec::Context& context) const override {
    return scan_traces(cut_, std::move(scan), context);
  }

  std::vector<AttributeKey> attribute_keys(const TenantId& tenant, TimeRange range) const override {
    std::set<AttributeKey> keys;
    auto number = cut_.streams->find_tenant(tenant);
    if (!number || range.empty()) return {};
    for (const SpanPart& part : cut_.spans) {
      std::uint32_t count = part.head->key_count();
      for (std::uint32_t k = 0; k < count; ++k) {
        const SpanHead::Key& key = part.head->key(k);
        if (key.tenant != *number) continue;
        for (std::size_t scope = 0; scope < key.first_row.size(); ++scope) {
          std::uint32_t first = key.first_row[scope].load(std::memory_order_relaxed);
          if (first == 0 || first > part.limit) continue;
          keys.insert({static_cast<AttributeScope>(scope), std::string(key.text)});
        }
      }
    }
    return {keys.begin(), keys.end()};
  }

 private:
  // Streams with rows in range, by label text, with the sources of these rows.
  template <class Visit>
  void each_stream(const TenantId& tenant, TimeRange range, std::span<const exec::LabelMatcher> matchers,
                   Visit visit) const {
    auto number = cut_.streams->find_tenant(tenant);
    range.start_ns = std::max(range.start_ns, cut_.oldest_log_ns);
    if (!number || range.empty()) return;
    auto chosen = cut_.streams->select(*number, matchers);
    std::ranges::sort(chosen, {}, [](const StreamPtr& s) -> const std::string& { return s->text; });
    std::vector<RowSource> sources;
    for (const StreamPtr& stream : chosen) {
      sources.clear();
      for (std::uint32_t p = 0; p < cut_.logs.size(); ++p)
        add_sources(cut_.logs[p], p, *stream, range, sources);
      if (!sources.empty()) visit(*stream, sources);
    }
  }

  const Cut cut_;
};

}  // namespace

std::shared_ptr<const Snapshot> make_snapshot(Cut cut) {
  return std::make_shared<HeadSnapshot>(std::move(cut));
}

}  // namespace weft::storage
