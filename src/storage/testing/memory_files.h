#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace weft::storage {

// Files in memory for tests, that fail, fill up and lose what was not synced, on demand.
// Thread-safe.
class MemoryFiles final : public FileSystem {
 public:
  // --- what tests ask for ---
  // The operation number `n` (1: the next one) fails with `code`; 0: none.
  void fail_at(std::uint64_t n, Code code = Code::internal) {
    std::lock_guard lock(mutex_);
    fail_at_ = n == 0 ? 0 : operations_ + n;
    fail_code_ = code;
  }
  // Every sync fails from now on.
  void fail_syncs(bool on) {
    std::lock_guard lock(mutex_);
    fail_syncs_ = on;
  }
  std::uint64_t syncs_after_failure() const {
    std::lock_guard lock(mutex_);
    return syncs_after_failure_;
  }
  void set_capacity(std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    capacity_ = bytes;
  }
  std::uint64_t operations() const {
    std::lock_guard lock(mutex_);
    return operations_;
  }
  bool failed_once() const {
    std::lock_guard lock(mutex_);
    return failed_once_;
  }
  // The machine loses power: what was not synced is gone.
  void crash() {
    std::lock_guard lock(mutex_);
    names_ = durable_names_;
    for (auto& [name, node] : names_) node->bytes = node->synced;
  }
  // The content of a file, to look at and to damage.
  std::string& content(const std::string& path) {
    std::lock_guard lock(mutex_);
    return names_.at(path)->bytes;
  }
  std::vector<std::string> names() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [name, node] : names_) out.push_back(name);
    return out;
  }

  // --- FileSystem ---
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    std::lock_guard lock(mutex_);
    TRY(operation());
    auto at = names_.find(path);
    if (at == names_.end()) {
      if (mode == Mode::read) return Error(Code::not_found, "opening " + path + ": no such file");
      at = names_.emplace(path, std::make_shared<Node>()).first;
    }
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(*this, at->second));
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    std::lock_guard lock(mutex_);
    TRY(operation());
    auto at = names_.find(from);
    if (at == names_.end()) return Error(Code::not_found, "renaming " + from + ": no such file");
    auto node = at->second;
    names_.erase(at);
    names_[to] = node;
    return {};
  }
  Result<void> remove(const std::string& path) override {
    std::lock_guard lock(mutex_);
    TRY(operation());
    if (names_.erase(path) == 0) return Error(Code::not_found, "removing " + path + ": no such file");
    return {};
  }
  Result<void> create_directories(const std::string&) override {
    std::lock_guard lock(mutex_);
    return operation();
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::lock_guard lock(mutex_);
    TRY(operation());
    std::vector<std::string> out;
    for (const auto& [name, node] : names_) {
      if (!name.starts_with(directory + "/")) continue;
      std::string entry = name.substr(directory.size() + 1);
      entry.resize(std::min(entry.size(), entry.find('/')));
      if (out.empty() || out.back() != entry) out.push_back(std::move(entry));
    }
    return out;
  }
  Result<FileInfo> examine(const std::string& path) override {
    std::lock_guard lock(mutex_);
    TRY(operation());
    if (auto at = names_.find(path); at != names_.end())
      return FileInfo{FileInfo::Kind::regular, at->second->bytes.size(), 0};
    auto below = names_.lower_bound(path + "/");
    if (below != names_.end() && below->first.starts_with(path + "/"))
      return FileInfo{FileInfo::Kind::directory, 0, 0};
    return Error(Code::not_found, "examining " + path + ": no such file");
  }
  Result<void> sync_directory(const std::string&) override {
    std::lock_guard lock(mutex_);
    TRY(operation());
    TRY(check_sync());
    durable_names_ = names_;
    return {};
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override {
    std::lock_guard lock(mutex_);
    TRY(operation());
    auto& held = locks_[path];
    if (!held.expired())
      return Error(Code::unavailable, path + " is locked: another process uses this directory");
    auto made = std::make_shared<int>(0);
    held = made;
    return std::shared_ptr<void>(made);
  }

 private:
  struct Node {
    std::string bytes;
    std::string synced;
  };

  class MemoryFile final : public File {
   public:
    MemoryFile(MemoryFiles& files, std::shared_ptr<Node> node) : files_(files), node_(std::move(node)) {}
    Result<void> write(std::uint64_t offset, std::string_view bytes) override {
      std::lock_guard lock(files_.mutex_);
      if (auto allowed = files_.operation(); !allowed) {
        // A write that fails may have done half of its work.
        put(offset, bytes.substr(0, bytes.size() / 2));
        return allowed;
      }
      TRY(files_.check_space(
          offset + bytes.size() > node_->bytes.size() ? offset + bytes.size() - node_->bytes.size() : 0));
      put(offset, bytes);
      return {};
    }
    Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
      std::lock_guard lock(files_.mutex_);
      TRY(files_.operation());
      if (offset >= node_->bytes.size()) return std::string();
      return node_->bytes.substr(offset, size);
    }
    Result<void> allocate(std::uint64_t size) override {
      std::lock_guard lock(files_.mutex_);
      TRY(files_.operation());
      if (size <= node_->bytes.size()) return {};
      TRY(files_.check_space(size - node_->bytes.size()));
      node_->bytes.resize(size, '\0');
      return {};
    }
    Result<void> truncate(std::uint64_t size) override {
      std::lock_guard lock(files_.mutex_);
      TRY(files_.operation());
      node_->bytes.resize(size, '\0');
      return {};
    }
    Result<void> sync() override {
      std::lock_guard lock(files_.mutex_);
      TRY(files_.operation());
      TRY(files_.check_sync());
      node_->synced = node_->bytes;
      return {};
    }
    Result<std::uint64_t> size() const override {
      std::lock_guard lock(files_.mutex_);
      TRY(files_.operation());
      return node_->bytes.size();
    }

   private:
    void put(std::uint64_t offset, std::string_view bytes) {
      if (node_->bytes.size() < offset + bytes.size()) node_->bytes.resize(offset + bytes.size(), '\0');
      std::copy(bytes.begin(), bytes.end(), node_->bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    MemoryFiles& files_;
    std::shared_ptr<Node> node_;
  };

  // The rest requires mutex_.
  Result<void> operation() {
    if (++operations_ != fail_at_) return {};
    failed_once_ = true;
    return Error(fail_code_, "made to fail");
  }
  Result<void> check_sync() {
    if (sync_failed_once_) ++syncs_after_failure_;
    if (!fail_syncs_) return {};
    sync_failed_once_ = true;
    return Error(Code::internal, "sync made to fail");
  }
  Result<void> check_space(std::uint64_t more) const {
    std::uint64_t used = more;
    for (const auto& [name, node] : names_) used += node->bytes.size();
    if (used > capacity_) return Error(Code::resource_exhausted, "no space left on device");
    return {};
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> names_;
  std::map<std::string, std::shared_ptr<Node>> durable_names_;
  std::map<std::string, std::weak_ptr<int>> locks_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;
  Code fail_code_ = Code::internal;
  std::uint64_t capacity_ = ~std::uint64_t{0};
  std::uint64_t syncs_after_failure_ = 0;
  bool failed_once_ = false;
  bool fail_syncs_ = false;
  bool sync_failed_once_ = false;
};

}  // namespace weft::storage
