#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/compress.h"
#include "base/metrics.h"
#include "ingest/tail.h"
#include "model/limits.h"
#include "model/tenant.h"
#include "storage/store.h"

namespace weft::ingest {

struct Options {
  Limits limits;
  DecompressLimits decompress;
  // Loki's discovery (reference/loki.md §3.3). An empty list switches service_name off.
  std::vector<std::string> service_name_labels = {"service",
                                                  "app",
                                                  "application",
                                                  "app_name",
                                                  "name",
                                                  "app_kubernetes_io_name",
                                                  "container",
                                                  "container_name",
                                                  "k8s_container_name",
                                                  "component",
                                                  "workload",
                                                  "job",
                                                  "k8s_job_name"};
  bool discover_levels = true;
};

// What became of a request; rendered by api in the words of each protocol.
struct Outcome {
  // ok: everything was kept. Else the reason for the request as a whole (unreadable body, rate
  // limit, full disk, …) or, when `rejected` > 0, for the entries that were refused.
  // resource_exhausted without retry_after_seconds: the body is too large, waiting will not help.
  Result<void> result;
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  int retry_after_seconds = 0;
};
using Done = std::function<void(Outcome)>;

// The write path: decompress, decode, check against limits, derive (service_name, detected_level,
// trace links), append. One bad entry refuses that entry, never its neighbours. Thread-safe.
// Metrics: weft_ingest_{rows,bytes}_total{signal}, weft_ingest_rejected_rows_total{signal,reason},
// loki_discarded_samples_total{reason,tenant}, tempo_discarded_spans_total{reason,tenant},
// {loki_distributor_{bytes,lines},tempo_distributor_{bytes,spans}}_received_total{tenant},
// tempo_distributor_attributes_truncated_total.
class Pipeline {
 public:
  Pipeline(Options options, storage::Store& store, const Clock& clock, Registry& metrics);
  ~Pipeline();

  // `body` as received, of that kind and encoding. `done` is called once, from any thread, when
  // the rows are durable, or with what went wrong.
  void push(storage::FrameKind kind, Codec encoding, const TenantId& tenant, std::string body, Done done);

  // For Store::recover(): the same path without limits, refusing again exactly what was refused.
  Result<void> replay(const storage::Frame& frame);

  // Where log rows can be followed as they are acknowledged.
  Tail& tail();

  const Options& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::ingest
