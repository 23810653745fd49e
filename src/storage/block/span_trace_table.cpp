#include "storage/block/span_trace_table.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "storage/block/encoding_fixed.h"
#include "storage/block/encoding_integer.h"

namespace weft::storage::block {
namespace {

constexpr std::array<const char*, kTraceColumns> kNames{"id",     "spans", "start",        "duration",
                                                        "errors", "flags", "root service", "root name"};

Error corrupted(std::string what) {
  return Error(Code::corrupted, std::move(what));
}

Error in_column(const Error& error, const BlockFile& file, const TracePage& page, std::size_t column) {
  return error.in_context(file.name() + ": traces from " + std::to_string(page.first_trace) + ": column " +
                          kNames[column]);
}

std::uint64_t offset_of(const TracePage& page, std::size_t column) {
  std::uint64_t offset = page.offset;
  for (std::size_t i = 0; i < column; ++i) offset += page.chunk_bytes[i];
  return offset;
}

Result<void> take_values(std::string_view bytes, std::size_t count, Zstd& zstd, PageBuffer& buffer,
                         std::vector<std::uint64_t>& out) {
  PageView page = TRY(take_page(bytes, zstd, buffer));
  out.clear();
  TRY(decode_integers(page, out));
  if (out.size() != count || !bytes.empty())
    return corrupted(std::to_string(out.size()) + " values for " + std::to_string(count) + " traces");
  return {};
}

Result<void> take_ids(std::string_view bytes, std::size_t count, Zstd& zstd, PageBuffer& buffer,
                      std::vector<TraceId>& out) {
  PageView page = TRY(take_page(bytes, zstd, buffer));
  TRY(decode_fixed(page, out));
  if (out.size() != count || !bytes.empty())
    return corrupted(std::to_string(out.size()) + " ids for " + std::to_string(count) + " traces");
  return {};
}

Result<void> take_names(std::string_view bytes, std::size_t count, Zstd& zstd, std::vector<StringPage>& pages,
                        std::vector<std::string_view>& out) {
  while (!bytes.empty()) {
    StringPage& page = pages.emplace_back();
    TRY(page.decode(bytes, zstd));
    if (page.size() == 0 || page.size() > count - out.size())
      return corrupted("names for more than " + std::to_string(count) + " traces");
    page.append_to(out);
  }
  if (out.size() == count) return {};
  return corrupted(std::to_string(out.size()) + " names for " + std::to_string(count) + " traces");
}

}  // namespace

void TracePageWriter::add(const TraceFragment& trace, const TraceRoot& root) {
  traces_.push_back(trace);
  services_.push_back(root.service.substr(0, kTraceNameBytesMax));
  names_.push_back(root.name.substr(0, kTraceNameBytesMax));
  name_bytes_ += services_.back().size() + names_.back().size();
}

Result<TracePage> TracePageWriter::encode(std::string& out) {
  CHECK(!traces_.empty());
  TracePage page;
  page.traces = static_cast<std::uint32_t>(traces_.size());
  page.first_row = traces_.front().first_row;
  page.start_min = std::numeric_limits<std::uint64_t>::max();
  for (const TraceFragment& trace : traces_) {
    page.start_min = std::min(page.start_min, trace.start_ns);
    page.start_max = std::max(page.start_max, trace.start_ns);
    page.end_max = std::max(page.end_max, trace.end_ns);
  }
  std::size_t before = out.size();
  auto end_column = [&](TraceColumn column) {
    page.chunk_bytes[static_cast<std::size_t>(column)] = static_cast<std::uint32_t>(out.size() - before);
    before = out.size();
  };
  std::vector<TraceId> ids;
  for (const TraceFragment& trace : traces_) ids.push_back(trace.id);
  encode_fixed(std::span<const TraceId>(ids), out);
  end_column(TraceColumn::id);
  std::vector<std::uint64_t> values;
  auto integers = [&](TraceColumn column, auto&& value) {
    values.clear();
    for (const TraceFragment& trace : traces_) values.push_back(value(trace));
    encode_integers(std::span<const std::uint64_t>(values), out);
    end_column(column);
  };
  integers(TraceColumn::spans, [](const TraceFragment& t) { return t.spans; });
  integers(TraceColumn::start, [](const TraceFragment& t) { return t.start_ns; });
  integers(TraceColumn::duration, [](const TraceFragment& t) { return t.end_ns - t.start_ns; });
  integers(TraceColumn::errors, [](const TraceFragment& t) { return t.errors; });
  integers(TraceColumn::flags, [](const TraceFragment& t) { return t.flags; });
  auto names = [&](TraceColumn column, std::span<const std::string_view> texts) -> Result<void> {
    while (!texts.empty()) {
      std::size_t count = strings_in_page(texts);
      TRY(strings_.encode(texts.first(count), out));
      texts = texts.subspan(count);
    }
    end_column(column);
    return {};
  };
  TRY(names(TraceColumn::root_service, services_));
  TRY(names(TraceColumn::root_name, names_));
  traces_.clear();
  services_.clear();
  names_.clear();
  name_bytes_ = 0;
  return page;
}

Result<std::vector<TraceFragment>> read_trace_page(const BlockFile& file, const TracePage& page,
                                                   std::uint32_t rows) {
  constexpr std::size_t kNumbers = static_cast<std::size_t>(TraceColumn::flags) + 1;
  std::vector<ByteRange> ranges;
  for (std::size_t c = 0; c < kNumbers; ++c) ranges.push_back({offset_of(page, c), page.chunk_bytes[c]});
  std::vector<std::string> chunks = TRY(file.parts(kTraceTable, ranges));
  Zstd zstd;
  PageBuffer buffer;
  std::vector<TraceId> ids;
  if (auto done = take_ids(chunks[0], page.traces, zstd, buffer, ids); !done)
    return in_column(done.error(), file, page, 0);
  std::array<std::vector<std::uint64_t>, kNumbers> values;
  for (std::size_t c = 1; c < kNumbers; ++c)
    if (auto done = take_values(chunks[c], page.traces, zstd, buffer, values[c]); !done)
      return in_column(done.error(), file, page, c);
  auto column = [&](TraceColumn c) -> const auto& { return values[static_cast<std::size_t>(c)]; };
  std::vector<TraceFragment> traces(page.traces);
  std::uint64_t row = page.first_row;
  for (std::size_t i = 0; i < traces.size(); ++i) {
    TraceFragment& trace = traces[i];
    std::uint64_t spans = column(TraceColumn::spans)[i];
    std::uint64_t errors = column(TraceColumn::errors)[i];
    std::uint64_t flags = column(TraceColumn::flags)[i];
    if (spans == 0 || spans > rows - row || errors > spans || flags > 7)
      return in_column(corrupted("trace of " + std::to_string(spans) + " spans from row " +
                                 std::to_string(row) + " of " + std::to_string(rows)),
                       file, page, static_cast<std::size_t>(TraceColumn::spans));
    trace.id = ids[i];
    trace.first_row = static_cast<std::uint32_t>(row);
    trace.spans = static_cast<std::uint32_t>(spans);
    trace.start_ns = column(TraceColumn::start)[i];
    trace.end_ns = trace.start_ns + column(TraceColumn::duration)[i];
    trace.errors = static_cast<std::uint32_t>(errors);
    trace.flags = static_cast<std::uint8_t>(flags);
    row += spans;
  }
  return traces;
}

Result<TraceRoots> read_trace_roots(const BlockFile& file, const TracePage& page) {
  constexpr auto kService = static_cast<std::size_t>(TraceColumn::root_service);
  constexpr auto kName = static_cast<std::size_t>(TraceColumn::root_name);
  ByteRange ranges[] = {{offset_of(page, kService), page.chunk_bytes[kService]},
                        {offset_of(page, kName), page.chunk_bytes[kName]}};
  std::vector<std::string> chunks = TRY(file.parts(kTraceTable, ranges));
  TraceRoots roots;
  Zstd zstd;
  if (auto done = take_names(chunks[0], page.traces, zstd, roots.pages, roots.services); !done)
    return in_column(done.error(), file, page, kService);
  if (auto done = take_names(chunks[1], page.traces, zstd, roots.pages, roots.names); !done)
    return in_column(done.error(), file, page, kName);
  return roots;
}

}  // namespace weft::storage::block
