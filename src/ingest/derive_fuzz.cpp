#include "ingest/derive.h"

#include <cstdlib>

#include "ingest/log_checks.h"
#include "ingest/otlp_logs.h"
#include "ingest/pipeline.h"
#include "ingest/span_checks.h"
#include "wire/loki_push.h"
#include "wire/otlp.h"

using namespace weft;
using namespace weft::ingest;

namespace {

// Every row that is left has a stream with labels, unique metadata and ids within the list; and
// the note of what was refused says exactly that.
void check_batch(const LogBatch& batch, const Refusals& refusals, std::size_t positions) {
  std::size_t rows = 0;
  for (const LogStream& s : batch.streams) {
    if (s.labels_count == 0 || s.entries_count == 0) std::abort();
    rows += s.entries_count;
    for (const LogEntry& e : std::span(batch.entries).subspan(s.entries_begin, s.entries_count)) {
      if (e.ids_begin + std::size_t{e.ids_count} > batch.candidate_ids.size()) std::abort();
      auto metadata = batch.metadata_of(e);
      for (std::size_t i = 0; i < metadata.size() && metadata.size() < 64; ++i)
        for (std::size_t k = 0; k < i; ++k)
          if (metadata[i].name == metadata[k].name) std::abort();
    }
  }
  if (rows != batch.entries.size() || rows + refusals.marked() != positions) std::abort();
  Refusals read;
  read.begin(positions);
  if (!read.read_note(refusals.note()) || read.marked() != refusals.marked()) std::abort();
}

}  // namespace

// The first byte chooses the kind of request, the rest is its body, not compressed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  Options options;
  options.limits.metadata_bytes_max = 64;
  options.limits.line_bytes_max = 100;
  options.limits.reject_old_samples = data[0] % 2 == 0;
  LogBatch batch;
  Refusals refusals;
  std::vector<wire::RejectedStream> rejected;
  wire::OtlpLogs otlp;
  bool is_otlp = false;
  bool decoded = false;
  switch (data[0] / 2 % 5) {
    case 0: decoded = bool(wire::decode_loki_push(body, batch, rejected)); break;
    case 1: decoded = bool(wire::decode_loki_push_json(body, batch)); break;
    case 2: decoded = is_otlp = bool(wire::decode_otlp_logs(body, otlp)); break;
    case 3: decoded = is_otlp = bool(wire::decode_otlp_logs_json(body, otlp)); break;
    default: {
      SpanBatch spans;
      std::vector<wire::RejectedSpan> bad;
      std::vector<std::size_t> bytes;
      options.limits.attribute_bytes_max = 8;
      if (wire::decode_otlp_traces(body, spans, bad)) {
        cut_attributes(spans, options.limits, bytes);
        if (bytes.size() != spans.spans.size()) std::abort();
      }
      return 0;
    }
  }
  if (!decoded) return 0;
  if (is_otlp) {
    map_otlp_logs(otlp, 1, options.limits, batch, refusals);
  } else {
    refusals.begin(batch.entries.size());
  }
  std::vector<std::uint8_t> discovered;
  std::size_t positions = batch.entries.size();
  normalise_labels(batch, options.service_name_labels,
                   is_otlp ? Unlabelled::gets_service_name : Unlabelled::stays, discovered);
  check_logs(batch, discovered, {options.limits, 1'795'168'800'000'000'000}, refusals);
  derive_logs(batch, {.names_are_normal = is_otlp}, refusals);
  remove_refused(batch, refusals);
  check_batch(batch, refusals, positions);
  return 0;
}
