#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "storage/block/page.h"

// The distinct ids of a block, sorted, each with an ordinal (its place in the order) and a list of
// numbers of the block's choosing (row groups, rows): docs/formats/block.md.
//
// Ids stand in pages of 256 with their lists beside them. The index has the first id of every page,
// whole: of 64-bit ids, padded on the left, the first eight bytes tell nothing. So the index (kept in
// memory, 20 bytes a page) names the one page to read.

namespace weft::storage::block {

inline constexpr std::size_t kIdsPerPage = 256;

// Writes a dictionary. One thread.
class IdDictionaryWriter {
 public:
  // Appends a page to `out` whenever one is full. Ids come in ascending order, none twice; postings are
  // ascending, none twice, and may be empty. Errors: invalid_argument for postings above 16 MiB, more than
  // 2^32 - 1 ids.
  Result<void> add(const TraceId& id, std::span<const std::uint32_t> postings, std::string& out);
  // Appends the last page. Nothing may be added after it.
  Result<void> finish(std::string& out);
  // After finish().
  std::string index() const;
  std::size_t size() const { return ids_; }

 private:
  Result<void> end_page(std::string& out);

  std::string page_ids_;
  std::string page_postings_;
  std::vector<std::uint32_t> page_lengths_;
  std::string scratch_;
  TraceId last_;
  std::size_t ids_ = 0;
  std::string firsts_;
  std::vector<std::uint32_t> sizes_;
  std::vector<std::uint32_t> counts_;
};

// What the index knows. A value type.
class IdIndex {
 public:
  struct Page {
    std::uint64_t offset = 0;  // from the beginning of the first page
    std::uint32_t bytes = 0;
    std::uint32_t first_ordinal = 0;
    std::uint32_t ids = 0;
  };

  // Copies what it needs. Errors: corrupted.
  static Result<IdIndex> open(std::string_view bytes);

  std::size_t size() const { return size_; }  // in ids
  std::size_t pages() const { return pages_.size(); }
  const Page& page(std::size_t number) const { return pages_[number]; }
  const TraceId& first_id(std::size_t number) const { return firsts_[number]; }  // of that page
  // The page that holds the id if any does; none if no page can.
  std::optional<std::size_t> page_of(const TraceId& id) const;

 private:
  std::vector<TraceId> firsts_;
  std::vector<Page> pages_;
  std::size_t size_ = 0;
};

// One page of ids. It shows the bytes it was opened on, which must outlive it.
class IdPage {
 public:
  // `bytes` are the page, no more. Errors: corrupted.
  static Result<IdPage> open(std::string_view bytes);

  std::size_t size() const { return ids_.size() / sizeof(TraceId); }
  TraceId id(std::size_t i) const;
  // The id's place in this page.
  std::optional<std::size_t> find(const TraceId& id) const;
  // Replaces `out`. Errors: corrupted.
  Result<void> postings(std::size_t i, std::vector<std::uint32_t>& out) const;

 private:
  PageBuffer buffer_;
  std::string_view ids_;
  std::string_view postings_;
  std::vector<std::uint32_t> offsets_;  // of the lists, size() + 1
};

// A whole dictionary whose pages lie in memory (or are mapped into it); they must outlive it.
// const methods are thread-safe.
class IdDictionary {
 public:
  // Reads the index only. Errors: corrupted.
  static Result<IdDictionary> open(std::string_view pages, std::string_view index);

  const IdIndex& index() const { return index_; }
  std::size_t size() const { return index_.size(); }
  // Errors: corrupted, also if the page does not fit what the index says of it and its neighbour.
  Result<IdPage> page(std::size_t number) const;

  // The ordinal of an id, none if it is not there; replaces `postings`, unless that is nullptr.
  // Reads one page at most. Errors: corrupted.
  Result<std::optional<std::uint32_t>> find(const TraceId& id,
                                            std::vector<std::uint32_t>* postings = nullptr) const;
  // The id with an ordinal below size(). Reads one page. Errors: corrupted.
  Result<TraceId> id(std::uint32_t ordinal) const;

 private:
  IdIndex index_;
  std::string_view pages_;
};

// Goes through a dictionary in ascending order: `while (TRY(cursor.next())) use(cursor.id());`.
// The dictionary must outlive it. One thread.
class IdCursor {
 public:
  explicit IdCursor(const IdDictionary& dictionary) : dictionary_(dictionary) {}

  // Goes to the first, then to the next id; false after the last. Errors: corrupted.
  Result<bool> next();
  TraceId id() const { return page_.id(at_); }
  std::uint32_t ordinal() const { return ordinal_; }
  Result<void> postings(std::vector<std::uint32_t>& out) const { return page_.postings(at_, out); }

 private:
  const IdDictionary& dictionary_;
  IdPage page_;
  std::size_t next_page_ = 0;
  std::size_t at_ = 0;
  std::uint32_t ordinal_ = 0;
};

}  // namespace weft::storage::block
