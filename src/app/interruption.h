#pragma once

#include <csignal>
#include <cstdint>

namespace weft::app {

// Waits for SIGINT and SIGTERM where another program would sleep, so that Ctrl-C ends a client
// command between two requests, with its totals printed. Both signals are blocked for this thread
// while the object lives (create it before other threads). One thread.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  // Waits so long at most; true: asked to end, now or before.
  bool within(std::int64_t ns);

 private:
  sigset_t signals_;
  sigset_t before_;
  bool happened_ = false;
};

}  // namespace weft::app
