#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace weft::net {

// Bytes that wait to be sent on one socket, in order. Big strings are kept as they came, small ones
// are joined. One thread at a time.
class OutputQueue {
 public:
  void append(std::string&& bytes);
  void append(std::string_view bytes);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  enum class Outcome : unsigned char { sent_all, would_block, failed };
  // Sends what the (non-blocking) socket takes; adds the number of bytes to `sent`.
  Outcome flush(int fd, std::size_t& sent);
  void clear();

 private:
  void drop_front(std::size_t bytes);

  std::deque<std::string> parts_;
  std::size_t offset_ = 0;  // of the first unsent byte in parts_.front()
  std::size_t size_ = 0;    // unsent bytes
};

}  // namespace weft::net
