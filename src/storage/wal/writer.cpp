#include "storage/wal/writer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include <pthread.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

namespace weft::storage::wal {
namespace {

constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSparePrefix = "spare-";
constexpr std::string_view kSuffix = ".wal";
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
constexpr std::int64_t kProbeIntervalNs = 100'000'000;

std::uint32_t number_in(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) return 0;
  name.remove_prefix(prefix.size());
  name.remove_suffix(kSuffix.size());
  std::uint32_t number = 0;
  auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
  return code == std::errc() && end == name.data() + name.size() ? number : 0;
}

std::string numbered(std::string_view prefix, std::uint32_t number) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%010u", number);
  return std::string(prefix) + digits + std::string(kSuffix);
}

// From 50 us to 13 s.
std::vector<double> sync_buckets() {
  std::vector<double> bounds;
  for (int doubling = 0; doubling <= 18; ++doubling) bounds.push_back(50e-6 * (1 << doubling));
  return bounds;
}

}  // namespace

std::string segment_name(std::uint32_t number) {
  return numbered(kSegmentPrefix, number);
}
std::uint32_t segment_number(std::string_view name) {
  return number_in(name, kSegmentPrefix);
}
bool is_spare_name(std::string_view name) {
  return number_in(name, kSparePrefix) != 0;
}

Writer::Metrics::Metrics(Registry& r)
    : frames(r.counter("weft_wal_frames_total", "Requests written to the write-ahead log.")),
      bytes(r.counter("weft_wal_bytes_total", "Bytes written to the write-ahead log.")),
      sync_seconds(
          r.histogram("weft_wal_sync_seconds", "Time of one sync of the write-ahead log.", sync_buckets())),
      failed(r.gauge("weft_wal_failed",
                     "1 when the write-ahead log takes no writes: the disk is full or has failed.")) {}

Writer::Writer(Options options, FileSystem& files, Registry& metrics)
    : options_(std::move(options)),
      files_(files),
      metrics_(metrics),
      why_("the write-ahead log has not been read yet") {}

Writer::~Writer() {
  (void)close();
}

void Writer::start(std::uint32_t first_segment, Lsn previous_end) {
  CHECK(!thread_.joinable());
  next_number_ = first_segment;
  previous_end_ = durable_end_ = previous_end;
  synced_at_ = steady_ns();
  if (auto names = files_.list(options_.directory)) {
    std::lock_guard lock(mutex_);
    for (const std::string& name : *names)
      if (is_spare_name(name)) spares_.push_back(name);
  }
  {
    std::lock_guard lock(mutex_);
    state_ = State::running;
    why_.clear();
    number_ = first_segment;
  }
  thread_ = std::jthread([this] {
    ::pthread_setname_np(::pthread_self(), "wal");
    run();
  });
}

Result<void> Writer::check_admission(std::size_t record_bytes) {
  if (state_ == State::full) {
    probe_wanted_ = true;
    work_.notify_one();
    return Error(Code::resource_exhausted, why_);
  }
  if (state_ != State::running || closing_)
    return Error(Code::unavailable, why_.empty() ? "the store is closing" : why_);
  if (queue_bytes_ + record_bytes > options_.queue_bytes_max && !queue_.empty())
    return Error(Code::resource_exhausted, std::to_string(queue_bytes_) +
                                               " bytes wait to be written to the write-ahead log, limit is " +
                                               std::to_string(options_.queue_bytes_max) +
                                               "; send again later");
  return {};
}

Result<void> Writer::admit(std::size_t record_bytes) {
  std::lock_guard lock(mutex_);
  return check_admission(record_bytes);
}

Result<void> Writer::add(std::string record, Done done) {
  std::lock_guard lock(mutex_);
  TRY(check_admission(record.size()));
  queue_bytes_ += record.size();
  queue_.push_back({std::move(record), std::move(done)});
  if (queue_.size() == 1) work_.notify_one();
  return {};
}

bool Writer::writable() const {
  std::lock_guard lock(mutex_);
  return state_ == State::running && !closing_;
}

void Writer::run() {
  std::vector<Entry> batch;
  while (true) {
    bool probe_now = false;
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      auto ready = [&] { return !queue_.empty() || closing_ || probe_wanted_; };
      if (options_.durability == Durability::interval && dirty_) {
        std::int64_t wait = synced_at_ + options_.sync_interval_ns - steady_ns();
        work_.wait_for(lock, std::chrono::nanoseconds(std::max<std::int64_t>(wait, 0)), ready);
      } else {
        work_.wait(lock, ready);
      }
      batch.swap(queue_);
      queue_bytes_ = 0;
      probe_now = std::exchange(probe_wanted_, false);
      last = closing_ && batch.empty();
    }
    if (probe_now) probe();
    if (!batch.empty()) write(batch);
    batch.clear();
    bool due =
        options_.durability == Durability::interval && steady_ns() - synced_at_ >= options_.sync_interval_ns;
    if (dirty_ && (due || last)) {
      if (auto synced = sync(); !synced) refuse(batch, 0, synced.error());
      batch.clear();
    }
    if (last) return;
  }
}

void Writer::write(std::vector<Entry>& batch) {
  std::size_t begin = 0;
  while (begin < batch.size()) {
    if (file_ == nullptr || position_ + batch[begin].record.size() > size_) {
      if (auto rolled = roll(batch[begin].record.size()); !rolled) {
        roll_failed_ = true;
        return refuse(batch, begin, rolled.error());
      }
    }
    std::size_t end = begin;
    std::uint64_t after = position_;
    while (end < batch.size() && after + batch[end].record.size() <= size_)
      after += batch[end++].record.size();
    if (auto written = write_run(batch, begin, end); !written) return refuse(batch, begin, written.error());
    Lsn lsn = make_lsn(next_number_ - 1, position_);
    metrics_.frames.add(end - begin);
    metrics_.bytes.add(after - position_);
    position_ = after;
    if (!dirty_) durable_end_ = make_lsn(next_number_ - 1, position_);
    for (; begin < end; ++begin) {
      batch[begin].done(lsn);
      lsn += batch[begin].record.size();
      batch[begin] = {};
    }
  }
}

Result<void> Writer::write_run(std::vector<Entry>& batch, std::size_t begin, std::size_t end) {
  std::uint64_t at = position_;
  buffer_.clear();
  dirty_ = true;
  for (; begin < end; ++begin) {
    std::string& record = batch[begin].record;
    place_record(record, make_lsn(next_number_ - 1, at + buffer_.size()), durable_end_);
    if (buffer_.size() + record.size() > kWriteBytes && !buffer_.empty()) {
      TRY(file_->write(at, buffer_));
      at += buffer_.size();
      buffer_.clear();
    }
    if (record.size() >= kWriteBytes) {
      TRY(file_->write(at, record));
      at += record.size();
    } else {
      buffer_ += record;
    }
  }
  if (!buffer_.empty()) TRY(file_->write(at, buffer_));
  if (options_.durability == Durability::sync) TRY(sync());
  return {};
}

Result<void> Writer::sync() {
  std::int64_t begin = steady_ns();
  auto synced = file_->sync();
  synced_at_ = steady_ns();
  metrics_.sync_seconds.observe(static_cast<double>(synced_at_ - begin) * 1e-9);
  if (!synced) {
    sync_failed_ = true;
    return synced.error();
  }
  dirty_ = false;
  durable_end_ = make_lsn(next_number_ - 1, position_);
  return {};
}

Result<void> Writer::roll(std::size_t record_bytes) {
  if (dirty_) TRY(sync());
  std::string path = options_.directory + "/" + segment_name(next_number_);
  std::uint64_t size = std::max<std::uint64_t>(options_.segment_bytes, kSegmentHeaderBytes + record_bytes);
  auto file = std::move(file_);
  std::uint64_t position = position_;
  std::uint64_t old_size = size_;
  Lsn end = file == nullptr ? previous_end_ : make_lsn(next_number_ - 1, position);
  previous_end_ = end;
  if (auto prepared = prepare_segment(path, size); !prepared) {
    // Nothing was acknowledged in the new segment; the old one is as it was.
    (void)files_.remove(path);
    file_ = std::move(file);
    position_ = position;
    size_ = old_size;
    return prepared.error();
  }
  std::lock_guard lock(mutex_);
  number_ = next_number_++;
  return {};
}

Result<void> Writer::prepare_segment(const std::string& path, std::uint64_t size) {
  if (size == options_.segment_bytes) {
    if (std::string spare = take_spare(); !spare.empty())
      TRY(files_.rename(options_.directory + "/" + spare, path));
  }
  file_ = TRY(files_.open(path, FileSystem::Mode::read_write));
  TRY(file_->allocate(size));
  std::string header = encode_segment_header(previous_end_);
  place_record(header, make_lsn(next_number_, 0), durable_end_);
  TRY(file_->write(0, header));
  auto synced = file_->sync();
  if (synced) synced = files_.sync_directory(options_.directory);
  if (!synced) {
    sync_failed_ = true;
    return synced;
  }
  position_ = header.size();
  size_ = size;
  return {};
}

void Writer::probe() {
  std::int64_t now = steady_ns();
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::full) return;
    if (now - probed_at_ < kProbeIntervalNs) return;
  }
  probed_at_ = now;
  Result<void> tried;
  if (roll_failed_ || file_ == nullptr) {
    tried = roll(0);
  } else {
    // The write that failed left something behind; zeros show whether there is space, and erase it.
    std::string zeros(std::min<std::uint64_t>(size_ - position_, std::uint64_t{64} << 10), '\0');
    tried = file_->write(position_, zeros);
  }
  std::lock_guard lock(mutex_);
  if (tried) {
    roll_failed_ = false;
    state_ = State::running;
    why_.clear();
    metrics_.failed.set(0);
    LOG(info, "write-ahead log has space again");
  } else if (sync_failed_) {
    state_ = State::failed;
    why_ = tried.error().message();
    LOG(error, "write-ahead log failed", {"error", why_});
  }
}

void Writer::refuse(std::vector<Entry>& batch, std::size_t begin, const Error& error) {
  bool space = error.code() == Code::resource_exhausted && !sync_failed_;
  // A segment that could not be made holds nothing; that is worth another try, whatever the reason.
  bool final = sync_failed_ || (!space && !roll_failed_);
  std::string why = "the write-ahead log takes no writes: " + error.message() +
                    (final ? "; restart after the device has been seen to"
                           : "; free some disk space, writing goes on by itself");
  Error refusal(final ? Code::unavailable : Code::resource_exhausted, why);
  {
    std::lock_guard lock(mutex_);
    state_ = final ? State::failed : State::full;
    why_ = why;
    for (Entry& entry : queue_) batch.push_back(std::move(entry));
    queue_.clear();
    queue_bytes_ = 0;
  }
  if (final) dirty_ = false;  // never ask that device again
  metrics_.failed.set(1);
  LOG(error, "write-ahead log takes no writes", {"error", error.message()}, {"final", final});
  for (; begin < batch.size(); ++begin) batch[begin].done(refusal);
}

std::string Writer::take_spare() {
  std::lock_guard lock(mutex_);
  if (spares_.empty()) return {};
  std::string name = std::move(spares_.back());
  spares_.pop_back();
  return name;
}

Result<void> Writer::release_before(std::uint32_t segment) {
  std::uint32_t current = 0;
  {
    std::lock_guard lock(mutex_);
    current = number_;
  }
  bool changed = false;
  for (const std::string& name : TRY(files_.list(options_.directory))) {
    std::uint32_t number = segment_number(name);
    if (number == 0 || number >= segment || number >= current) continue;
    std::string path = options_.directory + "/" + name;
    std::uint64_t size = 0;
    {
      auto file = TRY(files_.open(path, FileSystem::Mode::read));
      size = TRY(file->size());
    }
    bool keep = false;
    {
      std::lock_guard lock(mutex_);
      keep = spares_.size() < options_.spares_max && size == options_.segment_bytes;
    }
    changed = true;
    if (!keep) {
      TRY(files_.remove(path));
      continue;
    }
    std::string spare = numbered(kSparePrefix, number);
    TRY(files_.rename(path, options_.directory + "/" + spare));
    std::lock_guard lock(mutex_);
    spares_.push_back(std::move(spare));
  }
  if (changed) TRY(files_.sync_directory(options_.directory));
  return {};
}

Result<void> Writer::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    work_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  std::lock_guard lock(mutex_);
  if (state_ == State::failed) return Error(Code::unavailable, why_);
  if (state_ != State::stopped) state_ = State::closed;
  return {};
}

}  // namespace weft::storage::wal
