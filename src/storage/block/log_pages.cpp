#include "storage/block/log_pages.h"

#include "storage/block/encoding_fixed.h"
#include "storage/block/encoding_integer.h"
#include "storage/block/page.h"

namespace weft::storage::block {
namespace {

Error corrupted(std::string what) {
  return Error(Code::corrupted, std::move(what));
}

Result<PageView> take_page_of(std::string_view& bytes, std::size_t rows, Zstd& zstd, PageBuffer& buffer) {
  PageView view = TRY(take_page(bytes, zstd, buffer));
  if (view.values != rows)
    return corrupted("page has " + std::to_string(view.values) + " rows, the directory says " +
                     std::to_string(rows));
  return view;
}

// Values that many rows share may not stand for more text than a page may hold: what rows are
// copied to is bounded by the pages they come from.
Result<void> take_strings(std::string_view& bytes, std::size_t values, Zstd& zstd, LogPage& page) {
  TRY(page.strings.decode(bytes, zstd));
  if (page.strings.size() != values)
    return corrupted("page has " + std::to_string(page.strings.size()) + " texts for " +
                     std::to_string(values) + " rows");
  std::size_t sum = 0;
  for (std::size_t i = 0; i < values; ++i) sum += page.strings[i].size();
  if (sum > kPageBytesMax && values > 1)
    return corrupted("texts of a page have " + std::to_string(sum) + " bytes, limit is " +
                     std::to_string(kPageBytesMax));
  page.memory_bytes += page.strings.text().size() +
                       (page.strings.codes().size() + page.strings.offsets().size()) * sizeof(std::uint32_t);
  for (std::string_view entry : page.strings.dictionary()) page.memory_bytes += sizeof entry + entry.size();
  return {};
}

Result<void> take_presence(std::string_view& bytes, std::size_t rows, Zstd& zstd, LogPage& page) {
  PageBuffer buffer;
  PageView view = TRY(take_page_of(bytes, rows, zstd, buffer));
  page.present = Presence(TRY(decode_bitmap(view)));
  page.memory_bytes += page.present.rows().words().size_bytes() * 2;
  return {};
}

Result<void> decode_into(LogPage& page, LogColumnKind kind, std::size_t rows, std::size_t ids,
                         std::string_view& bytes, Zstd& zstd) {
  PageBuffer buffer;
  switch (kind) {
    case LogColumnKind::time: {
      PageView view = TRY(take_page_of(bytes, rows, zstd, buffer));
      page.memory_bytes += rows * sizeof(std::int64_t);
      return decode_integers(view, page.times);
    }
    case LogColumnKind::trace:
    case LogColumnKind::other_id: {
      PageView view = TRY(take_page_of(bytes, rows, zstd, buffer));
      std::vector<std::uint64_t> values;
      TRY(decode_integers(view, values));
      page.ordinals.reserve(rows);
      for (std::uint64_t value : values) {
        if (value > ids) return corrupted("id " + std::to_string(value) + " of " + std::to_string(ids));
        page.ordinals.push_back(static_cast<std::uint32_t>(value));
      }
      page.memory_bytes += rows * sizeof(std::uint32_t);
      return {};
    }
    case LogColumnKind::span: {
      TRY(take_presence(bytes, rows, zstd, page));
      PageView view = TRY(take_page_of(bytes, page.present.values(), zstd, buffer));
      page.memory_bytes += page.present.values() * sizeof(SpanId);
      return decode_fixed(view, page.spans);
    }
    case LogColumnKind::more_ids: {
      PageView view = TRY(take_page_of(bytes, rows, zstd, buffer));
      page.bits = TRY(decode_bitmap(view));
      page.memory_bytes += page.bits.words().size_bytes();
      return {};
    }
    case LogColumnKind::line:
    case LogColumnKind::rest: return take_strings(bytes, rows, zstd, page);
    case LogColumnKind::metadata: {
      TRY(take_presence(bytes, rows, zstd, page));
      return take_strings(bytes, page.present.values(), zstd, page);
    }
  }
  return corrupted("unknown column");
}

}  // namespace

Result<LogPagePtr> decode_log_page(LogColumnKind kind, std::size_t rows, std::size_t ids,
                                   std::string_view bytes, Zstd& zstd) {
  auto page = std::make_shared<LogPage>();
  page->memory_bytes = sizeof(LogPage);
  TRY(decode_into(*page, kind, rows, ids, bytes, zstd));
  if (!bytes.empty()) return corrupted(std::to_string(bytes.size()) + " bytes follow a page");
  return LogPagePtr(std::move(page));
}

Result<LogPagePtr> decode_id_page(std::string bytes) {
  auto page = std::make_shared<LogPage>();
  page->id_bytes = std::move(bytes);
  page->ids = TRY(IdPage::open(page->id_bytes));
  page->memory_bytes = sizeof(LogPage) + page->id_bytes.size() + page->ids->size() * sizeof(std::uint32_t);
  return LogPagePtr(std::move(page));
}

LogPagePtr LogPageCache::find(const LogPageKey& key) {
  std::lock_guard lock(mutex_);
  auto at = places_.find(key);
  if (at == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->page;
}

void LogPageCache::put(const LogPageKey& key, LogPagePtr page) {
  std::lock_guard lock(mutex_);
  if (page->memory_bytes > bytes_max_ || places_.contains(key)) return;
  bytes_ += page->memory_bytes;
  entries_.push_front({key, std::move(page)});
  places_.emplace(key, entries_.begin());
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().page->memory_bytes;
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace weft::storage::block
