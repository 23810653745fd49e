#include "storage/block/log_directory.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"
#include "storage/block/page.h"

namespace weft::storage::block {
namespace {

constexpr std::uint64_t kU32Max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kU64Max = std::numeric_limits<std::uint64_t>::max();

Error corrupted(std::string what) {
  return Error(Code::corrupted, "directory: " + what);
}

void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}

// A range of times, the oldest as its distance from `origin`.
void put_times(std::string& out, std::int64_t origin, std::int64_t oldest, std::int64_t newest) {
  put_varint(out, zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(oldest) -
                                                   static_cast<std::uint64_t>(origin))));
  put_varint(out, static_cast<std::uint64_t>(newest) - static_cast<std::uint64_t>(oldest));
}

// Reads what the functions above write; `max` bounds what a number may be.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : reader_(bytes) {}

  Result<std::uint64_t> number(std::uint64_t max, const char* what) {
    std::uint64_t value = TRY(reader_.varint());
    if (value > max)
      return corrupted(std::string(what) + " is " + std::to_string(value) + ", limit is " +
                       std::to_string(max));
    return value;
  }
  Result<std::uint32_t> small(std::uint64_t max, const char* what) {
    return static_cast<std::uint32_t>(TRY(number(std::min(max, kU32Max), what)));
  }
  // How many things follow, each of at least `bytes_min` bytes: so memory for them is bounded by what
  // is there.
  Result<std::size_t> count(std::size_t bytes_min, const char* what) {
    return static_cast<std::size_t>(TRY(number(reader_.rest().size() / bytes_min, what)));
  }
  Result<std::string_view> text() {
    std::uint64_t bytes = TRY(reader_.varint());
    return reader_.take(std::min<std::uint64_t>(bytes, std::numeric_limits<std::size_t>::max()));
  }
  Result<void> times(std::int64_t origin, std::int64_t& oldest, std::int64_t& newest) {
    auto first = static_cast<std::uint64_t>(unzigzag(TRY(reader_.varint())));
    std::uint64_t length = TRY(reader_.varint());
    oldest = static_cast<std::int64_t>(first + static_cast<std::uint64_t>(origin));
    newest = static_cast<std::int64_t>(static_cast<std::uint64_t>(oldest) + length);
    if (newest < oldest) return corrupted("a range of times ends before it begins");
    return {};
  }
  Result<void> end() { return reader_.expect_end(); }

 private:
  ByteReader reader_;
};

// --- totals and tenants ---

std::string encode_totals(const LogDirectory& directory) {
  const LogTotals& totals = directory.totals;
  std::string out;
  put_varint(out, totals.rows);
  put_varint(out, totals.raw_bytes);
  put_varint(out, totals.ids);
  put_times(out, 0, totals.oldest_ns, totals.newest_ns);
  put_varint(out, static_cast<std::uint64_t>(totals.bucket_ns));
  put_varint(out, directory.tenants.size());
  for (const LogBlockTenant& tenant : directory.tenants) {
    put_text(out, tenant.id);
    put_varint(out, tenant.rows);
    put_varint(out, tenant.raw_bytes);
    put_varint(out, tenant.streams);
    put_times(out, totals.oldest_ns, tenant.oldest_ns, tenant.newest_ns);
  }
  return out;
}

Result<void> decode_totals(std::string_view bytes, LogDirectory& directory) {
  Fields fields(bytes);
  LogTotals& totals = directory.totals;
  totals.rows = TRY(fields.number(kU32Max, "number of rows"));
  totals.raw_bytes = TRY(fields.number(kU64Max, "raw bytes"));
  totals.ids = TRY(fields.number(kU32Max, "number of ids"));
  TRY(fields.times(0, totals.oldest_ns, totals.newest_ns));
  totals.bucket_ns = static_cast<std::int64_t>(
      TRY(fields.number(std::numeric_limits<std::int64_t>::max(), "width of a bucket")));
  std::size_t tenants = TRY(fields.count(6, "number of tenants"));
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < tenants; ++i) {
    LogBlockTenant& tenant = directory.tenants.emplace_back();
    tenant.id = TRY(fields.text());
    tenant.rows = TRY(fields.number(totals.rows - rows, "rows of a tenant"));
    tenant.raw_bytes = TRY(fields.number(kU64Max, "raw bytes of a tenant"));
    tenant.streams = TRY(fields.small(kU32Max, "streams of a tenant"));
    TRY(fields.times(totals.oldest_ns, tenant.oldest_ns, tenant.newest_ns));
    if (i > 0 && directory.tenants[i - 1].id >= tenant.id) return corrupted("tenants are not sorted");
    rows += tenant.rows;
  }
  if (rows != totals.rows) return corrupted("rows of the tenants are not the rows of the block");
  return fields.end();
}

// --- streams ---

std::string encode_streams(const LogDirectory& directory) {
  std::string strings;
  std::string streams;
  std::unordered_map<std::string_view, std::uint32_t, StringHash> numbers;
  auto number = [&](std::string_view text) {
    auto [at, added] = numbers.try_emplace(text, static_cast<std::uint32_t>(numbers.size()));
    if (added) put_text(strings, text);
    return at->second;
  };
  for (const LogBlockStream& stream : directory.streams) {
    put_varint(streams, stream.labels.labels().size());
    for (const Label& label : stream.labels.labels()) {
      put_varint(streams, number(label.name));
      put_varint(streams, number(label.value));
    }
    put_varint(streams, stream.rows);
    put_varint(streams, stream.bytes);
    put_times(streams, directory.totals.oldest_ns, stream.oldest_ns, stream.newest_ns);
  }
  std::string out;
  put_varint(out, numbers.size());
  out += strings;
  put_varint(out, directory.streams.size());
  return out + streams;
}

Result<void> decode_streams(std::string_view bytes, LogDirectory& directory) {
  Fields fields(bytes);
  std::vector<std::string_view> strings(TRY(fields.count(1, "number of strings")));
  for (std::string_view& text : strings) text = TRY(fields.text());
  std::size_t count = TRY(fields.count(5, "number of streams"));
  std::vector<Label> labels;
  std::uint32_t tenant = 0;
  std::uint64_t of_tenant = 0;
  for (std::size_t i = 0; i < count; ++i) {
    while (tenant < directory.tenants.size() && of_tenant == directory.tenants[tenant].streams) {
      ++tenant;
      of_tenant = 0;
    }
    if (tenant == directory.tenants.size()) return corrupted("there are more streams than tenants have");
    ++of_tenant;
    LogBlockStream& stream = directory.streams.emplace_back();
    stream.tenant = tenant;
    labels.resize(TRY(fields.count(2, "number of labels")));
    for (Label& label : labels) {
      auto name = TRY(fields.small(strings.size(), "name of a label"));
      auto value = TRY(fields.small(strings.size(), "value of a label"));
      if (name == strings.size() || value == strings.size()) return corrupted("label without a string");
      label = {strings[name], strings[value]};
    }
    for (std::size_t l = 1; l < labels.size(); ++l)
      if (labels[l - 1].name >= labels[l].name) return corrupted("labels of a stream are not sorted");
    stream.labels = LabelSet::from(labels);
    stream.rows = TRY(fields.number(kU32Max, "rows of a stream"));
    stream.bytes = TRY(fields.number(kU64Max, "bytes of a stream"));
    TRY(fields.times(directory.totals.oldest_ns, stream.oldest_ns, stream.newest_ns));
  }
  std::uint64_t expected = 0;
  for (const LogBlockTenant& t : directory.tenants) expected += t.streams;
  if (expected != count) return corrupted("there are fewer streams than tenants have");
  return fields.end();
}

// --- row groups ---

std::string encode_groups(const LogDirectory& directory) {
  std::string out;
  put_varint(out, directory.keys.size());
  for (const std::string& key : directory.keys) put_text(out, key);
  put_varint(out, directory.groups.size());
  for (const LogGroup& group : directory.groups) {
    put_varint(out, group.tenant);
    put_varint(out, group.rows);
    put_varint(out, group.raw_bytes);
    put_times(out, directory.totals.oldest_ns, group.oldest_ns, group.newest_ns);
    put_varint(out, static_cast<std::uint64_t>(group.body));
    put_varint(out, group.any_id ? 1 : 0);
    put_varint(out, group.columns.size());
    for (const LogColumn& column : group.columns) {
      put_varint(out, static_cast<std::uint64_t>(column.kind));
      if (column.kind == LogColumnKind::metadata) put_varint(out, column.key);
      put_varint(out, column.pages.size());
      for (std::size_t i = 0; i < column.pages.size(); ++i) {
        bool last = i + 1 == column.pages.size();
        const LogPagePlace& page = column.pages[i];
        put_varint(out, (last ? group.rows : column.pages[i + 1].first_row) - page.first_row);
        put_varint(out, (last ? column.bytes : column.pages[i + 1].offset) - page.offset);
      }
    }
    put_varint(out, group.rest_keys.size());
    for (std::uint32_t key : group.rest_keys) put_varint(out, key);
  }
  return out;
}

Result<LogColumn> decode_column(Fields& fields, const LogGroup& group, std::size_t keys,
                                std::uint64_t& offset, std::uint64_t data_bytes) {
  LogColumn column;
  column.kind = static_cast<LogColumnKind>(
      TRY(fields.small(static_cast<std::uint64_t>(LogColumnKind::metadata), "kind of a column")));
  if (column.kind == LogColumnKind::metadata) {
    column.key = TRY(fields.small(keys, "key of a column"));
    if (column.key == keys) return corrupted("column without a key");
  }
  column.offset = offset;
  std::size_t pages = TRY(fields.count(2, "number of pages"));
  column.pages.reserve(pages);
  std::uint32_t row = 0;
  for (std::size_t i = 0; i < pages; ++i) {
    column.pages.push_back({row, column.bytes});
    std::uint32_t rows =
        TRY(fields.small(std::min<std::uint64_t>(group.rows - row, kPageValuesMax), "rows of a page"));
    if (rows == 0) return corrupted("page without rows");
    row += rows;
    std::uint32_t bytes =
        TRY(fields.small(std::min(data_bytes - offset, kU32Max - column.bytes), "bytes of a page"));
    column.bytes += bytes;
    offset += bytes;
  }
  if (row != group.rows)
    return corrupted("pages of a column hold " + std::to_string(row) + " rows of " +
                     std::to_string(group.rows));
  return column;
}

Result<void> decode_groups(std::string_view bytes, std::uint64_t data_bytes, LogDirectory& directory) {
  Fields fields(bytes);
  std::size_t keys = TRY(fields.count(1, "number of keys"));
  for (std::size_t i = 0; i < keys; ++i) directory.keys.emplace_back(TRY(fields.text()));
  std::size_t groups = TRY(fields.count(9, "number of row groups"));
  std::uint64_t offset = 0;
  std::uint64_t row = 0;
  for (std::size_t i = 0; i < groups; ++i) {
    LogGroup& group = directory.groups.emplace_back();
    group.tenant = TRY(fields.small(directory.tenants.size(), "tenant of a row group"));
    if (group.tenant == directory.tenants.size()) return corrupted("row group without a tenant");
    if (i > 0 && directory.groups[i - 1].tenant > group.tenant) return corrupted("row groups are not sorted");
    group.first_row = static_cast<std::uint32_t>(row);
    group.rows = TRY(fields.small(std::min<std::uint64_t>(kGroupRowsMax, directory.totals.rows - row),
                                  "rows of a row group"));
    if (group.rows == 0) return corrupted("row group without rows");
    row += group.rows;
    group.raw_bytes = TRY(fields.number(kU64Max, "raw bytes of a row group"));
    TRY(fields.times(directory.totals.oldest_ns, group.oldest_ns, group.newest_ns));
    group.body = static_cast<BodyEncoding>(
        TRY(fields.small(static_cast<std::uint64_t>(BodyEncoding::text), "encoding of bodies")));
    group.any_id = TRY(fields.small(1, "flag"))
    != 0;
    std::size_t columns = TRY(fields.count(2, "number of columns"));
    if (columns > kMetadataColumnsMax + 7) return corrupted(std::to_string(columns) + " columns");
    for (std::size_t c = 0; c < columns; ++c) {
      LogColumn column = TRY(decode_column(fields, group, keys, offset, data_bytes));
      bool again = column.kind != LogColumnKind::metadata && group.find(column.kind) != nullptr;
      if (again) return corrupted("two columns of one kind");
      group.columns.push_back(std::move(column));
    }
    if (group.find(LogColumnKind::time) == nullptr || group.find(LogColumnKind::line) == nullptr)
      return corrupted("row group without times or lines");
    group.rest_keys.resize(TRY(fields.count(1, "number of keys in the rest")));
    if (group.rest_keys.size() > kRestKeysMax) return corrupted("too many keys in the rest");
    for (std::uint32_t& key : group.rest_keys) {
      key = TRY(fields.small(keys, "key in the rest"));
      if (key == keys) return corrupted("key in the rest without a name");
    }
  }
  if (row != directory.totals.rows || offset != data_bytes)
    return corrupted("row groups hold " + std::to_string(row) + " rows in " + std::to_string(offset) +
                     " bytes, the block " + std::to_string(directory.totals.rows) + " in " +
                     std::to_string(data_bytes));
  return fields.end();
}

// --- runs ---

std::string encode_runs(const LogDirectory& directory) {
  std::string out;
  std::uint32_t stream = 0;
  for (const LogGroup& group : directory.groups) {
    put_varint(out, group.runs);
    for (std::uint32_t i = 0; i < group.runs; ++i) {
      const LogRun& run = directory.runs[group.first_run + i];
      put_varint(out, zigzag(std::int64_t{run.stream} - std::int64_t{stream}));
      put_varint(out, run.rows);
      put_times(out, group.oldest_ns, run.oldest_ns, run.newest_ns);
      stream = run.stream;
    }
  }
  return out;
}

Result<void> decode_runs(std::string_view bytes, LogDirectory& directory) {
  Fields fields(bytes);
  // Of each stream: the newest time so far.
  std::vector<std::int64_t> newest(directory.streams.size(), std::numeric_limits<std::int64_t>::min());
  std::vector<std::uint64_t> rows(directory.streams.size(), 0);
  std::int64_t stream = 0;
  for (LogGroup& group : directory.groups) {
    group.first_run = static_cast<std::uint32_t>(directory.runs.size());
    std::uint32_t end = group.first_row + group.rows;
    std::uint32_t row = group.first_row;
    group.runs = static_cast<std::uint32_t>(TRY(fields.count(4, "number of runs")));
    for (std::uint32_t i = 0; i < group.runs; ++i) {
      LogRun run;
      std::int64_t step = unzigzag(TRY(fields.number(2 * kU32Max, "step to a stream")));
      stream += step;
      if (stream < 0 || static_cast<std::uint64_t>(stream) >= directory.streams.size())
        return corrupted("run of stream " + std::to_string(stream));
      run.stream = static_cast<std::uint32_t>(stream);
      run.first_row = row;
      run.rows = TRY(fields.small(end - row, "rows of a run"));
      row += run.rows;
      TRY(fields.times(group.oldest_ns, run.oldest_ns, run.newest_ns));
      const LogBlockStream& of = directory.streams[run.stream];
      if (run.rows == 0 || of.tenant != group.tenant || run.oldest_ns < newest[run.stream] ||
          run.oldest_ns < std::max(group.oldest_ns, of.oldest_ns) ||
          run.newest_ns > std::min(group.newest_ns, of.newest_ns))
        return corrupted("run of stream " + std::to_string(stream) + " is out of place");
      newest[run.stream] = run.newest_ns;
      rows[run.stream] += run.rows;
      directory.runs.push_back(run);
    }
    if (row != end) return corrupted("runs do not hold all rows of a row group");
  }
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i] != directory.streams[i].rows) return corrupted("runs do not hold all rows of a stream");
  return fields.end();
}

}  // namespace

std::size_t LogColumn::page_of(std::uint32_t row) const {
  auto after = std::ranges::upper_bound(pages, row, {}, &LogPagePlace::first_row);
  return static_cast<std::size_t>(after - pages.begin()) - 1;
}

const LogColumn* LogGroup::find(LogColumnKind kind) const {
  for (const LogColumn& column : columns)
    if (column.kind == kind) return &column;
  return nullptr;
}

Result<void> LogDirectory::write(BlockWriter& writer) const {
  TRY(writer.add_whole(kLogGroups, encode_groups(*this)));
  TRY(writer.add_whole(kLogRuns, encode_runs(*this)));
  TRY(writer.add_whole(kLogStreams, encode_streams(*this)));
  return writer.add_whole(kLogTotals, encode_totals(*this));
}

Result<LogDirectory> LogDirectory::read(const BlockFile& file) {
  LogDirectory directory;
  const Section* data = file.find(kLogData);
  if (data == nullptr) return Error(Code::corrupted, "block " + file.name() + ": has no data");
  auto in_block = [&](Result<void> done, SectionTag tag) {
    if (done) return done;
    return Result<void>(Error(Code::corrupted, "block " + file.name() + ", section " + tag_text(tag) + ": " +
                                                   done.error().message()));
  };
  TRY(in_block(decode_totals(TRY(file.whole(kLogTotals)), directory), kLogTotals));
  TRY(in_block(decode_streams(TRY(file.whole(kLogStreams)), directory), kLogStreams));
  TRY(in_block(decode_groups(TRY(file.whole(kLogGroups)), data->bytes, directory), kLogGroups));
  TRY(in_block(decode_runs(TRY(file.whole(kLogRuns)), directory), kLogRuns));
  return directory;
}

std::optional<std::uint32_t> LogDirectory::find_tenant(const TenantId& id) const {
  auto at = std::ranges::lower_bound(tenants, id, {}, &LogBlockTenant::id);
  if (at == tenants.end() || at->id != id) return std::nullopt;
  return static_cast<std::uint32_t>(at - tenants.begin());
}

std::uint32_t LogDirectory::group_of(std::uint32_t row) const {
  auto after = std::ranges::upper_bound(groups, row, {}, &LogGroup::first_row);
  return static_cast<std::uint32_t>(after - groups.begin()) - 1;
}

std::uint32_t LogDirectory::run_of(std::uint32_t row) const {
  auto after = std::ranges::upper_bound(runs, row, {}, &LogRun::first_row);
  return static_cast<std::uint32_t>(after - runs.begin()) - 1;
}

}  // namespace weft::storage::block
