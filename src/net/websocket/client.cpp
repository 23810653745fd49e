#include "net/websocket/client.h"

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include <netdb.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/server/session.h"
#include "net/websocket/frame.h"

namespace weft::net::websocket {
namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kMessageBytesMax = std::size_t{256} << 20;
constexpr int kAnswerMs = 10'000;  // to connect, and to answer the upgrade
constexpr int kPingMs = 20'000;    // silence after which we ask
constexpr int kSilencesMax = 3;    // unanswered: gone

struct Place {
  std::string host;
  std::string port;
  std::string target;
};

Result<Place> parse_url(const std::string& url) {
  std::size_t begin = 0;
  for (std::string_view scheme : {"ws://", "http://"})
    if (url.starts_with(scheme)) begin = scheme.size();
  if (begin == 0) {
    bool secure = url.starts_with("wss://") || url.starts_with("https://");
    return Error(secure ? Code::unimplemented : Code::invalid_argument,
                 secure ? "WebSocket over TLS is not supported: " + url : "not a WebSocket address: " + url);
  }
  std::size_t end = std::min(url.find_first_of("/?", begin), url.size());
  std::string authority = url.substr(begin, end - begin);
  Place out;
  out.target = url.substr(end);
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  std::size_t bracket = authority.find(']');  // of an IPv6 address
  std::size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  out.host = authority.substr(0, colon);
  out.port = colon == std::string::npos ? "80" : authority.substr(colon + 1);
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  bool clean = out.target.find_first_of(" \r\n") == std::string::npos;
  if (out.host.empty() || !clean) return Error(Code::invalid_argument, "not a WebSocket address: " + url);
  return out;
}

// A connected socket. One thread.
class Wire {
 public:
  Wire() = default;
  ~Wire() {
    if (fd_ >= 0) ::close(fd_);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  Result<void> connect(const Place& place) {
    where_ = place.host + ":" + place.port;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (int failed = ::getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found); failed != 0)
      return Error(Code::unavailable, where_ + ": " + ::gai_strerror(failed));
    int error = ECONNREFUSED;
    for (addrinfo* a = found; a != nullptr && fd_ < 0; a = a->ai_next) {
      int fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd < 0) continue;
      error = connect_one(fd, *a);
      if (error == 0) {
        fd_ = fd;
      } else {
        ::close(fd);
      }
    }
    ::freeaddrinfo(found);
    if (fd_ < 0) return failed(error);
    return {};
  }

  Result<void> send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!ready(POLLOUT, kAnswerMs)) return failed(ETIMEDOUT);
      } else if (errno != EINTR) {
        return failed(errno);
      }
    }
    return {};
  }

  // The bytes that have come; empty when none did in time. Errors: unavailable, also at the end.
  Result<std::string_view> receive(int timeout_ms) {
    if (!ready(POLLIN, timeout_ms)) return std::string_view();
    ssize_t n = ::recv(fd_, buffer_, sizeof buffer_, 0);
    if (n > 0) return std::string_view(buffer_, static_cast<std::size_t>(n));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return std::string_view();
    if (n < 0) return failed(errno);
    return Error(Code::unavailable, where_ + ": the peer closed the connection");
  }

  const std::string& where() const { return where_; }

 private:
  static int connect_one(int fd, const addrinfo& address) {
    if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd poll{fd, POLLOUT, 0};
    if (::poll(&poll, 1, kAnswerMs) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }

  bool ready(short events, int timeout_ms) const {
    pollfd poll{fd_, events, 0};
    return ::poll(&poll, 1, timeout_ms) > 0;
  }

  Error failed(int error) const { return Error(Code::unavailable, where_ + ": " + std::strerror(error)); }

  int fd_ = -1;
  std::string where_;
  char buffer_[64 * 1024];
};

std::string random_key() {
  std::random_device random;
  unsigned char bytes[16];
  for (unsigned char& b : bytes) b = static_cast<unsigned char>(random());
  unsigned char encoded[32];
  int n = ::EVP_EncodeBlock(encoded, bytes, sizeof bytes);
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(n)};
}

// Sends the upgrade request and reads its answer; returns what came after it.
Result<std::string> shake_hands(Wire& wire, const Place& place, const Headers& headers) {
  std::string key = random_key();
  std::string host = place.host.find(':') == std::string::npos ? place.host : "[" + place.host + "]";
  std::string request = "GET " + place.target + " HTTP/1.1\r\nhost: " + host + ":" + place.port +
                        "\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
                        "sec-websocket-key: " +
                        key + "\r\n";
  for (const auto& [name, value] : headers) {
    if (!is_sendable(name, value)) return Error(Code::invalid_argument, "header cannot be sent: " + name);
    request += name + ": " + value + "\r\n";
  }
  TRY(wire.send(request + "\r\n"));

  std::string got;
  std::size_t end = std::string::npos;
  std::int64_t deadline = steady_ns() + std::int64_t{kAnswerMs} * 1'000'000;
  while ((end = got.find("\r\n\r\n")) == std::string::npos) {
    if (got.size() > kHeadBytesMax) return Error(Code::unavailable, wire.where() + ": answer is not HTTP");
    std::int64_t left_ms = (deadline - steady_ns()) / 1'000'000;
    if (left_ms <= 0) return Error(Code::deadline_exceeded, wire.where() + ": no answer to the upgrade");
    got += TRY(wire.receive(static_cast<int>(left_ms)));
  }
  std::string head = got.substr(0, end);
  std::string body = got.substr(end + 4);
  if (!head.starts_with("HTTP/1.1 101")) {
    std::string line = head.substr(0, head.find("\r\n"));
    if (!body.empty()) line += ": " + body.substr(0, std::min(body.find('\n'), std::size_t{500}));
    return Error(Code::unavailable, wire.where() + " did not upgrade: " + line);
  }
  if (head.find(accept_key(key)) == std::string::npos)
    return Error(Code::unavailable, wire.where() + ": wrong sec-websocket-accept");
  return body;
}

}  // namespace

Result<void> follow(const std::string& url, const Headers& headers,
                    const std::function<bool(std::string_view)>& on_message) {
  Place place = TRY(parse_url(url));
  auto wire = std::make_unique<Wire>();
  TRY(wire->connect(place));
  std::string first = TRY(shake_hands(*wire, place, headers));

  std::minstd_rand mask(std::random_device{}());
  auto frame = [&](Opcode opcode, std::string_view payload) {
    std::string out;
    append_frame(out, opcode, payload, static_cast<std::uint32_t>(mask()));
    return wire->send(out);
  };
  FrameDecoder decoder(FrameDecoder::Peer::server, FrameDecoder::Data::keep, kMessageBytesMax);
  std::vector<Message> messages;
  std::string_view bytes = first;
  int silences = 0;
  for (;;) {
    messages.clear();
    int failure = decoder.feed(bytes, messages);
    for (const Message& message : messages) {
      if (message.opcode == Opcode::close) {
        Close close = parse_close(message.payload);
        (void)frame(Opcode::close, message.payload.substr(0, 2));  // the peer may be gone already
        if (close.code == kNormal) return {};
        return Error(Code::unavailable,
                     close.reason.empty() ? "closed with code " + std::to_string(close.code) : close.reason);
      }
      if (message.opcode == Opcode::ping) TRY(frame(Opcode::pong, message.payload));
      if (message.opcode == Opcode::text && !on_message(message.payload)) {
        (void)frame(Opcode::close, close_payload(kNormal, ""));
        return {};
      }
    }
    if (failure != 0) {
      (void)frame(Opcode::close, close_payload(failure, ""));
      return Error(Code::unavailable, wire->where() + ": malformed WebSocket frame");
    }
    bytes = TRY(wire->receive(kPingMs));
    silences = bytes.empty() ? silences + 1 : 0;
    if (silences > kSilencesMax) return Error(Code::unavailable, wire->where() + ": the peer is silent");
    if (silences > 0) TRY(frame(Opcode::ping, ""));
  }
}

}  // namespace weft::net::websocket
