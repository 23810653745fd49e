#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft {

// One open file. One thread at a time.
class File {
 public:
  virtual ~File() = default;
  // Writes all of `bytes` at `offset`. Errors: resource_exhausted when the disk is full.
  virtual Result<void> write(std::uint64_t offset, std::string_view bytes) = 0;
  // Up to `size` bytes at `offset`; fewer only at the end of the file.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t size) const = 0;
  // Reserves space (posix_fallocate) and sets the size to at least `size`, filled with zeros.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  // Returns when the written data is on the device (fdatasync).
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

// What a name stands for.
struct FileInfo {
  enum class Kind : unsigned char { regular, directory, other };
  Kind kind = Kind::regular;  // of the name itself: a symbolic link is other
  std::uint64_t size = 0;     // of a regular file
  std::int64_t modified_ns = 0;
};

// The files of a machine, as an interface so that tests can make them fail, tear and fill up.
// Paths are plain; directories are created as needed by create_directories. Thread-safe.
class FileSystem {
 public:
  enum class Mode : unsigned char { read, read_write };

  virtual ~FileSystem() = default;
  // Errors: not_found; read_write creates the file when there is none.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> create_directories(const std::string& path) = 0;
  // Names (not paths) in a directory, sorted. Errors: not_found.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // Errors: not_found.
  virtual Result<FileInfo> examine(const std::string& path) = 0;
  // Makes created, renamed and removed names of a directory durable (fsync of the directory).
  virtual Result<void> sync_directory(const std::string& directory) = 0;
  // Takes a lock file, made if need be, until the last copy of the result is gone or the process
  // ends. Errors: unavailable when somebody else has it.
  virtual Result<std::shared_ptr<void>> lock(const std::string& path) = 0;
};

// The real one.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> create_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<FileInfo> examine(const std::string& path) override;
  Result<void> sync_directory(const std::string& directory) override;
  Result<std::shared_ptr<void>> lock(const std::string& path) override;
};

// The whole of a file. Errors: not_found; resource_exhausted above `bytes_max`.
Result<std::string> read_file(FileSystem& files, const std::string& path,
                              std::size_t bytes_max = std::size_t{64} << 20);

// Replaces a file so that a crash leaves the old or the new content, never a mixture: a temporary
// file beside it, sync, rename, sync of the directory.
Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view content);

}  // namespace weft
