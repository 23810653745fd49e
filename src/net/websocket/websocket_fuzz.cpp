#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "net/server/scripted_host.h"
#include "net/websocket/frame.h"
#include "net/websocket/session.h"

// The first byte chooses who sends and how the rest is cut into pieces.

namespace {

using namespace weft;
using namespace weft::net;
using namespace weft::net::websocket;

std::string decoded(std::string_view bytes, std::size_t piece, FrameDecoder::Peer peer) {
  FrameDecoder decoder(peer, FrameDecoder::Data::keep, 10'000);
  std::string out;
  int failure = 0;
  while (!bytes.empty() && failure == 0) {
    std::vector<Message> messages;
    failure = decoder.feed(bytes.substr(0, piece), messages);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (const Message& m : messages) {
      CHECK(m.payload.size() <= 10'000);
      out += static_cast<char>(m.opcode);
      out += m.payload;
    }
  }
  return out + std::to_string(failure);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto peer = data[0] % 2 == 0 ? FrameDecoder::Peer::client : FrameDecoder::Peer::server;
  std::size_t piece = std::size_t{1} + data[0] / 2;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  CHECK(decoded(bytes, piece, peer) == decoded(bytes, bytes.size() + 1, peer));

  ScriptedHost host;
  WebSocketSession session(host);
  while (!bytes.empty() && !session.closed()) {
    session.input(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  CHECK(host.output().size() <= 2 * size + 200);
  return 0;
}
