#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "net/server/connection.h"
#include "net/server/core.h"

namespace weft::net {

// One thread that waits on the sockets of its connections. Thread-safe where it says so.
class Loop {
 public:
  static Result<std::unique_ptr<Loop>> create(std::shared_ptr<Core> core);
  ~Loop();  // join()
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Accepts on `listener` (not owned, non-blocking) and deals the connections out to `loops`.
  // Before start().
  Result<void> accept_from(int listener, std::vector<Loop*> loops);
  void start();

  // Takes a socket. Thread-safe.
  void add(int fd, std::string peer);
  // Takes no new connections and stops those that are there. Thread-safe.
  void stop_connections();
  // Ends the thread and closes every connection.
  void join();

 private:
  Loop(std::shared_ptr<Core> core, int epoll, int wake, int spare);
  void run();
  void accept_all();
  void tick();
  void forget(Connection* connection);
  std::shared_ptr<Connection> erase(Connection* connection);
  std::vector<std::shared_ptr<Connection>> all();
  int wait_ms() const;

  const std::shared_ptr<Core> core_;
  const int epoll_;
  const int wake_;  // an eventfd
  int spare_;       // a descriptor to give up when there are none left
  int listener_ = -1;
  std::vector<Loop*> loops_;  // for accepted connections
  std::size_t next_loop_ = 0;
  std::atomic<bool> ending_{false};
  // Kept to the end of a round, whose events may still name them. The loop's thread.
  std::vector<std::shared_ptr<Connection>> ended_;

  std::mutex mutex_;
  bool stopped_ = false;                                                      // under mutex_
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;  // under mutex_
  std::jthread thread_;
};

}  // namespace weft::net
