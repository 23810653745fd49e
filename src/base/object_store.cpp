#include "base/object_store.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "base/hash.h"

namespace weft {
namespace {

constexpr std::size_t kKeyBytesMax = 512;
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kWriteBytes = std::size_t{256} << 10;  // appends are gathered into writes of this size
constexpr std::string_view kTemporaries = "/.tmp";

constexpr std::array<bool, 256> kKeyCharacters = [] {
  std::array<bool, 256> allowed{};
  for (char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789._/-"))
    allowed[static_cast<unsigned char>(c)] = true;
  return allowed;
}();

Error no_key(std::string_view key, std::string_view why) {
  return Error(Code::invalid_argument, fmt::format("object key \"{}\" {}", key.substr(0, kKeyBytesMax), why));
}

std::string etag_of(std::string_view bytes) {
  Hash128 hash = hash128(bytes);
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

std::string directory_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

struct Entry {
  std::string path;
  FileInfo info;
};

// What is in a directory and does not hide behind a dot. A directory that is missing is empty.
Result<std::vector<Entry>> entries_of(FileSystem& files, const std::string& directory) {
  auto names = files.list(directory);
  if (!names && names.error().code() == Code::not_found) return std::vector<Entry>();
  if (!names) return names.error();
  std::vector<Entry> out;
  for (const std::string& name : *names) {
    if (name.starts_with('.')) continue;
    std::string path = directory + "/" + name;
    auto info = files.examine(path);
    if (!info && info.error().code() == Code::not_found) continue;  // removed meanwhile
    if (!info) return info.error();
    out.push_back({std::move(path), *info});
  }
  return out;
}

}  // namespace

Result<void> check_key_prefix(std::string_view prefix) {
  if (prefix.size() > kKeyBytesMax)
    return no_key(prefix, fmt::format("has {} bytes, limit is {}", prefix.size(), kKeyBytesMax));
  if (!std::ranges::all_of(prefix, [](char c) { return kKeyCharacters[static_cast<unsigned char>(c)]; }))
    return no_key(prefix, "has a character outside [a-z0-9._/-]");
  for (std::string_view rest = prefix; !rest.empty();) {
    std::size_t slash = rest.find('/');
    std::string_view name = rest.substr(0, slash);
    if (name.empty()) return no_key(prefix, "has an empty name between slashes");
    if (name.front() == '.') return no_key(prefix, "has a name that begins with a dot");
    if (name.size() > kNameBytesMax)
      return no_key(prefix, fmt::format("has a name of {} bytes, limit is {}", name.size(), kNameBytesMax));
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return {};
}

Result<void> check_key(std::string_view key) {
  if (key.empty()) return no_key(key, "is empty");
  if (key.back() == '/') return no_key(key, "ends with a slash");
  return check_key_prefix(key);
}

class LocalObjectStore::Writer final : public ObjectWriter {
 public:
  Writer(LocalObjectStore& store, std::string key, std::string temporary, std::unique_ptr<File> file)
      : store_(store), key_(std::move(key)), temporary_(std::move(temporary)), file_(std::move(file)) {}
  ~Writer() override { abort(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<void> append(std::string_view bytes) override {
    CHECK(file_ != nullptr);
    size_ += bytes.size();
    if (waiting_.size() + bytes.size() < kWriteBytes) {
      waiting_.append(bytes);
      return {};
    }
    TRY(flush());
    if (bytes.size() < kWriteBytes) {
      waiting_.append(bytes);
      return {};
    }
    TRY(file_->write(written_, bytes));
    written_ += bytes.size();
    return {};
  }

  Result<void> finish() override {
    TRY(finish(Condition::none, {}));
    return {};
  }

  Result<PutOutcome> finish(Condition condition, std::string_view etag) {
    CHECK(file_ != nullptr);
    TRY(flush());
    TRY(file_->sync());
    file_.reset();
    auto outcome = store_.place(temporary_, key_, condition, etag);
    if (!outcome || *outcome == PutOutcome::lost) (void)store_.files_.remove(temporary_);
    return outcome;
  }

  void abort() override {
    if (file_ == nullptr) return;
    file_.reset();
    // A file that stays is removed when the store is opened again.
    (void)store_.files_.remove(temporary_);
  }

  std::uint64_t size() const override { return size_; }

 private:
  Result<void> flush() {
    if (waiting_.empty()) return {};
    TRY(file_->write(written_, waiting_));
    written_ += waiting_.size();
    waiting_.clear();
    return {};
  }

  LocalObjectStore& store_;
  const std::string key_;
  const std::string temporary_;
  std::unique_ptr<File> file_;
  std::string waiting_;
  std::uint64_t written_ = 0;
  std::uint64_t size_ = 0;
};

Result<std::unique_ptr<LocalObjectStore>> LocalObjectStore::open(FileSystem& files, std::string root,
                                                                 const Clock& clock) {
  std::string temporaries = root + std::string(kTemporaries);
  TRY(files.create_directories(temporaries));
  TRY(files.sync_directory(root.find('/') == std::string::npos ? "." : directory_of(root)));
  for (const std::string& name : TRY(files.list(temporaries))) TRY(files.remove(temporaries + "/" + name));
  // A killed process may have renamed an object and not yet synced its directory. What we read from
  // now on, we build on: so it has to be durable first.
  std::vector<std::string> directories{root};
  while (!directories.empty()) {
    std::string directory = std::move(directories.back());
    directories.pop_back();
    TRY(files.sync_directory(directory));
    for (Entry& entry : TRY(entries_of(files, directory)))
      if (entry.info.kind == FileInfo::Kind::directory) directories.push_back(std::move(entry.path));
  }
  return std::unique_ptr<LocalObjectStore>(new LocalObjectStore(files, std::move(root), clock));
}

Result<std::unique_ptr<File>> LocalObjectStore::open_object(std::string_view key) {
  TRY(check_key(key));
  if (std::lock_guard lock(mutex_); uncertain_.contains(key))
    return Error(Code::internal, fmt::format("object {} could not be made durable; restart", key));
  auto file = files_.open(path_of(key), FileSystem::Mode::read);
  if (!file) return file.error().in_context("object");
  return file;
}

Result<Object> LocalObjectStore::get(std::string_view key, std::size_t bytes_max) {
  auto file = TRY(open_object(key));
  std::uint64_t size = TRY(file->size());
  if (size > bytes_max)
    return Error(Code::resource_exhausted,
                 fmt::format("object {} has {} bytes, limit is {}", key, size, bytes_max));
  Object object;
  object.bytes = TRY(file->read(0, static_cast<std::size_t>(size)));
  object.etag = etag_of(object.bytes);
  return object;
}

Result<std::vector<std::string>> LocalObjectStore::get(std::string_view key,
                                                       std::span<const ByteRange> ranges) {
  auto file = TRY(open_object(key));
  std::uint64_t size = TRY(file->size());
  std::vector<std::string> parts;
  parts.reserve(ranges.size());
  for (ByteRange range : ranges) {
    // Before memory is taken: the range may come from a damaged block.
    if (range.offset > size || range.size > size - range.offset)
      return Error(Code::corrupted, fmt::format("object {} has {} bytes, {} at {} are needed", key, size,
                                                range.size, range.offset));
    parts.push_back(TRY(file->read(range.offset, static_cast<std::size_t>(range.size))));
    if (parts.back().size() != range.size)
      return Error(Code::corrupted, fmt::format("object {} was cut while it was read", key));
  }
  return parts;
}

Result<std::uint64_t> LocalObjectStore::size(std::string_view key) {
  auto file = TRY(open_object(key));
  return file->size();
}

Result<std::unique_ptr<LocalObjectStore::Writer>> LocalObjectStore::begin(std::string_view key) {
  TRY(check_key(key));
  std::string temporary = root_ + std::string(kTemporaries) + "/";
  {
    std::lock_guard lock(mutex_);
    temporary += std::to_string(++temporaries_);
  }
  auto file = TRY(files_.open(temporary, FileSystem::Mode::read_write));
  return std::make_unique<Writer>(*this, std::string(key), std::move(temporary), std::move(file));
}

Result<std::unique_ptr<ObjectWriter>> LocalObjectStore::create(std::string_view key) {
  return std::unique_ptr<ObjectWriter>(TRY(begin(key)));
}

Result<PutOutcome> LocalObjectStore::write(std::string_view key, Condition condition, std::string_view etag,
                                           std::string_view bytes) {
  auto writer = TRY(begin(key));
  TRY(writer->append(bytes));
  return writer->finish(condition, etag);
}

Result<void> LocalObjectStore::put(std::string_view key, std::string_view bytes) {
  TRY(write(key, Condition::none, {}, bytes));
  return {};
}

Result<PutOutcome> LocalObjectStore::put_if_absent(std::string_view key, std::string_view bytes) {
  return write(key, Condition::etag, {}, bytes);
}

Result<PutOutcome> LocalObjectStore::compare_and_swap(std::string_view key, std::string_view etag,
                                                      std::string_view bytes) {
  return write(key, Condition::etag, etag, bytes);
}

Result<PutOutcome> LocalObjectStore::place(const std::string& temporary, const std::string& key,
                                           Condition condition, std::string_view etag) {
  TRY(make_directory_of(key));
  std::string path = path_of(key);
  {
    std::lock_guard lock(renaming_);
    if (condition == Condition::etag && TRY(current_etag(key, etag.empty())) != etag) return PutOutcome::lost;
    TRY(files_.rename(temporary, path));
  }
  if (auto synced = files_.sync_directory(directory_of(path)); !synced) {
    std::lock_guard lock(mutex_);
    uncertain_.insert(key);
    return synced.error();
  }
  return PutOutcome::written;
}

// Empty when there is no such object; anything else will do when only `existence` matters.
Result<std::string> LocalObjectStore::current_etag(const std::string& key, bool existence) {
  auto file = open_object(key);
  if (!file && file.error().code() == Code::not_found) return std::string();
  if (!file) return file.error();
  if (existence) return std::string("present");
  std::uint64_t size = TRY((*file)->size());
  return etag_of(TRY((*file)->read(0, static_cast<std::size_t>(size))));
}

Result<void> LocalObjectStore::make_directory_of(const std::string& key) {
  std::string directory = directory_of(path_of(key));
  {
    std::lock_guard lock(mutex_);
    if (directories_.contains(directory)) return {};
  }
  TRY(files_.create_directories(directory));
  // A name is durable when the directory that holds it is synced: from the root down.
  std::size_t at = root_.size();
  for (; at != std::string::npos && at < directory.size(); at = directory.find('/', at + 1))
    TRY(files_.sync_directory(directory.substr(0, at)));
  std::lock_guard lock(mutex_);
  directories_.insert(std::move(directory));
  return {};
}

Result<std::vector<ObjectInfo>> LocalObjectStore::list(std::string_view prefix) {
  TRY(check_key_prefix(prefix));
  std::vector<ObjectInfo> found;
  std::size_t slash = prefix.rfind('/');
  std::vector<std::string> directories{slash == std::string_view::npos ? root_
                                                                       : path_of(prefix.substr(0, slash))};
  while (!directories.empty()) {
    std::string directory = std::move(directories.back());
    directories.pop_back();
    for (Entry& entry : TRY(entries_of(files_, directory))) {
      std::string key = entry.path.substr(root_.size() + 1);
      std::size_t shared = std::min(key.size(), prefix.size());
      if (std::string_view(key).substr(0, shared) != prefix.substr(0, shared)) continue;
      if (entry.info.kind == FileInfo::Kind::directory)
        directories.push_back(std::move(entry.path));
      else if (entry.info.kind == FileInfo::Kind::regular && key.size() >= prefix.size() && check_key(key))
        found.push_back({std::move(key), entry.info.size, entry.info.modified_ns});
    }
  }
  std::ranges::sort(found, {}, &ObjectInfo::key);
  return found;
}

Result<void> LocalObjectStore::remove(std::string_view key) {
  TRY(check_key(key));
  std::lock_guard lock(renaming_);
  auto removed = files_.remove(path_of(key));
  if (!removed && removed.error().code() != Code::not_found) return removed.error();
  return {};
}

}  // namespace weft
