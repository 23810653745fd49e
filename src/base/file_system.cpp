#include "base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weft {
namespace {

Error system_error(std::string_view what, const std::string& path, int code) {
  Code c = Code::internal;
  if (code == ENOENT) c = Code::not_found;
  if (code == ENOSPC || code == EDQUOT) c = Code::resource_exhausted;
  if (code == EACCES || code == EPERM || code == EROFS) c = Code::permission_denied;
  return Error(c, std::string(what) + " " + path + ": " + std::strerror(code));
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("writing", path_, errno);
      offset += static_cast<std::uint64_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
    std::string out(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      ssize_t n = ::pread(fd_, out.data() + got, size - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("reading", path_, errno);
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    out.resize(got);
    return out;
  }

  Result<void> allocate(std::uint64_t size) override {
    int code = ::posix_fallocate(fd_, 0, static_cast<off_t>(size));
    if (code != 0) return system_error("reserving space for", path_, code);
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_error("truncating", path_, errno);
    return {};
  }

  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return system_error("syncing", path_, errno);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return system_error("examining", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

 private:
  int fd_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, Mode mode) {
  int flags = O_CLOEXEC | (mode == Mode::read ? O_RDONLY : O_RDWR | O_CREAT);
  int fd = ::open(path.c_str(), flags, 0640);
  if (fd < 0) return system_error("opening", path, errno);
  return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("renaming", from, errno);
  return {};
}

Result<void> PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return system_error("removing", path, errno);
  return {};
}

Result<void> PosixFileSystem::create_directories(const std::string& path) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0750) != 0 && errno != EEXIST)
      return system_error("creating directory", part, errno);
  }
  return {};
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& directory) {
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return system_error("listing", directory, errno);
  std::vector<std::string> names;
  while (dirent* entry = ::readdir(dir)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  ::closedir(dir);
  std::ranges::sort(names);
  return names;
}

Result<FileInfo> PosixFileSystem::examine(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return system_error("examining", path, errno);
  FileInfo out;
  out.kind = S_ISREG(info.st_mode)   ? FileInfo::Kind::regular
             : S_ISDIR(info.st_mode) ? FileInfo::Kind::directory
                                     : FileInfo::Kind::other;
  out.size = static_cast<std::uint64_t>(info.st_size);
  out.modified_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  return out;
}

Result<void> PosixFileSystem::sync_directory(const std::string& directory) {
  int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error("opening", directory, errno);
  int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (code != 0) return system_error("syncing", directory, code);
  return {};
}

Result<std::shared_ptr<void>> PosixFileSystem::lock(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return system_error("opening", path, errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    int code = errno;
    ::close(fd);
    if (code != EWOULDBLOCK) return system_error("locking", path, code);
    return Error(Code::unavailable, path + " is locked: another process uses this directory");
  }
  return std::shared_ptr<void>(nullptr, [fd](void*) { ::close(fd); });
}

Result<std::string> read_file(FileSystem& files, const std::string& path, std::size_t bytes_max) {
  auto file = TRY(files.open(path, FileSystem::Mode::read));
  std::uint64_t size = TRY(file->size());
  if (size > bytes_max)
    return Error(Code::resource_exhausted, path + " has " + std::to_string(size) +
                                               " bytes, limit is " + std::to_string(bytes_max));
  return file->read(0, static_cast<std::size_t>(size));
}

Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view content) {
  std::string temporary = path + ".tmp";
  {
    auto file = TRY(files.open(temporary, FileSystem::Mode::read_write));
    TRY(file->truncate(0));
    TRY(file->write(0, content));
    TRY(file->sync());
  }
  TRY(files.rename(temporary, path));
  std::size_t slash = path.rfind('/');
  TRY(files.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash)));
  return {};
}

}  // namespace weft
