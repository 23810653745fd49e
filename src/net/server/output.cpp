#include "net/server/output.h"

#include <cerrno>

#include <sys/socket.h>
#include <sys/uio.h>

namespace weft::net {
namespace {

// Below this a copy is cheaper than one more element of the I/O vector.
constexpr std::size_t kJoinBytesMax = 4096;
constexpr std::size_t kPartBytesMax = 64 * 1024;
constexpr std::size_t kVectorsMax = 16;

}  // namespace

void OutputQueue::append(std::string&& bytes) {
  if (bytes.size() <= kJoinBytesMax && !parts_.empty()) return append(std::string_view(bytes));
  if (bytes.empty()) return;
  size_ += bytes.size();
  parts_.push_back(std::move(bytes));
}

void OutputQueue::append(std::string_view bytes) {
  if (bytes.empty()) return;
  if (parts_.empty() || parts_.back().size() + bytes.size() > kPartBytesMax) parts_.emplace_back();
  parts_.back() += bytes;
  size_ += bytes.size();
}

OutputQueue::Outcome OutputQueue::flush(int fd, std::size_t& sent) {
  while (size_ > 0) {
    iovec vectors[kVectorsMax];
    std::size_t count = 0;
    for (auto& part : parts_) {
      if (count == kVectorsMax) break;
      std::size_t skip = count == 0 ? offset_ : 0;
      vectors[count++] = {part.data() + skip, part.size() - skip};
    }
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    ssize_t n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Outcome::would_block : Outcome::failed;
    }
    sent += static_cast<std::size_t>(n);
    drop_front(static_cast<std::size_t>(n));
  }
  return Outcome::sent_all;
}

void OutputQueue::drop_front(std::size_t bytes) {
  size_ -= bytes;
  while (bytes > 0) {
    std::size_t rest = parts_.front().size() - offset_;
    if (bytes < rest) {
      offset_ += bytes;
      return;
    }
    bytes -= rest;
    offset_ = 0;
    parts_.pop_front();
  }
}

void OutputQueue::clear() {
  parts_.clear();
  offset_ = 0;
  size_ = 0;
}

}  // namespace weft::net
