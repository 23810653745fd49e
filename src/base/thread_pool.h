#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace weft {

// A fixed number of threads that run tasks in the order they came. Thread-safe.
// A task that throws a Bug is logged and counted; the thread goes on.
class ThreadPool {
 public:
  // `name` shows in ps and debuggers (15 characters). At most `queue_max` tasks wait.
  ThreadPool(const char* name, std::size_t threads, std::size_t queue_max);
  ~ThreadPool();  // stop()

  // False: the queue is full or the pool has stopped; the task was not taken.
  [[nodiscard]] bool submit(std::function<void()> task);

  // Runs what waits, then joins the threads. Idempotent.
  void stop();

  std::size_t threads() const;
  std::size_t waiting() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
