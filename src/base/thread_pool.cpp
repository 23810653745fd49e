#include "base/thread_pool.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"

namespace weft {

struct ThreadPool::Impl {
  std::size_t queue_max;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  bool stopping = false;
  std::vector<std::jthread> threads;

  void work() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return stopping || !tasks.empty(); });
        if (tasks.empty()) return;
        task = std::move(tasks.front());
        tasks.pop_front();
      }
      try {
        task();
      } catch (const std::exception& e) {  // one bad task never ends the process
        LOG(error, "task failed", {"error", e.what()});
      }
    }
  }
};

ThreadPool::ThreadPool(const char* name, std::size_t threads, std::size_t queue_max)
    : impl_(std::make_unique<Impl>()) {
  impl_->queue_max = queue_max;
  for (std::size_t i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([this] { impl_->work(); });
    ::pthread_setname_np(impl_->threads.back().native_handle(), name);
  }
}

ThreadPool::~ThreadPool() { stop(); }

bool ThreadPool::submit(std::function<void()> task) {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->tasks.size() >= impl_->queue_max) return false;
    impl_->tasks.push_back(std::move(task));
  }
  impl_->changed.notify_one();
  return true;
}

void ThreadPool::stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (auto& t : impl_->threads)
    if (t.joinable()) t.join();
}

std::size_t ThreadPool::threads() const { return impl_->threads.size(); }

std::size_t ThreadPool::waiting() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->tasks.size();
}

}  // namespace weft
