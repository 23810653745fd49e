#include "storage/block/log_reader.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace weft::storage::block {
namespace {

const char* column_name(LogColumnKind kind) {
  switch (kind) {
    case LogColumnKind::time: return "time";
    case LogColumnKind::line: return "line";
    case LogColumnKind::trace: return "trace";
    case LogColumnKind::other_id: return "other id";
    case LogColumnKind::span: return "span";
    case LogColumnKind::more_ids: return "more ids";
    case LogColumnKind::rest: return "rest";
    case LogColumnKind::metadata: return "metadata";
  }
  return "unknown";
}

}  // namespace

Result<std::shared_ptr<const LogBlockReader>> LogBlockReader::open(
    std::shared_ptr<const BlockSource> source) {
  BlockFile file = TRY(BlockFile::open(std::move(source), BlockKind::logs));
  std::shared_ptr<LogBlockReader> reader(new LogBlockReader(std::move(file)));
  reader->directory_ = TRY(LogDirectory::read(reader->file_));
  reader->file_.drop_end();
  reader->index_runs();
  return std::shared_ptr<const LogBlockReader>(std::move(reader));
}

void LogBlockReader::index_runs() {
  run_begins_.assign(directory_.streams.size() + 1, 0);
  for (const LogRun& run : directory_.runs) ++run_begins_[run.stream + 1];
  for (std::size_t i = 1; i < run_begins_.size(); ++i) run_begins_[i] += run_begins_[i - 1];
  std::vector<std::uint32_t> next = run_begins_;
  runs_by_stream_.resize(directory_.runs.size());
  for (std::uint32_t i = 0; i < directory_.runs.size(); ++i)
    runs_by_stream_[next[directory_.runs[i].stream]++] = i;
}

std::vector<std::uint32_t> LogBlockReader::streams(const TenantId& tenant, TimeRange range) const {
  std::vector<std::uint32_t> out;
  std::optional<std::uint32_t> number = directory_.find_tenant(tenant);
  if (!number || range.empty()) return out;
  std::uint32_t stream = 0;
  for (std::uint32_t t = 0; t < *number; ++t) stream += directory_.tenants[t].streams;
  for (std::uint32_t end = stream + directory_.tenants[*number].streams; stream < end; ++stream) {
    bool overlaps = std::ranges::any_of(
        runs_of(stream), [&](std::uint32_t run) { return directory_.runs[run].overlaps(range); });
    if (overlaps) out.push_back(stream);
  }
  return out;
}

// --- pages ---

Result<std::shared_ptr<const LogBlockReader::Ids>> LogBlockReader::ids() const {
  {
    std::lock_guard lock(ids_mutex_);
    if (ids_) return ids_;
  }
  // Two threads may both read them the first time; none waits for the other's disk.
  auto made = std::make_shared<Ids>();
  auto in_block = [&](const Error& error) {
    return Error(error.code(), "block " + name() + ", ids: " + error.message());
  };
  auto index = IdIndex::open(TRY(file_.whole(kLogIdIndex)));
  if (!index) return in_block(index.error());
  made->index = std::move(*index);
  made->filter_bytes = TRY(file_.whole(kLogIdFilter));
  auto filter = BloomFilter::open(made->filter_bytes);
  if (!filter) return in_block(filter.error());
  made->filter = *filter;
  std::uint64_t bytes = 0;
  if (std::size_t pages = made->index.pages(); pages > 0) {
    const IdIndex::Page& last = made->index.page(pages - 1);
    bytes = last.offset + last.bytes;
  }
  const Section* section = file_.find(kLogIds);
  if (made->index.size() != directory_.totals.ids || section == nullptr || section->bytes != bytes)
    return in_block(Error(Code::corrupted, "the index is of another dictionary"));
  std::lock_guard lock(ids_mutex_);
  if (!ids_) ids_ = std::move(made);
  return ids_;
}

ByteRange LogBlockReader::place_of(const LogPageKey& key, const Ids* ids) const {
  if (key.group == LogPageKey::kIds) {
    const IdIndex::Page& page = ids->index.page(key.page);
    return {page.offset, page.bytes};
  }
  const LogColumn& column = directory_.groups[key.group].columns[key.column];
  std::uint32_t begin = column.pages[key.page].offset;
  bool last = key.page + 1 == column.pages.size();
  std::uint32_t end = last ? column.bytes : column.pages[key.page + 1].offset;
  return {column.offset + begin, end - begin};
}

std::uint32_t LogBlockReader::rows_of(const LogPageKey& key) const {
  const LogGroup& group = directory_.groups[key.group];
  const LogColumn& column = group.columns[key.column];
  bool last = key.page + 1 == column.pages.size();
  return (last ? group.rows : column.pages[key.page + 1].first_row) - column.pages[key.page].first_row;
}

Error LogBlockReader::describe(const Error& error, const LogPageKey& key) const {
  std::string place = "block " + name();
  if (key.group == LogPageKey::kIds) {
    place += ", ids";
  } else {
    const LogColumn& column = directory_.groups[key.group].columns[key.column];
    place += ", row group " + std::to_string(key.group) + ", column " + column_name(column.kind);
    if (column.kind == LogColumnKind::metadata) place += " \"" + directory_.keys[column.key] + "\"";
  }
  return Error(error.code(), place + ", page " + std::to_string(key.page) + ": " + error.message());
}

Result<LogPagePtr> LogBlockReader::decode(const LogPageKey& key, std::string bytes, const Ids* ids,
                                          Zstd& zstd) const {
  if (key.group != LogPageKey::kIds) {
    LogColumnKind kind = directory_.groups[key.group].columns[key.column].kind;
    return decode_log_page(kind, rows_of(key), directory_.totals.ids, bytes, zstd);
  }
  LogPagePtr page = TRY(decode_id_page(std::move(bytes)));
  if (page->ids->size() != ids->index.page(key.page).ids || page->ids->id(0) != ids->index.first_id(key.page))
    return Error(Code::corrupted, "has other ids than the index says");
  return page;
}

Result<void> LogBlockReader::load(std::span<const LogPageKey> keys, LogPageCache& cache,
                                  std::vector<LogPagePtr>& out) const {
  out.assign(keys.size(), nullptr);
  std::shared_ptr<const Ids> ids;
  // Missing pages of the one section that all keys are of.
  std::vector<ByteRange> ranges;
  std::vector<std::size_t> missing;
  std::unordered_map<LogPageKey, std::size_t, LogPageKeyHash>
      first_of;  // of missing pages: where they come first
  std::vector<std::pair<std::size_t, std::size_t>> again;
  bool of_ids = !keys.empty() && keys[0].group == LogPageKey::kIds;
  if (of_ids) ids = TRY(this->ids());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK((keys[i].group == LogPageKey::kIds) == of_ids);
    out[i] = cache.find(keys[i]);
    if (out[i]) continue;
    if (auto [at, added] = first_of.try_emplace(keys[i], i); !added) {
      again.emplace_back(i, at->second);
      continue;
    }
    ranges.push_back(place_of(keys[i], ids.get()));
    missing.push_back(i);
  }
  if (missing.empty()) return {};
  std::vector<std::string> bytes = TRY(file_.parts(of_ids ? kLogIds : kLogData, ranges));
  Zstd zstd;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const LogPageKey& key = keys[missing[i]];
    auto page = decode(key, std::move(bytes[i]), ids.get(), zstd);
    if (!page) return describe(page.error(), key);
    cache.put(key, *page);
    out[missing[i]] = std::move(*page);
  }
  for (auto [i, first] : again) out[i] = out[first];
  return {};
}

Result<LogPagePtr> LogBlockReader::page(std::uint32_t group, std::uint32_t column, std::uint32_t page,
                                        LogPageCache& cache) const {
  LogPageKey key{file_.hash(), group, column, page};
  std::vector<LogPagePtr> pages;
  TRY(load({&key, 1}, cache, pages));
  return pages[0];
}

// --- ids ---

Result<LogIdHits> LogBlockReader::find_ids(std::span<const TraceId> wanted, LogPageCache& cache) const {
  LogIdHits hits;
  for (std::uint32_t g = 0; g < directory_.groups.size(); ++g)
    if (directory_.groups[g].any_id) hits.groups.push_back(g);
  if (wanted.empty() || directory_.totals.ids == 0) return hits;
  std::shared_ptr<const Ids> ids = TRY(this->ids());
  std::vector<LogPageKey> keys;
  std::vector<TraceId> candidates;
  for (const TraceId& id : wanted) {
    if (!ids->filter->may_contain(hash64({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()})))
      continue;
    std::optional<std::size_t> page = ids->index.page_of(id);
    if (!page) continue;
    keys.push_back({file_.hash(), LogPageKey::kIds, 0, static_cast<std::uint32_t>(*page)});
    candidates.push_back(id);
  }
  std::vector<LogPagePtr> pages;
  TRY(load(keys, cache, pages));
  std::vector<std::uint32_t> groups;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    std::optional<std::size_t> place = pages[i]->ids->find(candidates[i]);
    if (!place) continue;
    auto read = pages[i]->ids->postings(*place, groups);
    if (!read) return describe(read.error(), keys[i]);
    if (!groups.empty() && groups.back() >= directory_.groups.size())
      return describe(Error(Code::corrupted, "row group " + std::to_string(groups.back()) + " of " +
                                                 std::to_string(directory_.groups.size())),
                      keys[i]);
    hits.groups.insert(hits.groups.end(), groups.begin(), groups.end());
    hits.ordinals.push_back(ids->index.page(keys[i].page).first_ordinal + static_cast<std::uint32_t>(*place));
  }
  auto make_set = [](std::vector<std::uint32_t>& numbers) {
    std::ranges::sort(numbers);
    numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  };
  make_set(hits.groups);
  make_set(hits.ordinals);
  return hits;
}

// --- the cursor ---

LogRowCursor::LogRowCursor(const LogBlockReader& reader, LogPageCache& cache, const Options& options)
    : reader_(reader), cache_(cache), options_(options) {
  const LogDirectory& directory = reader_.directory();
  if (options_.range.empty()) return;
  for (std::uint32_t run : reader_.runs_of(options_.stream)) {
    if (!directory.runs[run].overlaps(options_.range)) continue;
    bool skip =
        options_.ids != nullptr &&
        !std::ranges::binary_search(options_.ids->groups, directory.group_of(directory.runs[run].first_row));
    if (!skip) runs_.push_back(run);
  }
  if (!options_.backward) std::ranges::reverse(runs_);
}

void LogRowCursor::set_column(Column& column, LogColumnKind kind) const {
  column = {};
  const LogGroup& group = reader_.directory().groups[group_];
  column.column = group.find(kind);
  if (column.column != nullptr)
    column.number = static_cast<std::uint32_t>(column.column - group.columns.data());
}

Result<void> LogRowCursor::seek(Column& column, std::uint32_t row) const {
  if (row >= column.first && row < column.end) return {};
  std::size_t page = column.column->page_of(row);
  column.page = TRY(reader_.page(group_, column.number, static_cast<std::uint32_t>(page), cache_));
  column.first = column.column->pages[page].first_row;
  column.end = page + 1 == column.column->pages.size() ? reader_.directory().groups[group_].rows
                                                       : column.column->pages[page + 1].first_row;
  return {};
}

Result<std::int64_t> LogRowCursor::time_of(std::uint32_t row) {
  TRY(seek(times_, row));
  return times_.page->times[row - times_.first];
}

Result<bool> LogRowCursor::may_hold_id(std::uint32_t row) {
  for (Column* column : {&traces_, &other_ids_}) {
    if (column->column == nullptr) continue;
    TRY(seek(*column, row));
    std::uint32_t ordinal = column->page->ordinals[row - column->first];
    if (ordinal != 0 && std::ranges::binary_search(options_.ids->ordinals, ordinal - 1)) return true;
  }
  if (more_ids_.column == nullptr) return false;
  TRY(seek(more_ids_, row));
  return more_ids_.page->bits.test(row - more_ids_.first);
}

// The number in its row group of the run's first row that is not before the time.
Result<std::uint32_t> LogRowCursor::first_at_or_after(const LogRun& run, std::int64_t time_ns) {
  std::uint32_t begin = run.first_row - reader_.directory().groups[group_].first_row;
  std::uint32_t end = begin + run.rows;
  if (run.oldest_ns >= time_ns) return begin;
  if (run.newest_ns < time_ns) return end;
  while (begin < end) {
    std::uint32_t middle = begin + (end - begin) / 2;
    if (TRY(time_of(middle)) < time_ns) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

Result<void> LogRowCursor::enter_run(const LogRun& run) {
  std::uint32_t group = reader_.directory().group_of(run.first_row);
  if (group != group_ || times_.column == nullptr) {
    group_ = group;
    set_column(times_, LogColumnKind::time);
    set_column(traces_, LogColumnKind::trace);
    set_column(other_ids_, LogColumnKind::other_id);
    set_column(more_ids_, LogColumnKind::more_ids);
  }
  begin_ = TRY(first_at_or_after(run, options_.range.start_ns));
  end_ = TRY(first_at_or_after(run, options_.range.end_ns));
  end_ = std::max(begin_, end_);
  return {};
}

Result<void> LogRowCursor::next(std::size_t max, std::vector<LogRowRef>& out) {
  out.clear();
  while (out.size() < max) {
    if (begin_ == end_) {
      if (runs_.empty()) return {};
      TRY(enter_run(reader_.directory().runs[runs_.back()]));
      runs_.pop_back();
      continue;
    }
    std::uint32_t row = options_.backward ? --end_ : begin_++;
    if (options_.ids != nullptr && !TRY(may_hold_id(row))) continue;
    std::uint32_t first_row = reader_.directory().groups[group_].first_row;
    out.push_back({
      TRY(time_of(row))
      , first_row + row, options_.stream
    });
  }
  return {};
}

}  // namespace weft::storage::block
