#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "model/ids.h"
#include "model/labels.h"
#include "model/limits.h"

// Which traces a log row belongs to and may be looked up by (reference: storage.md §3.1, §3.7).
//
// The linked trace is *the* trace of a row, from places that say so: a field whose name, in lower
// case and without _ - . / is one of a list, or the [application,trace,span] of Spring. Candidate
// ids are everything that looks like a 128-bit id, whatever its name; they only speed up searches,
// so the set must hold every id that a search may ask for, or be marked as overflown.

namespace weft::ingest {

// What the name of a field says about its value.
enum class IdField : unsigned char { none, trace, span };
IdField id_field(std::string_view name);

// The ids of one row. Plain data; make a new one for each row.
struct RowIds {
  TraceId trace_id;  // linked; zero: none
  SpanId span_id;
  std::array<TraceId, kCandidateIdsMax> candidates;  // unique, in order of appearance
  std::size_t count = 0;
  bool overflow = false;  // there may be more ids than `candidates`

  void add(const TraceId& id);
};

// Adds what structured metadata tells. A linked trace or span that is set already stays; call this
// before find_ids_in_line(), since metadata counts for more.
void find_ids_in_metadata(std::span<const Label> metadata, RowIds& ids);

// Adds what the line tells, in any of JSON, logfmt and plain text: 32 hex digits, dashed UUIDs,
// and after a trace id's name also 16 hex digits, Datadog's decimals, traceparent, b3, Jaeger's
// and X-Ray's forms.
void find_ids_in_line(std::string_view line, RowIds& ids);

}  // namespace weft::ingest
