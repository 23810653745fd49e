#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/object_store.h"

namespace weft::storage {

// Objects in memory for tests, that fail, fill up, answer late or never, on demand. Thread-safe.
class MemoryObjects final : public ObjectStore {
 public:
  enum class Operation : std::uint8_t { get, size, put, swap, create, append, finish, list, remove };
  enum class Fault : std::uint8_t {
    none,
    unavailable,   // nothing happens
    lost_answer,   // it happens, but the answer is `unavailable`
    full,          // resource_exhausted
    broken,        // internal
    cut,           // of get: half of the bytes
    crash_before,  // the caller's process ends, before or after it happens: throws Crash
    crash_after,
  };
  struct Crash {};

  // Asked before every operation, on the caller's thread and under no lock: it may park the caller,
  // use the store itself (lose a race for the caller) and say what goes wrong.
  std::function<Fault(Operation, const std::string& key)> before;
  // Told after each change, under the lock: `objects` may be looked at.
  struct Stored {
    std::string bytes;
    std::int64_t modified_ns = 0;
  };
  using Objects = std::map<std::string, Stored, std::less<>>;
  std::function<void(const Objects&)> changed;

  // The operation number `n` (1: the next one) meets `fault`; 0: none.
  void fail_at(std::uint64_t n, Fault fault) {
    std::lock_guard lock(mutex_);
    fail_at_ = n == 0 ? 0 : operations_ + n;
    fault_ = fault;
  }
  std::uint64_t operations() const {
    std::lock_guard lock(mutex_);
    return operations_;
  }
  void set_now(std::int64_t now_ns) {
    std::lock_guard lock(mutex_);
    now_ns_ = now_ns;
  }
  Objects objects() const {
    std::lock_guard lock(mutex_);
    return objects_;
  }
  // Writes past every fault and hook.
  void set(const std::string& key, std::string bytes) {
    std::lock_guard lock(mutex_);
    objects_[key] = {std::move(bytes), now_ns_};
  }

  // --- ObjectStore ---
  Result<Object> get(std::string_view key, std::size_t bytes_max) override {
    TRY(check_key(key));
    Fault fault = TRY(meet(Operation::get, key));
    std::unique_lock lock(mutex_);
    auto at = objects_.find(key);
    if (at == objects_.end()) return Error(Code::not_found, "no object " + std::string(key));
    Object object{at->second.bytes, etag_of(at->second.bytes)};
    lock.unlock();
    if (object.bytes.size() > bytes_max)
      return Error(Code::resource_exhausted, "object " + std::string(key) + " is too large");
    if (fault == Fault::cut) object.bytes.resize(object.bytes.size() / 2);
    TRY(after(fault));
    return object;
  }
  Result<std::vector<std::string>> get(std::string_view key, std::span<const ByteRange> ranges) override {
    std::string bytes = TRY(get(key, ~std::size_t{0}))
    .bytes;
    std::vector<std::string> parts;
    for (ByteRange range : ranges) {
      if (range.offset > bytes.size() || range.size > bytes.size() - range.offset)
        return Error(Code::corrupted, "object " + std::string(key) + " is too short");
      parts.push_back(bytes.substr(range.offset, range.size));
    }
    return parts;
  }
  Result<std::uint64_t> size(std::string_view key) override {
    return std::uint64_t {
      TRY(get(key, ~std::size_t{0}))
      .bytes.size()
    };
  }
  Result<void> put(std::string_view key, std::string_view bytes) override {
    TRY(check_key(key));
    Fault fault = TRY(meet(Operation::put, key));
    store(key, bytes);
    return after(fault);
  }
  Result<PutOutcome> put_if_absent(std::string_view key, std::string_view bytes) override {
    return compare_and_swap(key, {}, bytes);
  }
  Result<PutOutcome> compare_and_swap(std::string_view key, std::string_view etag,
                                      std::string_view bytes) override {
    TRY(check_key(key));
    Fault fault = TRY(meet(Operation::swap, key));
    PutOutcome outcome = PutOutcome::lost;
    {
      std::lock_guard lock(mutex_);
      auto at = objects_.find(key);
      if ((at == objects_.end() ? std::string() : etag_of(at->second.bytes)) == etag) {
        outcome = PutOutcome::written;
        objects_[std::string(key)] = {std::string(bytes), now_ns_};
        if (changed) changed(objects_);
      }
    }
    TRY(after(fault));
    return outcome;
  }
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) override {
    TRY(check_key(key));
    TRY(after(TRY(meet(Operation::create, key))));
    return std::unique_ptr<ObjectWriter>(std::make_unique<Writer>(*this, std::string(key)));
  }
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override {
    TRY(check_key_prefix(prefix));
    TRY(after(TRY(meet(Operation::list, prefix))));
    std::lock_guard lock(mutex_);
    std::vector<ObjectInfo> found;
    for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at)
      found.push_back({at->first, at->second.bytes.size(), at->second.modified_ns});
    return found;
  }
  Result<void> remove(std::string_view key) override {
    TRY(check_key(key));
    Fault fault = TRY(meet(Operation::remove, key));
    {
      std::lock_guard lock(mutex_);
      if (auto at = objects_.find(key); at != objects_.end()) objects_.erase(at);
      if (changed) changed(objects_);
    }
    return after(fault);
  }
  std::int64_t now_ns() const override {
    std::lock_guard lock(mutex_);
    return now_ns_;
  }

 private:
  class Writer final : public ObjectWriter {
   public:
    Writer(MemoryObjects& objects, std::string key) : objects_(objects), key_(std::move(key)) {}
    Result<void> append(std::string_view bytes) override {
      TRY(objects_.after(TRY(objects_.meet(Operation::append, key_))));
      bytes_.append(bytes);
      return {};
    }
    Result<void> finish() override {
      Fault fault = TRY(objects_.meet(Operation::finish, key_));
      objects_.store(key_, bytes_);
      return objects_.after(fault);
    }
    void abort() override {}
    std::uint64_t size() const override { return bytes_.size(); }

   private:
    MemoryObjects& objects_;
    const std::string key_;
    std::string bytes_;
  };

  static std::string etag_of(std::string_view bytes) {
    Hash128 hash = hash128(bytes);
    return fmt::format("{:x}-{:x}", hash.high, hash.low);
  }

  // What goes wrong before the operation ends it here; what goes wrong after it is handed on.
  Result<Fault> meet(Operation operation, std::string_view key) {
    Fault fault = Fault::none;
    {
      std::lock_guard lock(mutex_);
      if (++operations_ == fail_at_) fault = fault_;
    }
    if (before && fault == Fault::none) fault = before(operation, std::string(key));
    switch (fault) {
      case Fault::unavailable: return Error(Code::unavailable, "made to be unavailable");
      case Fault::full: return Error(Code::resource_exhausted, "made to be full");
      case Fault::broken: return Error(Code::internal, "made to fail");
      case Fault::crash_before: throw Crash();
      default: return fault;
    }
  }
  static Result<void> after(Fault fault) {
    if (fault == Fault::crash_after) throw Crash();
    if (fault == Fault::lost_answer) return Error(Code::unavailable, "made to lose the answer");
    return {};
  }
  void store(std::string_view key, std::string_view bytes) {
    std::lock_guard lock(mutex_);
    objects_[std::string(key)] = {std::string(bytes), now_ns_};
    if (changed) changed(objects_);
  }

  mutable std::mutex mutex_;
  Objects objects_;
  std::int64_t now_ns_ = 1'000'000;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  Fault fault_ = Fault::none;
};

}  // namespace weft::storage
