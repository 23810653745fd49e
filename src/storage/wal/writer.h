#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/metrics.h"
#include "base/result.h"
#include "storage/store.h"
#include "storage/wal/record.h"

namespace weft::storage::wal {

// segment-0000000001.wal, and what a file name says; 0 for any other name.
std::string segment_name(std::uint32_t number);
std::uint32_t segment_number(std::string_view name);
// Segments whose content is no longer needed wait under such names for their next life.
bool is_spare_name(std::string_view name);

// Writes records in order, on a thread of its own. While one sync runs, the next records gather;
// one sync then covers them all. Thread-safe.
//
// A full disk refuses: everything that waits fails with resource_exhausted, and so does add()
// until a later probe (caused by an add()) finds space. Any other failed write, and every failed
// sync, is final: what the device holds is unknown from then on, and asking it again would be
// answered wrongly (the kernel forgets that pages were dirty).
class Writer {
 public:
  struct Options {
    std::string directory;
    Durability durability = Durability::sync;
    std::int64_t sync_interval_ns = 0;
    std::uint64_t segment_bytes = 0;
    std::size_t queue_bytes_max = std::size_t{256} << 20;
    std::size_t spares_max = 4;
  };
  // Called once, on the writer's thread, in the order of add(): the place of the record, once it is
  // as durable as the mode promises; or why it is not.
  using Done = std::function<void(const Result<Lsn>&)>;

  Writer(Options options, FileSystem& files, Registry& metrics);
  ~Writer();  // close()

  // Begins to write, into a new segment. `previous_end`: where the log ended.
  void start(std::uint32_t first_segment, Lsn previous_end);

  // Whether add() would take a record of that size now; on a full disk, causes a probe. Errors:
  // resource_exhausted (disk full, queue full), unavailable (not started, failed, closed).
  Result<void> admit(std::size_t record_bytes);
  // Takes an encoded record. Errors as above, and then `done` is not called. Between a good admit()
  // and an add() of one caller the log can only stop altogether.
  Result<void> add(std::string record, Done done);

  bool writable() const;

  // Gives up segments before this number, and never the one that is being written.
  Result<void> release_before(std::uint32_t segment);

  // Writes what waits, syncs, ends the thread. Errors: unavailable when the log has failed.
  Result<void> close();

 private:
  enum class State : std::uint8_t { stopped, running, full, failed, closed };
  struct Entry {
    std::string record;
    Done done;
  };
  struct Metrics {
    explicit Metrics(Registry& registry);
    Counter& frames;
    Counter& bytes;
    Histogram& sync_seconds;
    Gauge& failed;
  };

  Result<void> check_admission(std::size_t record_bytes);  // requires mutex_
  void run();
  void write(std::vector<Entry>& batch);
  // Writes entries [begin, end) to the current segment and makes them as durable as promised.
  Result<void> write_run(std::vector<Entry>& batch, std::size_t begin, std::size_t end);
  // Opens the next segment, with room for a record of that size.
  Result<void> roll(std::size_t record_bytes);
  Result<void> prepare_segment(const std::string& path, std::uint64_t size);
  Result<void> sync();
  void probe();
  // Refuses batch[begin...] and everything that waits.
  void refuse(std::vector<Entry>& batch, std::size_t begin, const Error& error);
  std::string take_spare();

  const Options options_;
  FileSystem& files_;
  Metrics metrics_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable work_;
  State state_ = State::stopped;
  std::vector<Entry> queue_;
  std::size_t queue_bytes_ = 0;
  bool probe_wanted_ = false;
  bool closing_ = false;
  std::vector<std::string> spares_;
  std::uint32_t number_ = 0;  // of the current segment
  std::string why_;           // not running

  // The thread's.
  std::unique_ptr<File> file_;
  std::uint64_t position_ = 0;
  std::uint64_t size_ = 0;
  std::uint32_t next_number_ = 0;
  Lsn previous_end_ = 0;
  Lsn durable_end_ = 0;
  bool dirty_ = false;
  bool sync_failed_ = false;
  bool roll_failed_ = false;
  std::int64_t synced_at_ = 0;
  std::int64_t probed_at_ = 0;
  std::string buffer_;
  std::jthread thread_;
};

}  // namespace weft::storage::wal
