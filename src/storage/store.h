#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/result.h"
#include "model/log_batch.h"
#include "model/span_batch.h"
#include "storage/frame.h"
#include "storage/snapshot.h"

namespace weft::storage {

enum class Durability : std::uint8_t {
  sync,      // acknowledged after fdatasync
  interval,  // acknowledged once written; synced every sync_interval_ns
  none,      // acknowledged once in memory; written in the background
};

struct Options {
  std::string path;                                  // directory; created
  Durability durability = Durability::sync;
  std::int64_t sync_interval_ns = 1'000'000'000;
  std::uint64_t wal_segment_bytes = std::uint64_t{64} << 20;
  std::size_t head_seal_bytes = std::size_t{256} << 20;     // raw bytes after which a new head begins
  // Of all heads; above it appends are refused. 0: half of what the process may use.
  std::size_t head_memory_max = 0;
  std::int64_t log_retention_ns = 0;                        // 0: kept for ever
  std::int64_t trace_retention_ns = 0;
};

struct RecoveryReport {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;              // of frames
  std::uint64_t rows = 0;
  std::uint64_t torn_bytes = 0;         // unacknowledged tail that was cut
  std::uint64_t corrupted_frames = 0;   // acknowledged data that cannot be read: reported, skipped
  std::int64_t duration_ns = 0;
};

// Durable columns: one write-ahead log, one in-memory head per signal (and sealed older heads).
// Thread-safe.
class Store {
 public:
  // Takes the directory for this process (a lock file). Errors: unavailable when another process
  // has it; what the file system says.
  static Result<std::unique_ptr<Store>> open(Options options, FileSystem& files, const Clock& clock,
                                             Registry& metrics);
  ~Store();  // close()

  // Reads the write-ahead log and hands every whole frame, in the order of acknowledgement, to
  // `replay`, which decodes it and calls replay_logs() or replay_spans(). Once, before the first
  // append. A frame that `replay` refuses is counted as corrupted and reported.
  Result<RecoveryReport> recover(const std::function<Result<void>(const Frame&)>& replay);
  void replay_logs(const TenantId& tenant, const LogBatch& batch);
  void replay_spans(const TenantId& tenant, const SpanBatch& batch);

  // Appends one request. `done` is called once, from any thread, when the rows are durable and
  // visible to new snapshots, or with the error; batch and frame may go when append returns.
  // Errors: resource_exhausted (heads or disk full), unavailable (closing, or the log has failed).
  using Done = std::function<void(Result<void>)>;
  void append(const Frame& frame, const LogBatch& batch, Done done);
  void append(const Frame& frame, const SpanBatch& batch, Done done);

  // A consistent cut of everything acknowledged so far. Cheap.
  std::shared_ptr<const Snapshot> snapshot() const;

  // False once the log cannot take writes (full or failed disk, closing).
  bool writable() const;

  // Drops heads (and their WAL segments) that retention has overtaken. Called by a janitor.
  void enforce_retention();

  // Waits for what was appended, syncs, writes what makes the next start quick. Idempotent.
  Result<void> close();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::storage
