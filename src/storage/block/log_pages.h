#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "model/ids.h"
#include "storage/block/bitmap.h"
#include "storage/block/encoding_string.h"
#include "storage/block/id_dictionary.h"
#include "storage/block/log_directory.h"
#include "storage/block/zstd.h"

namespace weft::storage::block {

// A page of a block of logs after decoding; which members are filled depends on the column.
// Immutable, so const use is thread-safe.
struct LogPage {
  std::vector<std::int64_t> times;
  std::vector<std::uint32_t> ordinals;  // + 1; 0: none
  Presence present;                     // of span, metadata
  std::vector<SpanId> spans;            // dense
  StringPage strings;                   // line, rest; metadata: dense
  Bitmap bits;
  std::optional<IdPage> ids;  // of the id dictionary
  std::string id_bytes;       // which that shows
  std::size_t memory_bytes = 0;
};
using LogPagePtr = std::shared_ptr<const LogPage>;

// Decodes the page of a column with `rows` rows; ordinals up to `ids`. `bytes` are the page, no more.
// Errors: corrupted. What it takes is bounded by a page's limits, whatever the bytes are.
Result<LogPagePtr> decode_log_page(LogColumnKind kind, std::size_t rows, std::size_t ids,
                                   std::string_view bytes, Zstd& zstd);
// The same for a page of ids.
Result<LogPagePtr> decode_id_page(std::string bytes);

// Which page, of all blocks.
struct LogPageKey {
  static constexpr std::uint32_t kIds = 0xffff'ffff;  // as a row group: the id dictionary
  std::uint64_t block = 0;                            // BlockFile::hash()
  std::uint32_t group = 0;
  std::uint32_t column = 0;  // its place among the columns of the row group
  std::uint32_t page = 0;
  bool operator==(const LogPageKey&) const = default;
};
struct LogPageKeyHash {
  std::size_t operator()(const LogPageKey& key) const {
    return hash_combine(hash_combine(key.block, key.group), std::uint64_t{key.column} << 32 | key.page);
  }
};

// Decoded pages, so that streams that lie side by side decode them once; what was used least recently goes
// first. Thread-safe.
class LogPageCache {
 public:
  explicit LogPageCache(std::size_t bytes_max = std::size_t{64} << 20) : bytes_max_(bytes_max) {}

  // Null if it is not there.
  LogPagePtr find(const LogPageKey& key);
  void put(const LogPageKey& key, LogPagePtr page);
  std::size_t bytes() const {
    std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  struct Entry {
    LogPageKey key;
    LogPagePtr page;
  };
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;  // guards what follows
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<LogPageKey, std::list<Entry>::iterator, LogPageKeyHash> places_;
  std::size_t bytes_ = 0;
};

}  // namespace weft::storage::block
