#include "net/client/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

namespace weft::net {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

}  // namespace

std::string Address::place() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

Result<Address> parse_address(const std::string& url) {
  auto wrong = [&] { return Error(Code::invalid_argument, "not an address: " + url); };
  Address out;
  std::size_t begin = url.find("://");
  if (begin == std::string::npos || url.find_first_of(" \t\r\n") != std::string::npos) return wrong();
  out.scheme = url.substr(0, begin);
  begin += 3;
  std::size_t end = std::min(url.find_first_of("/?", begin), url.size());
  std::string authority = url.substr(begin, end - begin);
  out.target = url.substr(end);
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  std::size_t bracket = authority.find(']');  // of an IPv6 address
  std::size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  out.host = authority.substr(0, colon);
  out.port = colon == std::string::npos ? "80" : authority.substr(colon + 1);
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty() || out.port.empty()) return wrong();
  return out;
}

ClientSocket::~ClientSocket() {
  if (fd_ >= 0) ::close(fd_);
}

Error ClientSocket::failed(int error) const {
  return Error(error == ETIMEDOUT ? Code::deadline_exceeded : Code::unavailable,
               place_ + ": " + std::strerror(error));
}

bool ClientSocket::ready(short events, std::int64_t deadline_ns) const {
  for (;;) {
    std::int64_t left_ms = std::max<std::int64_t>(0, (deadline_ns - steady_ns() + 999'999) / 1'000'000);
    pollfd poll{fd_, events, 0};
    int n = ::poll(&poll, 1, static_cast<int>(std::min<std::int64_t>(left_ms, 3'600'000)));
    if (n > 0) return true;
    if (n == 0 && steady_ns() >= deadline_ns) return false;
    if (n < 0 && errno != EINTR) return false;
  }
}

// 0, or the error number.
int ClientSocket::connect_one(int fd, const void* address, unsigned size, std::int64_t deadline_ns) {
  fd_ = fd;
  if (::connect(fd, static_cast<const sockaddr*>(address), size) == 0) return 0;
  int error = errno;
  if (error == EINPROGRESS) {
    socklen_t length = sizeof error;
    if (!ready(POLLOUT, deadline_ns)) {
      error = ETIMEDOUT;
    } else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0) {
      return 0;
    }
  }
  ::close(fd);
  fd_ = -1;
  return error;
}

Result<void> ClientSocket::connect(const Address& address, std::int64_t deadline_ns) {
  place_ = address.place();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int code = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found); code != 0)
    return Error(Code::unavailable, place_ + ": " + ::gai_strerror(code));
  int error = ECONNREFUSED;
  for (addrinfo* a = found; a != nullptr && error != 0; a = a->ai_next) {
    int fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    error = fd < 0 ? errno : connect_one(fd, a->ai_addr, a->ai_addrlen, deadline_ns);
  }
  ::freeaddrinfo(found);
  if (error != 0) return failed(error);
  int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return {};
}

Result<void> ClientSocket::send(std::string_view bytes, std::int64_t deadline_ns) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!ready(POLLOUT, deadline_ns)) return failed(ETIMEDOUT);
    } else if (errno != EINTR) {
      return failed(errno);
    }
  }
  return {};
}

Result<std::string_view> ClientSocket::receive(std::int64_t deadline_ns) {
  buffer_.resize(kBufferBytes);
  for (;;) {
    ssize_t n = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (n > 0) return std::string_view(buffer_.data(), static_cast<std::size_t>(n));
    if (n == 0) return Error(Code::unavailable, place_ + ": the peer closed the connection");
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return failed(errno);
    if (!ready(POLLIN, deadline_ns)) return std::string_view();
  }
}

}  // namespace weft::net
