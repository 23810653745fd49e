#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ingest/refusals.h"
#include "model/limits.h"
#include "model/log_batch.h"

namespace weft::ingest {

// What happens to a stream without any label: Loki refuses it when it was pushed, and gives it a
// service_name when it came by OTLP.
enum class Unlabelled : unsigned char { stays, gets_service_name };

// Puts the labels of every stream into their final form: no empty values, sorted by name, with
// service_name if `service_labels` is not empty and the stream has none. `discovered[i]` says
// whether stream i got one.
void normalise_labels(LogBatch& batch, std::span<const std::string> service_labels, Unlabelled unlabelled,
                      std::vector<std::uint8_t>& discovered);

struct LogChecks {
  const Limits& limits;
  std::int64_t now_ns = 0;
  std::size_t extra_labels = 0;  // over limits.label_names_per_stream_max (OTLP's index attributes)
};

// Holds every stream and entry to the limits, with Loki's words and in Loki's order: labels of the
// stream, then age, length and metadata of each entry. Positions are indexes of batch.entries.
void check_logs(const LogBatch& batch, std::span<const std::uint8_t> discovered, const LogChecks& checks,
                Refusals& refusals);

// Takes refused entries out of the batch, and streams that have none left.
void remove_refused(LogBatch& batch, const Refusals& refusals);

}  // namespace weft::ingest
