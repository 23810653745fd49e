#include "net/websocket/session.h"

#include <algorithm>

namespace weft::net::websocket {
namespace {

constexpr std::size_t kSendBytesMax = std::size_t{4} << 20;
constexpr std::size_t kMessageBytesMax = std::size_t{1} << 20;  // from the peer; dropped unread
constexpr std::int64_t kPingEveryNs = 1'000'000'000;
constexpr std::int64_t kSilenceNsMax = 60'000'000'000;  // neither pong nor anything else: gone

}  // namespace

WebSocketSession::WebSocketSession(Host& host)
    : host_(host),
      decoder_(FrameDecoder::Peer::client, FrameDecoder::Data::drop, kMessageBytesMax),
      heard_ns_(host.now_ns()),
      ping_ns_(heard_ns_ + kPingEveryNs) {}

void WebSocketSession::frame(Opcode opcode, std::string_view payload) {
  std::string out;
  append_frame(out, opcode, payload);
  host_.output().append(std::move(out));
}

bool WebSocketSession::send_text(std::string_view message) {
  if (closed_ || host_.output().size() + message.size() > kSendBytesMax) return false;
  frame(Opcode::text, message);
  return true;
}

void WebSocketSession::close(int code, std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  frame(Opcode::close, close_payload(code, reason));
  host_.finish();
}

void WebSocketSession::input(std::string_view bytes) {
  if (closed_) return;
  heard_ns_ = host_.now_ns();
  messages_.clear();
  int failure = decoder_.feed(bytes, messages_);
  for (const Message& message : messages_) {
    if (closed_) return;
    if (message.opcode == Opcode::close) {
      Close got = parse_close(message.payload);
      close(got.code >= 1000 && got.code <= 4999 && got.code != 1005 ? got.code : kNormal, "");
    } else if (message.opcode == Opcode::ping && host_.output().size() < kSendBytesMax) {
      frame(Opcode::pong, message.payload);
    }
  }
  if (failure != 0) {
    host_.count(Refusal::malformed);
    close(failure, failure == kTooBig ? "message is too big" : "malformed frame");
  }
}

void WebSocketSession::end_of_input() {
  closed_ = true;
  host_.finish();
}

std::int64_t WebSocketSession::deadline_ns() const {
  return closed_ ? kNever : std::min(ping_ns_, heard_ns_ + kSilenceNsMax);
}

void WebSocketSession::timeout() {
  if (closed_) return;
  std::int64_t now = host_.now_ns();
  if (now >= heard_ns_ + kSilenceNsMax) {
    closed_ = true;
    return host_.abort();
  }
  ping_ns_ = now + kPingEveryNs;
  if (host_.output().empty()) frame(Opcode::ping, "");
}

}  // namespace weft::net::websocket
