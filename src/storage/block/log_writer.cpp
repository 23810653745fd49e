#include "storage/block/log_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/hash.h"
#include "model/time.h"
#include "storage/block/bloom.h"
#include "storage/block/id_dictionary.h"

namespace weft::storage::block {
namespace {

constexpr std::int64_t kBucketMinNs = 5 * 60 * kNsPerSecond;
constexpr double kRowsPerBucket = 1'000'000;
// Id pages are handed on when there are so many bytes of them.
constexpr std::size_t kIdBytesPerAppend = std::size_t{1} << 20;
// From so many rows of one time on, equal ones are found by hash.
constexpr std::size_t kCompareAllMax = 8;

const TraceId kNoId;

std::uint64_t big_endian(const std::uint8_t* bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

TraceId id_from(std::uint64_t high, std::uint64_t low) {
  TraceId id;
  high = __builtin_bswap64(high);
  low = __builtin_bswap64(low);
  std::memcpy(id.bytes.data(), &high, sizeof high);
  std::memcpy(id.bytes.data() + sizeof high, &low, sizeof low);
  return id;
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

}  // namespace

LogBlockWriter::LogBlockWriter(const LogBlockOptions& options) : options_(options) {
  CHECK(options.group_rows > 0 && options.group_rows <= kGroupRowsMax);
  CHECK(options.page_rows > 0 && options.page_rows <= kPageValuesMax);
  CHECK(options.page_bytes <= kPageBytesTarget && options.bucket_ns >= 0);
}

std::uint32_t LogBlockWriter::add_stream(const TenantId& tenant, const LabelSet& labels) {
  std::uint32_t number =
      tenants_.try_emplace(tenant, static_cast<std::uint32_t>(tenants_.size())).first->second;
  std::uint64_t hash = hash_combine(labels.hash(), number);
  auto [begin, end] = stream_numbers_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    const Stream& stream = streams_[at->second];
    if (stream.tenant == number && stream.labels == labels) return at->second;
  }
  auto stream = static_cast<std::uint32_t>(streams_.size());
  stream_numbers_.emplace(hash, stream);
  streams_.push_back({number, labels});
  return stream;
}

std::uint32_t LogBlockWriter::add(const LogBlockRow& row) {
  CHECK(row.stream < streams_.size() && rows_.size() < std::numeric_limits<std::uint32_t>::max() - 1);
  auto number = static_cast<std::uint32_t>(rows_.size());
  Row& own = rows_.emplace_back();
  own.time_ns = row.time_ns;
  own.line = row.line.data();
  own.line_bytes =
      static_cast<std::uint32_t>(std::min<std::size_t>(row.line.size(), kSingleValueBytesMax + 1));
  own.metadata = row.metadata.data();
  own.metadata_bytes =
      static_cast<std::uint32_t>(std::min<std::size_t>(row.metadata.size(), kSingleValueBytesMax + 1));
  own.stream = row.stream;
  own.any_id = row.ids_overflow;
  raw_bytes_ += row.line.size() + row.metadata.size();
  if (!row.trace_id.is_zero() || !row.span_id.is_zero()) {
    links_.push_back({row.trace_id, row.span_id});
    own.link = static_cast<std::uint32_t>(links_.size());
  }
  if (!row.trace_id.is_zero())
    uses_.push_back({big_endian(row.trace_id.bytes.data()), big_endian(row.trace_id.bytes.data() + 8), number,
                     IdUse::Kind::trace});
  for (const TraceId& id : row.ids) add_id(number, id);
  return number;
}

void LogBlockWriter::add_id(std::uint32_t row, const TraceId& id) {
  Row& own = rows_[row];
  if (id.is_zero() || id == trace_of(own) || id == other_of(own)) return;
  IdUse::Kind kind = own.other == 0 ? IdUse::Kind::other : IdUse::Kind::more;
  if (kind == IdUse::Kind::other) {
    others_.push_back(id);
    own.other = static_cast<std::uint32_t>(others_.size());
  } else {
    own.more_ids = true;
  }
  uses_.push_back({big_endian(id.bytes.data()), big_endian(id.bytes.data() + 8), row, kind});
}

const TraceId& LogBlockWriter::trace_of(const Row& row) const {
  return row.link == 0 ? kNoId : links_[row.link - 1].trace_id;
}
const TraceId& LogBlockWriter::other_of(const Row& row) const {
  return row.other == 0 ? kNoId : others_[row.other - 1];
}

Result<LogBlockSummary> LogBlockWriter::write(ObjectWriter& out) {
  if (rows_.empty()) return Error(Code::invalid_argument, "a block needs a row at least");
  sort_streams();
  sort_rows();
  cut_groups();
  number_ids();
  BlockWriter block(BlockKind::logs, out);
  TRY(write_groups(block));
  TRY(write_ids(block));
  add_totals();
  TRY(directory_.write(block));
  LogBlockSummary summary;
  summary.extent = TRY(block.finish({}));
  summary.totals = directory_.totals;
  summary.tenants = directory_.tenants;
  summary.duplicates = rows_.size() - order_.size();
  return summary;
}

// --- order ---

// Similar streams side by side: by tenant, service, namespace, all labels.
void LogBlockWriter::sort_streams() {
  struct Place {
    std::uint32_t tenant;
    std::string_view service;
    std::string_view name_space;
    std::string text;
    std::uint32_t stream;
    auto key() const { return std::tie(tenant, service, name_space, text); }
  };
  std::vector<std::uint32_t> tenant_places(tenants_.size());
  for (std::uint32_t place = 0; const auto& [id, number] : tenants_) {
    tenant_places[number] = place++;
    directory_.tenants.push_back({.id = id});
  }
  std::vector<bool> used(streams_.size());
  for (const Row& row : rows_) used[row.stream] = true;
  std::vector<Place> places;
  for (std::uint32_t i = 0; i < streams_.size(); ++i) {
    if (!used[i]) continue;
    const LabelSet& labels = streams_[i].labels;
    places.push_back({tenant_places[streams_[i].tenant], labels.get("service_name"), labels.get("namespace"),
                      labels.to_string(), i});
  }
  std::ranges::sort(places, [](const Place& a, const Place& b) { return a.key() < b.key(); });
  stream_places_.resize(streams_.size());
  for (const Place& place : places) {
    stream_places_[place.stream] = static_cast<std::uint32_t>(directory_.streams.size());
    directory_.streams.push_back({.tenant = place.tenant, .labels = streams_[place.stream].labels});
    ++directory_.tenants[place.tenant].streams;
  }
  // A tenant all of whose streams are without rows is not in the block.
  std::vector<std::uint32_t> kept(directory_.tenants.size());
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < kept.size(); ++i) {
    kept[i] = count;
    if (directory_.tenants[i].streams == 0) continue;
    if (count != i) directory_.tenants[count] = std::move(directory_.tenants[i]);
    ++count;
  }
  directory_.tenants.resize(count);
  for (LogBlockStream& stream : directory_.streams) stream.tenant = kept[stream.tenant];
}

// Five minutes, or the width in which there are a million rows if that is more.
std::int64_t LogBlockWriter::choose_bucket() const {
  if (options_.bucket_ns > 0) return options_.bucket_ns;
  auto [oldest, newest] = std::ranges::minmax(rows_, {}, &Row::time_ns);
  double length = static_cast<double>(newest.time_ns) - static_cast<double>(oldest.time_ns);
  double width = length * (kRowsPerBucket / static_cast<double>(rows_.size()));
  constexpr double kWidthMax = 9e18;
  return std::max(kBucketMinNs, static_cast<std::int64_t>(std::min(width, kWidthMax)));
}

void LogBlockWriter::sort_rows() {
  std::int64_t bucket_ns = choose_bucket();
  directory_.totals.bucket_ns = bucket_ns;
  // By stream, as they came; then every stream by time, which most are already.
  std::vector<std::uint32_t> ends(directory_.streams.size() + 1, 0);
  for (const Row& row : rows_) ++ends[stream_places_[row.stream] + 1];
  for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
  std::vector<std::uint32_t> by_stream(rows_.size());
  for (std::uint32_t i = 0; i < rows_.size(); ++i) by_stream[ends[stream_places_[rows_[i].stream]]++] = i;
  auto time_of = [&](std::uint32_t row) { return rows_[row].time_ns; };
  std::vector<Piece> pieces;
  std::uint32_t begin = 0;
  for (std::uint32_t stream = 0; stream < directory_.streams.size(); ++stream) {
    std::uint32_t end = ends[stream];
    std::span rows = std::span(by_stream).subspan(begin, end - begin);
    if (!std::ranges::is_sorted(rows, {}, time_of))
      std::ranges::sort(rows, {}, [&](std::uint32_t row) { return std::pair(time_of(row), row); });
    for (; begin < end; ++begin) {
      std::int64_t bucket = floor_divide(time_of(by_stream[begin]), bucket_ns);
      bool same = !pieces.empty() && pieces.back().stream == stream && pieces.back().bucket == bucket;
      if (!same) pieces.push_back({directory_.streams[stream].tenant, bucket, stream, begin, begin});
      pieces.back().end = begin + 1;
    }
  }
  std::ranges::sort(pieces, {}, [](const Piece& p) { return std::tuple(p.tenant, p.bucket, p.stream); });
  order_.reserve(rows_.size());
  places_.resize(rows_.size());
  for (const Piece& piece : pieces) {
    for (std::uint32_t at = piece.begin; at < piece.end;) {
      std::uint32_t end = at + 1;
      while (end < piece.end && time_of(by_stream[end]) == time_of(by_stream[at])) ++end;
      keep_distinct(std::span(by_stream).subspan(at, end - at));
      at = end;
    }
  }
}

// Appends to order_ rows of one stream and one time, of equal ones the first.
void LogBlockWriter::keep_distinct(std::span<const std::uint32_t> same_time) {
  auto first = static_cast<std::uint32_t>(order_.size());
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash;  // places
  bool hashed = same_time.size() > kCompareAllMax;
  for (std::uint32_t row : same_time) {
    const Row& own = rows_[row];
    auto place = static_cast<std::uint32_t>(order_.size());
    auto is_same = [&](std::uint32_t other) { return own.has_same_content(rows_[order_[other]]); };
    std::uint32_t found = place;
    if (hashed) {
      std::uint64_t hash = hash64(own.metadata_text(), hash64(own.line_text()));
      auto [begin, end] = by_hash.equal_range(hash);
      for (auto at = begin; at != end && found == place; ++at)
        if (is_same(at->second)) found = at->second;
      if (found == place) by_hash.emplace(hash, place);
    } else {
      for (std::uint32_t other = first; other < place && found == place; ++other)
        if (is_same(other)) found = other;
    }
    places_[row] = found;
    if (found == place) order_.push_back(row);
  }
}

void LogBlockWriter::cut_groups() {
  std::size_t bytes = 0;
  std::uint32_t begin = 0;
  for (std::uint32_t place = 0; place < order_.size(); ++place) {
    const Row& row = rows_[order_[place]];
    std::size_t row_bytes = std::size_t{row.line_bytes} + row.metadata_bytes;
    bool cut =
        place > begin && (place - begin == options_.group_rows || bytes + row_bytes > options_.group_bytes ||
                          streams_[row.stream].tenant != streams_[rows_[order_[place - 1]].stream].tenant);
    if (cut) {
      group_ends_.push_back(place);
      begin = place;
      bytes = 0;
    }
    bytes += row_bytes;
  }
  group_ends_.push_back(static_cast<std::uint32_t>(order_.size()));
}

// --- ids ---

// Sorts the uses, and gives every place the ordinals of its two ids.
void LogBlockWriter::number_ids() {
  for (IdUse& use : uses_) {
    std::uint32_t place = places_[use.row];
    if (order_[place] != use.row) {
      // What a duplicate may be looked up by, the row that stands for it may be, too.
      Row& kept = rows_[order_[place]];
      TraceId id = id_from(use.high, use.low);
      kept.more_ids |= id != trace_of(kept) && id != other_of(kept);
      use.kind = IdUse::Kind::more;
    }
    use.row = place;
  }
  for (std::uint32_t row = 0; row < rows_.size(); ++row)
    rows_[order_[places_[row]]].any_id |= rows_[row].any_id;
  std::ranges::sort(uses_, [](const IdUse& a, const IdUse& b) {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return a.row < b.row;
  });
  traces_.resize(order_.size());
  other_ids_.resize(order_.size());
  std::uint32_t ordinal = 0;
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    const IdUse& use = uses_[i];
    if (i == 0 || uses_[i - 1].high != use.high || uses_[i - 1].low != use.low) ++ordinal;
    if (use.kind == IdUse::Kind::trace) traces_[use.row] = ordinal;
    if (use.kind == IdUse::Kind::other) other_ids_[use.row] = ordinal;
  }
  directory_.totals.ids = ordinal;
}

Result<void> LogBlockWriter::write_ids(BlockWriter& block) {
  block.begin(kLogIds);
  IdDictionaryWriter dictionary;
  BloomBuilder filter(std::max<std::size_t>(1, directory_.totals.ids));
  std::string pages;
  std::vector<std::uint32_t> groups;
  for (std::size_t i = 0; i < uses_.size();) {
    const IdUse& first = uses_[i];
    groups.clear();
    for (; i < uses_.size() && uses_[i].high == first.high && uses_[i].low == first.low; ++i) {
      auto after = std::ranges::upper_bound(group_ends_, uses_[i].row);
      auto group = static_cast<std::uint32_t>(after - group_ends_.begin());
      if (groups.empty() || groups.back() != group) groups.push_back(group);
    }
    TraceId id = id_from(first.high, first.low);
    TRY(dictionary.add(id, groups, pages));
    filter.insert(hash64({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}));
    if (pages.size() < kIdBytesPerAppend) continue;
    TRY(block.append(pages));
    pages.clear();
  }
  TRY(dictionary.finish(pages));
  TRY(block.append(pages));
  block.end();
  std::string filter_bytes;
  filter.append_to(filter_bytes);
  TRY(block.add_whole(kLogIdFilter, filter_bytes));
  return block.add_whole(kLogIdIndex, dictionary.index());
}

// --- row groups ---

Result<void> LogBlockWriter::write_groups(BlockWriter& block) {
  block.begin(kLogData);
  LogGroupEncoder encoder(options_);
  LogKeyTable keys;
  std::vector<LogRowContent> contents;
  std::string data;
  std::uint32_t begin = 0;
  for (std::uint32_t end : group_ends_) {
    contents.clear();
    LogGroup& group = directory_.groups.emplace_back();
    group.first_row = begin;
    group.rows = end - begin;
    for (std::uint32_t place = begin; place < end; ++place) {
      const Row& row = rows_[order_[place]];
      contents.push_back({.time_ns = row.time_ns,
                          .line = row.line_text(),
                          .metadata = row.metadata_text(),
                          .trace_id = trace_of(row),
                          .other_id = other_of(row),
                          .span_id = row.link == 0 ? SpanId() : links_[row.link - 1].span_id,
                          .trace = traces_[place],
                          .other = other_ids_[place],
                          .more_ids = row.more_ids || row.any_id});
      group.any_id |= row.any_id;
    }
    add_runs(group);
    data.clear();
    TRY(encoder.encode(contents, block.section_bytes(), keys, group, data));
    TRY(block.append(data));
    begin = end;
  }
  block.end();
  directory_.keys = keys.take();
  return {};
}

// Fills the runs and the times of a group, its tenant, and counts its rows where they belong.
void LogBlockWriter::add_runs(LogGroup& group) {
  group.first_run = static_cast<std::uint32_t>(directory_.runs.size());
  for (std::uint32_t place = group.first_row; place < group.first_row + group.rows; ++place) {
    const Row& row = rows_[order_[place]];
    std::uint32_t number = stream_places_[row.stream];
    bool is_first = directory_.runs.size() == group.first_run;
    // Within a row group, two time slices of one stream that meet are one run.
    if (is_first || directory_.runs.back().stream != number)
      directory_.runs.push_back({number, place, 0, row.time_ns, row.time_ns});
    LogRun& run = directory_.runs.back();
    ++run.rows;
    run.newest_ns = row.time_ns;
    LogBlockStream& stream = directory_.streams[number];
    if (stream.rows++ == 0) stream.oldest_ns = row.time_ns;
    stream.newest_ns = row.time_ns;
    stream.bytes += row.line_bytes;
    LogBlockTenant& tenant = directory_.tenants[stream.tenant];
    tenant.raw_bytes += std::size_t{row.line_bytes} + row.metadata_bytes;
    bool first_of_group = place == group.first_row;
    group.tenant = stream.tenant;
    group.oldest_ns = first_of_group ? row.time_ns : std::min(group.oldest_ns, row.time_ns);
    group.newest_ns = first_of_group ? row.time_ns : std::max(group.newest_ns, row.time_ns);
  }
  group.runs = static_cast<std::uint32_t>(directory_.runs.size()) - group.first_run;
}

void LogBlockWriter::add_totals() {
  LogTotals& totals = directory_.totals;
  for (const LogGroup& group : directory_.groups) {
    LogBlockTenant& tenant = directory_.tenants[group.tenant];
    tenant.oldest_ns = tenant.rows == 0 ? group.oldest_ns : std::min(tenant.oldest_ns, group.oldest_ns);
    tenant.newest_ns = tenant.rows == 0 ? group.newest_ns : std::max(tenant.newest_ns, group.newest_ns);
    tenant.rows += group.rows;
    totals.oldest_ns = totals.rows == 0 ? group.oldest_ns : std::min(totals.oldest_ns, group.oldest_ns);
    totals.newest_ns = totals.rows == 0 ? group.newest_ns : std::max(totals.newest_ns, group.newest_ns);
    totals.rows += group.rows;
    totals.raw_bytes += group.raw_bytes;
  }
}

}  // namespace weft::storage::block
