#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The frames of RFC 6455, without extensions.

namespace weft::net::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// Close codes that we send.
inline constexpr int kNormal = 1000;
inline constexpr int kGoingAway = 1001;
inline constexpr int kProtocolError = 1002;
inline constexpr int kTooBig = 1009;
inline constexpr int kTryAgainLater = 1013;

// Appends one whole frame; a client must give a mask, a server must not.
void append_frame(std::string& out, Opcode opcode, std::string_view payload,
                  std::optional<std::uint32_t> mask = std::nullopt);

// The payload of a close frame: the reason is cut to what fits in a control frame.
std::string close_payload(int code, std::string_view reason);

struct Close {
  int code = 1005;  // none was given
  std::string reason;
};
Close parse_close(std::string_view payload);

// The answer to sec-websocket-key.
std::string accept_key(std::string_view key);

// A control frame, or a whole message joined from its fragments.
struct Message {
  Opcode opcode = Opcode::text;
  std::string payload;
};

// Cuts bytes, in pieces of any size, into messages. One thread.
class FrameDecoder {
 public:
  enum class Peer : unsigned char { client, server };  // who sends: clients mask, servers do not
  enum class Data : unsigned char { keep, drop };      // drop: text and binary messages are skipped
  FrameDecoder(Peer peer, Data data, std::size_t message_bytes_max)
      : peer_(peer), data_(data), message_bytes_max_(message_bytes_max) {}

  // Appends what became whole. 0, or the close code for bytes that break the protocol; after that
  // nothing more may be fed.
  int feed(std::string_view bytes, std::vector<Message>& out);

 private:
  int take_header(std::string_view& bytes);
  int check_header();
  void finish_frame(std::vector<Message>& out);

  Peer peer_;
  Data data_;
  std::size_t message_bytes_max_;

  std::string header_;  // of the frame, as far as it has come
  bool in_payload_ = false;
  bool final_ = false;
  Opcode opcode_ = Opcode::text;
  std::uint64_t left_ = 0;  // of the payload
  unsigned char mask_[4] = {};
  std::size_t mask_at_ = 0;
  std::string control_;  // payload of a control frame

  bool in_message_ = false;  // fragments of a data message have come
  Opcode message_opcode_ = Opcode::text;
  std::uint64_t message_bytes_ = 0;
  std::string message_;
};

}  // namespace weft::net::websocket
