#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::net {

// The parts of an absolute address: "http://[::1]:3100/a?b" -> http, ::1, 3100, /a?b.
struct Address {
  std::string scheme;
  std::string host;    // without brackets
  std::string port;    // 80 when none is given
  std::string target;  // begins with '/'

  std::string place() const;  // "127.0.0.1:3100", "[::1]:3100"
};
// Errors: invalid_argument when it is none.
Result<Address> parse_address(const std::string& url);

// A connected TCP socket with deadlines (of the steady clock). One thread.
class ClientSocket {
 public:
  ClientSocket() = default;
  ~ClientSocket();
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  // Errors of all three: unavailable, deadline_exceeded; the message names the peer.
  Result<void> connect(const Address& address, std::int64_t deadline_ns);
  Result<void> send(std::string_view bytes, std::int64_t deadline_ns);
  // At least one byte, valid until the next call; nothing when the deadline comes first. The end of
  // the stream is an error.
  Result<std::string_view> receive(std::int64_t deadline_ns);

  const std::string& place() const { return place_; }

 private:
  bool ready(short events, std::int64_t deadline_ns) const;
  int connect_one(int fd, const void* address, unsigned size, std::int64_t deadline_ns);
  Error failed(int error) const;

  int fd_ = -1;
  std::string place_;
  std::string buffer_;
};

}  // namespace weft::net
