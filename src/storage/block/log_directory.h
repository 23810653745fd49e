#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/tenant.h"
#include "model/time.h"
#include "storage/block/format.h"

// What a block of log rows says about itself, in memory and as bytes: docs/formats/block.md.

namespace weft::storage::block {

// Of parts: pages of columns, row group after row group; pages of the id dictionary.
inline constexpr SectionTag kLogData = section_tag("DATA");
inline constexpr SectionTag kLogIds = section_tag("IDPG");
// Whole: index and Bloom filter of the id dictionary; what LogDirectory holds.
inline constexpr SectionTag kLogIdIndex = section_tag("IDIX");
inline constexpr SectionTag kLogIdFilter = section_tag("IDBF");
inline constexpr SectionTag kLogGroups = section_tag("GRPS");
inline constexpr SectionTag kLogRuns = section_tag("RUNS");
inline constexpr SectionTag kLogStreams = section_tag("STRM");
inline constexpr SectionTag kLogTotals = section_tag("META");

inline constexpr std::size_t kGroupRowsMax = std::size_t{1} << 20;
inline constexpr std::size_t kMetadataColumnsMax = 1024;  // of one row group
inline constexpr std::size_t kRestKeysMax = 4096;         // of one row group that have a number

// Columns of a row group. Every one but time and line may be missing: then no row has any. On disk:
// never renumber.
enum class LogColumnKind : std::uint8_t {
  time = 0,
  line = 1,      // text with ids cut out: log_text.h
  trace = 2,     // ordinal + 1 of the linked trace; 0: none
  other_id = 3,  // the same of the first other id that the row may be looked up by
  span = 4,      // optional, 8 bytes
  more_ids = 5,  // bitmap: there are more ids than the two columns show
  rest = 6,      // metadata without a column of its own
  metadata = 7,  // optional, text with ids cut out; one column for each frequent key
};

// How the line column holds lines. On disk: never renumber.
enum class BodyEncoding : std::uint8_t { text = 0 };

struct LogPagePlace {
  std::uint32_t first_row = 0;  // in the row group
  std::uint32_t offset = 0;     // from the beginning of the column
};

struct LogColumn {
  LogColumnKind kind = LogColumnKind::time;
  std::uint32_t key = 0;     // metadata: its name, a number in LogDirectory::keys
  std::uint64_t offset = 0;  // in kLogData
  std::uint32_t bytes = 0;
  std::vector<LogPagePlace> pages;

  std::size_t page_of(std::uint32_t row) const;
};

struct LogGroup {
  std::uint32_t tenant = 0;
  std::uint32_t first_row = 0;  // in the block
  std::uint32_t rows = 0;
  std::uint32_t first_run = 0;
  std::uint32_t runs = 0;
  std::uint64_t raw_bytes = 0;  // of lines and metadata
  std::int64_t oldest_ns = 0;
  std::int64_t newest_ns = 0;  // inclusive
  BodyEncoding body = BodyEncoding::text;
  bool any_id = false;  // holds rows that are candidates for every id
  std::vector<LogColumn> columns;
  std::vector<std::uint32_t> rest_keys;  // numbers in LogDirectory::keys

  const LogColumn* find(LogColumnKind kind) const;
};

// Rows of one stream that lie side by side in one row group, by (time, arrival). A stream's runs in
// the order of the block are in order of time.
struct LogRun {
  std::uint32_t stream = 0;
  std::uint32_t first_row = 0;  // in the block
  std::uint32_t rows = 0;
  std::int64_t oldest_ns = 0;
  std::int64_t newest_ns = 0;  // inclusive

  bool overlaps(TimeRange range) const { return oldest_ns < range.end_ns && newest_ns >= range.start_ns; }
};

struct LogBlockStream {
  std::uint32_t tenant = 0;
  LabelSet labels;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of lines
  std::int64_t oldest_ns = 0;
  std::int64_t newest_ns = 0;  // inclusive
};

// What of a tenant is in a block.
struct LogBlockTenant {
  TenantId id;
  std::uint64_t rows = 0;
  std::uint64_t raw_bytes = 0;
  std::uint32_t streams = 0;
  std::int64_t oldest_ns = 0;
  std::int64_t newest_ns = 0;  // inclusive
};

struct LogTotals {
  std::uint64_t rows = 0;
  std::uint64_t raw_bytes = 0;  // of lines and metadata
  std::uint64_t ids = 0;        // distinct
  std::int64_t oldest_ns = 0;
  std::int64_t newest_ns = 0;  // inclusive
  std::int64_t bucket_ns = 0;  // width of the time slices by which rows are sorted
};

struct LogDirectory {
  LogTotals totals;
  std::vector<LogBlockTenant> tenants;  // by id
  std::vector<LogBlockStream> streams;  // by tenant, then as they lie in the block
  std::vector<std::string> keys;        // names of metadata
  std::vector<LogGroup> groups;
  std::vector<LogRun> runs;

  Result<void> write(BlockWriter& writer) const;
  // Errors: corrupted, whatever does not fit together; what the source says.
  static Result<LogDirectory> read(const BlockFile& file);

  std::optional<std::uint32_t> find_tenant(const TenantId& id) const;
  // The row group, the run of a row. Require row < totals.rows.
  std::uint32_t group_of(std::uint32_t row) const;
  std::uint32_t run_of(std::uint32_t row) const;
};

}  // namespace weft::storage::block
