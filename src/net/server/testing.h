#pragma once

// For tests only: a server on a free port of 127.0.0.1, and a socket to send it exact bytes.

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/server.h"

namespace weft::net {

struct TestServer {
  explicit TestServer(Handler handler, ServerOptions options = {}) {
    auto made = Server::listen(std::move(options), std::move(handler), metrics);
    if (!made) throw std::runtime_error(made.error().message());
    server = std::move(*made);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }

  // The value of "name" or "name{label="x"}" in the metrics; -1 when there is none.
  double metric(const std::string& name) const {
    std::string text = "\n" + metrics.render();
    std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + name.size() + 2, nullptr);
  }
  double refused(const std::string& reason) const {
    return metric("weft_http_refused_total{reason=\"" + reason + "\"}");
  }

  Registry metrics;
  std::unique_ptr<Server> server;
};

// A blocking socket. Throws when it cannot connect.
class RawSocket {
 public:
  // `receive_bytes`: of the kernel's buffer; 0 for its own choice.
  explicit RawSocket(std::uint16_t port, int receive_bytes = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_bytes > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd_);
      throw std::runtime_error("cannot connect");
    }
  }
  ~RawSocket() { close(); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void end_input() { ::shutdown(fd_, SHUT_WR); }

  // False: the peer takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // Everything up to and including `marker`, or up to the end.
  std::string read_until(std::string_view marker) {
    std::size_t at = 0;
    while ((at = got_.find(marker)) == std::string::npos)
      if (!more()) return std::exchange(got_, {});
    return take(at + marker.size());
  }
  std::string read(std::size_t size) {
    while (got_.size() < size)
      if (!more()) return std::exchange(got_, {});
    return take(size);
  }
  // To the end; a reset counts as the end.
  std::string read_all() {
    while (more()) {
    }
    return std::exchange(got_, {});
  }
  // One answer with a content-length: head and body.
  std::string read_answer() {
    std::string head = read_until("\r\n\r\n");
    std::size_t at = head.find("content-length: ");
    if (at == std::string::npos) return head;
    return head + read(std::strtoul(head.c_str() + at + 16, nullptr, 10));
  }
  // Sends a request; the status of its answer, 0 when there is none.
  int ask(std::string_view request) {
    send(request);
    std::string answer = read_answer();
    return answer.starts_with("HTTP/1.1 ") ? std::atoi(answer.c_str() + 9) : 0;
  }

 private:
  bool more() {
    char buffer[16 * 1024];
    ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    got_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  std::string take(std::size_t size) {
    std::string out = got_.substr(0, size);
    got_.erase(0, size);
    return out;
  }

  int fd_;
  std::string got_;
};

}  // namespace weft::net
