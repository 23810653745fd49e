#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"

namespace weft {

// Bytes [offset, offset + size) of an object.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct Object {
  std::string bytes;
  std::string etag;  // names this content; opaque. Equal contents may have equal etags
};

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  // when it was written, by the store's clock
};

// What became of a conditional write. Losing is an answer, not an error: nothing was written,
// because the object was not (or no longer) what the caller took it for.
enum class PutOutcome : unsigned char { written, lost };

// An object on its way, written front to back. It appears, whole, when finish() returns; what is not
// finished never appears. One thread.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;  // abort() unless finished
  // Memory stays bounded whatever the object's size. After an error only abort() makes sense.
  virtual Result<void> append(std::string_view bytes) = 0;
  // Returns when the object is durable and visible; replaces what was there. Once.
  virtual Result<void> finish() = 0;
  virtual void abort() = 0;
  // Bytes appended so far.
  virtual std::uint64_t size() const = 0;
};

// Named immutable byte strings: a folder, or a bucket of S3. What one call has written, every later
// call of any process sees, list() possibly excepted. Thread-safe.
//
// Keys are paths such as "blk/logs/2026-07-14/5f0c…": see check_key.
//
// Errors of every call, beyond what it names: invalid_argument (no key), resource_exhausted (full),
// unavailable (try again), permission_denied, internal (a device that failed). A write that returned
// an error may have happened all the same, now or later: who cares reads again.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // The whole object. Errors: not_found; resource_exhausted above `bytes_max`.
  virtual Result<Object> get(std::string_view key, std::size_t bytes_max = std::size_t{64} << 20) = 0;
  // Parts of an object, in the order asked for. Errors: not_found; corrupted when it ends before one
  // of them does.
  virtual Result<std::vector<std::string>> get(std::string_view key, std::span<const ByteRange> ranges) = 0;
  // Errors: not_found.
  virtual Result<std::uint64_t> size(std::string_view key) = 0;

  // Replaces the whole object. Durable when it returns.
  virtual Result<void> put(std::string_view key, std::string_view bytes) = 0;
  // Writes only if there is no such object.
  virtual Result<PutOutcome> put_if_absent(std::string_view key, std::string_view bytes) = 0;
  // Writes only if the object's etag is still `etag`; an empty one: if there is no such object. An
  // object that is gone is a race lost.
  virtual Result<PutOutcome> compare_and_swap(std::string_view key, std::string_view etag,
                                              std::string_view bytes) = 0;
  virtual Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) = 0;

  // Every object whose key begins with `prefix`, in key order.
  virtual Result<std::vector<ObjectInfo>> list(std::string_view prefix) = 0;
  // Removing what is not there is no error. A power loss may bring the object back.
  virtual Result<void> remove(std::string_view key) = 0;

  // Now, by the clock that modified_ns comes from.
  virtual std::int64_t now_ns() const = 0;
};

// A key is 1 to 512 bytes of [a-z0-9._/-]: names of at most 128 bytes between single slashes, none of
// which begins with a dot. So no key is absolute or leads out of the store. Errors: invalid_argument.
Result<void> check_key(std::string_view key);
// The same for the beginning of a key, which may be empty and end anywhere.
Result<void> check_key_prefix(std::string_view prefix);

// Objects as files below a folder that this process alone writes to: its owner holds a lock file.
// An object is written as <root>/.tmp/<n>, synced, renamed, and its directory synced. Thread-safe.
class LocalObjectStore final : public ObjectStore {
 public:
  // Makes the folder (in one that is this process's own too), removes what unfinished writes have left, and
  // makes every name that an earlier life of the process has left durable. `clock` is to be the file
  // system's.
  static Result<std::unique_ptr<LocalObjectStore>> open(FileSystem& files, std::string root,
                                                        const Clock& clock);

  Result<Object> get(std::string_view key, std::size_t bytes_max) override;
  Result<std::vector<std::string>> get(std::string_view key, std::span<const ByteRange> ranges) override;
  Result<std::uint64_t> size(std::string_view key) override;
  Result<void> put(std::string_view key, std::string_view bytes) override;
  Result<PutOutcome> put_if_absent(std::string_view key, std::string_view bytes) override;
  Result<PutOutcome> compare_and_swap(std::string_view key, std::string_view etag,
                                      std::string_view bytes) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key) override;
  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override;
  Result<void> remove(std::string_view key) override;
  std::int64_t now_ns() const override { return clock_.now_ns(); }

 private:
  class Writer;
  enum class Condition : unsigned char { none, etag };

  LocalObjectStore(FileSystem& files, std::string root, const Clock& clock)
      : files_(files), clock_(clock), root_(std::move(root)) {}

  Result<std::unique_ptr<Writer>> begin(std::string_view key);
  Result<PutOutcome> write(std::string_view key, Condition condition, std::string_view etag,
                           std::string_view bytes);
  Result<PutOutcome> place(const std::string& temporary, const std::string& key, Condition condition,
                           std::string_view etag);
  Result<std::string> current_etag(const std::string& key, bool existence);
  Result<void> make_directory_of(const std::string& key);
  Result<std::unique_ptr<File>> open_object(std::string_view key);
  std::string path_of(std::string_view key) const { return root_ + "/" + std::string(key); }

  FileSystem& files_;
  const Clock& clock_;
  const std::string root_;

  // Makes "is it still so?" and the renaming one step; the only lock here that is held across I/O.
  std::mutex renaming_;

  std::mutex mutex_;  // guards what follows
  std::uint64_t temporaries_ = 0;
  std::set<std::string> directories_;  // known to exist durably
  // Renamed, but the sync of the directory failed: whether these survive is unknown, and a second
  // sync may lie. Nobody may build on them, so reading them is an error until the next start.
  std::set<std::string, std::less<>> uncertain_;
};

}  // namespace weft
