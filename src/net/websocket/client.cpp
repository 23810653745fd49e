#include "net/websocket/client.h"

#include <cstdint>
#include <memory>
#include <random>
#include <utility>

#include <netdb.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/client/socket.h"
#include "net/server/session.h"
#include "net/websocket/frame.h"

namespace weft::net::websocket {
namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kMessageBytesMax = std::size_t{256} << 20;
constexpr std::int64_t kAnswerNs = 10'000'000'000;  // to connect, and to answer the upgrade
constexpr std::int64_t kPingNs = 20'000'000'000;   // silence after which we ask
constexpr int kSilencesMax = 3;    // unanswered: gone

std::string random_key() {
  std::random_device random;
  unsigned char bytes[16];
  for (unsigned char& b : bytes) b = static_cast<unsigned char>(random());
  unsigned char encoded[32];
  int n = ::EVP_EncodeBlock(encoded, bytes, sizeof bytes);
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(n)};
}

// Sends the upgrade request and reads its answer; returns what came after it.
Result<std::string> shake_hands(ClientSocket& wire, const Address& address, const Headers& headers) {
  std::string key = random_key();
  std::string request = "GET " + address.target + " HTTP/1.1\r\nhost: " + address.place() +
                        "\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
                        "sec-websocket-key: " +
                        key + "\r\n";
  for (const auto& [name, value] : headers) {
    if (!is_sendable(name, value)) return Error(Code::invalid_argument, "header cannot be sent: " + name);
    request += name + ": " + value + "\r\n";
  }
  std::int64_t deadline = steady_ns() + kAnswerNs;
  TRY(wire.send(request + "\r\n", deadline));

  std::string got;
  std::size_t end = std::string::npos;
  while ((end = got.find("\r\n\r\n")) == std::string::npos) {
    if (got.size() > kHeadBytesMax) return Error(Code::unavailable, wire.place() + ": answer is not HTTP");
    std::string_view more = TRY(wire.receive(deadline));
    if (more.empty()) return Error(Code::deadline_exceeded, wire.place() + ": no answer to the upgrade");
    got += more;
  }
  std::string head = got.substr(0, end);
  std::string body = got.substr(end + 4);
  if (!head.starts_with("HTTP/1.1 101")) {
    std::string line = head.substr(0, head.find("\r\n"));
    if (!body.empty()) line += ": " + body.substr(0, std::min(body.find('\n'), std::size_t{500}));
    return Error(Code::unavailable, wire.place() + " did not upgrade: " + line);
  }
  if (head.find(accept_key(key)) == std::string::npos)
    return Error(Code::unavailable, wire.place() + ": wrong sec-websocket-accept");
  return body;
}

}  // namespace

Result<void> follow(const std::string& url, const Headers& headers,
                    const std::function<bool(std::string_view)>& on_message) {
  Address address = TRY(parse_address(url));
  if (address.scheme == "wss" || address.scheme == "https")
    return Error(Code::unimplemented, "WebSocket over TLS is not supported: " + url);
  if (address.scheme != "ws" && address.scheme != "http")
    return Error(Code::invalid_argument, "not a WebSocket address: " + url);
  auto wire = std::make_unique<ClientSocket>();
  TRY(wire->connect(address, steady_ns() + kAnswerNs));
  std::string first = TRY(shake_hands(*wire, address, headers));

  std::minstd_rand mask(std::random_device{}());
  auto frame = [&](Opcode opcode, std::string_view payload) {
    std::string out;
    append_frame(out, opcode, payload, static_cast<std::uint32_t>(mask()));
    return wire->send(out, steady_ns() + kAnswerNs);
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
      return Error(Code::unavailable, wire->place() + ": malformed WebSocket frame");
    }
    bytes = TRY(wire->receive(steady_ns() + kPingNs));
    silences = bytes.empty() ? silences + 1 : 0;
    if (silences > kSilencesMax) return Error(Code::unavailable, wire->place() + ": the peer is silent");
    if (silences > 0) TRY(frame(Opcode::ping, ""));
  }
}

}  // namespace weft::net::websocket
