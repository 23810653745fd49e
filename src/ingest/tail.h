#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/log_batch.h"
#include "model/tenant.h"

// Log rows for those who follow them live: a tap in the write path.
//
// The alternative was to look into the store again and again. Rows may arrive hours late (an agent
// that was cut off), so a look that reaches back for some seconds loses rows, and one that does not
// must remember everything it has shown. Here a follower gets each row when it is acknowledged,
// whatever its time: nothing is lost while the queue has room, nothing comes twice, and nobody pays
// while nobody follows (one load of a pointer per push).
//
// What was there before is read from a snapshot. So that no row falls between the two, follow()
// returns when every push that began without knowing the follower has ended: a snapshot taken after
// that has their rows. Rows that the follower gets and that are also in the snapshot are those with a
// sequence up to Tail::sequence(), read after the snapshot was taken.

namespace weft::ingest {

// What may wait for followers, all tenants together.
inline constexpr std::size_t kTailBytesMax = std::size_t{64} << 20;

// A copy of the rows of one acknowledged push. Immutable; text lives in the batch.
struct TailedRows {
  TenantId tenant;
  std::uint64_t sequence = 0;  // in the order in which pushes began
  LogBatch batch;              // without candidate ids

  ~TailedRows();
  std::size_t bytes = 0;  // counted in `held` while this lives
  std::shared_ptr<std::atomic<std::size_t>> held;
};
using TailedRowsPointer = std::shared_ptr<const TailedRows>;

// Rows that followers do not get, because too much was waiting: the newest of one stream of a push.
struct LostRows {
  TenantId tenant;
  LabelSet labels;
  std::int64_t time_ns = 0;
};

// Somebody who follows one tenant's rows.
class Follower {
 public:
  virtual ~Follower() = default;
  // What was acknowledged and what was lost since the last call; called several times a second,
  // with nothing if there is nothing. Never concurrently. False: wants no more.
  virtual bool receive(std::span<const TailedRowsPointer> rows, std::span<const LostRows> lost) = 0;
  // True: wants no more and does not count as a follower. Thread-safe.
  virtual bool gone() const = 0;
};

// Hands rows from the write path to followers, on a thread of its own. Thread-safe.
class Tail {
 private:
  struct Followers;
  struct Shared;

 public:
  // What a push keeps from its beginning until its rows are acknowledged. Copies are one ticket.
  class Ticket {
   public:
    Ticket() = default;
    ~Ticket() { release(); }
    Ticket(const Ticket&) = default;
    Ticket(Ticket&&) noexcept = default;
    Ticket& operator=(const Ticket&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    // The rows are acknowledged: followers may have them. Never blocks. Once.
    void publish();

   private:
    friend Tail;
    void release();
    std::shared_ptr<Shared> shared_;
    std::shared_ptr<const Followers> seen_;
    TailedRowsPointer rows_;
    std::shared_ptr<const std::vector<LostRows>> lost_;
  };

  // Metrics: weft_tail_followers, weft_tail_dropped_rows_total.
  Tail(std::size_t bytes_max, Registry& metrics);
  ~Tail();  // forgets the followers
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  // Before the rows are appended. Copies them when somebody follows the tenant and there is room.
  Ticket begin(const TenantId& tenant, const LogBatch& batch);

  // Every row acknowledged from now on goes to `follower`. Waits for the pushes under way; see above.
  // Errors: resource_exhausted when the tenant has `followers_max` (0: no limit) already, in Loki's
  // words; unavailable when writes do not end; cancelled when `cancelled` says so.
  Result<void> follow(const TenantId& tenant, std::shared_ptr<Follower> follower, std::size_t followers_max,
                      const std::function<bool()>& cancelled);

  // The sequence of the push that began last.
  std::uint64_t sequence() const;

 private:
  void run(const std::stop_token& stop);
  void deliver(const std::vector<TailedRowsPointer>& rows, const std::vector<LostRows>& lost);
  void forget(const std::vector<const Follower*>& done);

  std::size_t bytes_max_;
  Counter& dropped_rows_;
  Gauge& follower_count_;
  std::shared_ptr<Shared> shared_;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace weft::ingest
