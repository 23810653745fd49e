#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/random.h"
#include "model/log_batch.h"
#include "model/span_batch.h"
#include "wire/otlp.h"

// The standard load of `weft bench`, so that figures of different days can be compared. Pure and
// deterministic: the same options give the same bytes.
//
// Logs   lines of about 220 B (json, or mixed: half json, a quarter logfmt, a quarter plain), each with
//        a random trace id that 6 lines share and a random span id of its own; 80 streams of 8
//        services with 10 pods; a batch has 2000 lines in 8 streams, one pod of every service.
// Spans  of about 320 B with 8 to 10 attributes of mixed cardinality; 6 a trace, over 6 services; a
//        batch has 100 traces.
// Both   spread evenly over one hour of event time, in order.

namespace weft::app {

enum class LineKind : std::uint8_t { mixed, json };
enum class LoadProtocol : std::uint8_t { loki, otlp_http, otlp_grpc };

struct LoadOptions {
  std::uint64_t seed = 1;
  std::int64_t start_ns = 0;  // of the event time
  std::int64_t length_ns = 3'600'000'000'000;
  std::size_t rows = 1'000'000;  // rounded up to whole batches
  LineKind kind = LineKind::mixed;
};

inline constexpr std::size_t kLoadLinesPerBatch = 2000;
inline constexpr std::size_t kLoadSpansPerBatch = 600;
inline constexpr std::string_view kLoadNamespace = "bench";

// One request, encoded.
struct LoadBody {
  std::string bytes;
  std::size_t rows = 0;
  std::size_t raw_bytes = 0;  // logs: of the lines; spans: of the OTLP message
};

// Makes the batches one after the other. One thread.
class LogLoad {
 public:
  explicit LogLoad(const LoadOptions& options);
  std::size_t batches() const { return batches_; }
  // The next batch; its text lives in batch.arena.
  void next(LogBatch& batch);

 private:
  LoadOptions options_;
  std::size_t batches_;
  std::size_t made_ = 0;
  Random random_;
  TraceId trace_id_;
};

class SpanLoad {
 public:
  explicit SpanLoad(const LoadOptions& options);
  std::size_t batches() const { return batches_; }
  void next(SpanBatch& batch);

 private:
  LoadOptions options_;
  std::size_t batches_;
  std::size_t made_ = 0;
  Random random_;
};

// The lines of a batch as OTLP records: one resource a stream, the line as body, ids beside it.
// Views into `batch`.
void otlp_logs_of(const LogBatch& batch, wire::OtlpLogs& logs);

// All requests of a load. LoadProtocol::loki: snappy-compressed protobuf (logs only); else OTLP
// protobuf as it is.
std::vector<LoadBody> encode_log_load(const LoadOptions& options, LoadProtocol protocol);
std::vector<LoadBody> encode_span_load(const LoadOptions& options);

}  // namespace weft::app
