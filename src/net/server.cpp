#include "net/server.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/server/loop.h"

namespace weft::net {
namespace {

constexpr int kBacklog = 1024;

// A listening socket and its port.
struct Listener {
  int fd = -1;
  std::uint16_t port = 0;
};

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  in_port_t port = 0;  // at the same place in both families
  std::memcpy(&port, reinterpret_cast<const char*>(&address) + offsetof(sockaddr_in, sin_port), sizeof port);
  return ntohs(port);
}

Result<Listener> open_listener(const std::string& address, std::uint16_t port) {
  std::string where = address + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int failed = ::getaddrinfo(address.empty() ? nullptr : address.c_str(), std::to_string(port).c_str(),
                             &hints, &found);
  if (failed != 0)
    return Error(Code::unavailable, "cannot listen on " + where + ": " + ::gai_strerror(failed) +
                                        "; give an address of this machine, or 0.0.0.0 for all");
  int error = EADDRNOTAVAIL;
  for (addrinfo* a = found; a != nullptr; a = a->ai_next) {
    int fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = errno;
      continue;
    }
    int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd, a->ai_addr, a->ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0) {
      ::freeaddrinfo(found);
      return Listener{fd, bound_port(fd)};
    }
    error = errno;
    ::close(fd);
  }
  ::freeaddrinfo(found);
  const char* remedy = error == EADDRINUSE ? "; stop the program that has it, or choose another port"
                       : error == EACCES   ? "; ports below 1024 need a privilege, choose a higher one"
                                           : "; give an address of this machine, or 0.0.0.0 for all";
  return Error(Code::unavailable, "cannot listen on " + where + ": " + std::strerror(error) + remedy);
}

// One loop moves more bytes than a few cores can make; a second helps on bigger machines.
std::size_t loop_count() {
  return std::thread::hardware_concurrency() > 4 ? 2 : 1;
}

}  // namespace

struct Server::Impl {
  std::string address;
  Listener listener;
  std::shared_ptr<Core> core;
  std::vector<std::unique_ptr<Loop>> loops;
  std::mutex stopping;
  bool stopped = false;  // under stopping

  ~Impl() {
    if (listener.fd >= 0) ::close(listener.fd);
  }
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  stop(0);
}

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Handler handler, Registry& metrics) {
  auto impl = std::make_unique<Impl>();
  impl->address = options.address;
  impl->listener = TRY(open_listener(options.address, options.port));
  impl->core = std::make_shared<Core>(std::move(options), std::move(handler), metrics);
  std::vector<Loop*> all;
  for (std::size_t i = 0; i < loop_count(); ++i) {
    impl->loops.push_back(TRY(Loop::create(impl->core)));
    all.push_back(impl->loops.back().get());
  }
  TRY(all[0]->accept_from(impl->listener.fd, all));
  for (Loop* loop : all) loop->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const {
  return impl_->listener.port;
}

const std::string& Server::address() const {
  return impl_->address;
}

void Server::stop(std::int64_t grace_ns) {
  std::lock_guard lock(impl_->stopping);
  if (impl_->stopped) return;
  impl_->stopped = true;
  ::shutdown(impl_->listener.fd, SHUT_RDWR);  // refuses connections from now on; accept() fails
  for (auto& loop : impl_->loops) loop->stop_connections();
  impl_->core->wait_settled(grace_ns);
  for (auto& loop : impl_->loops) loop->join();  // closes all; whoever waits in write() goes on
  impl_->core->pool.stop();
  impl_->core->handler = nullptr;  // a Responder that is still held must not keep what it captured
}

}  // namespace weft::net
