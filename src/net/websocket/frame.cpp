#include "net/websocket/frame.h"

#include <algorithm>
#include <utility>

#include <openssl/evp.h>

namespace weft::net::websocket {
namespace {

constexpr std::size_t kControlBytesMax = 125;
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

bool is_control(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode) >= 8;
}

std::size_t header_bytes(std::string_view begun) {
  if (begun.size() < 2) return 2;
  auto second = static_cast<unsigned char>(begun[1]);
  std::size_t length = second & 0x7f;
  return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + ((second & 0x80) != 0 ? 4 : 0);
}

}  // namespace

void append_frame(std::string& out, Opcode opcode, std::string_view payload,
                  std::optional<std::uint32_t> mask) {
  auto byte = [&](std::uint64_t value) { out += static_cast<char>(value & 0xff); };
  byte(0x80 | static_cast<std::uint8_t>(opcode));
  std::uint8_t masked = mask ? 0x80 : 0;
  std::size_t n = payload.size();
  if (n < 126) {
    byte(masked | n);
  } else if (n < 65536) {
    byte(masked | 126);
    byte(n >> 8);
    byte(n);
  } else {
    byte(masked | 127);
    for (int shift = 56; shift >= 0; shift -= 8) byte(std::uint64_t{n} >> shift);
  }
  if (!mask) {
    out += payload;
    return;
  }
  char key[4];
  for (int i = 0; i < 4; ++i) key[i] = static_cast<char>(*mask >> (24 - 8 * i));
  out.append(key, 4);
  std::size_t at = out.size();
  out += payload;
  for (std::size_t i = 0; i < n; ++i) out[at + i] = static_cast<char>(out[at + i] ^ key[i % 4]);
}

std::string close_payload(int code, std::string_view reason) {
  std::string out;
  out += static_cast<char>(code >> 8);
  out += static_cast<char>(code & 0xff);
  std::size_t end = std::min(reason.size(), kControlBytesMax - 2);
  auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(reason[at]) & 0xc0) == 0x80; };
  while (end > 0 && end < reason.size() && continues(end)) --end;  // not in the middle of a code point
  return out.append(reason.substr(0, end));
}

Close parse_close(std::string_view payload) {
  Close out;
  if (payload.size() < 2) return out;
  out.code = static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
  out.reason = payload.substr(2);
  return out;
}

std::string accept_key(std::string_view key) {
  std::string text = std::string(key).append(kGuid);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (::EVP_Digest(text.data(), text.size(), digest, &length, ::EVP_sha1(), nullptr) != 1) return {};
  unsigned char encoded[64];
  int n = ::EVP_EncodeBlock(encoded, digest, static_cast<int>(length));
  return {reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(n)};
}

int FrameDecoder::feed(std::string_view bytes, std::vector<Message>& out) {
  for (;;) {
    if (!in_payload_) {
      if (bytes.empty()) return 0;
      if (int code = take_header(bytes); code != 0) return code;
      if (!in_payload_) return 0;
    }
    std::size_t n = std::min<std::uint64_t>(left_, bytes.size());
    if (is_control(opcode_) || data_ == Data::keep) {
      std::string& target = is_control(opcode_) ? control_ : message_;
      std::size_t at = target.size();
      target += bytes.substr(0, n);
      if (peer_ == Peer::client)
        for (std::size_t i = at; i < target.size(); ++i)
          target[i] = static_cast<char>(target[i] ^ mask_[mask_at_++ % 4]);
    }
    bytes.remove_prefix(n);
    left_ -= n;
    if (left_ > 0) return 0;
    finish_frame(out);
  }
}

// Takes bytes into header_; sets in_payload_ once it is whole.
int FrameDecoder::take_header(std::string_view& bytes) {
  while (header_.size() < header_bytes(header_)) {
    if (bytes.empty()) return 0;
    std::size_t n = std::min(header_bytes(header_) - header_.size(), bytes.size());
    header_ += bytes.substr(0, n);
    bytes.remove_prefix(n);
  }
  int code = check_header();
  header_.clear();
  in_payload_ = code == 0;
  return code;
}

int FrameDecoder::check_header() {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(header_[i]); };
  if ((byte(0) & 0x70) != 0) return kProtocolError;  // bits of extensions
  final_ = (byte(0) & 0x80) != 0;
  opcode_ = static_cast<Opcode>(byte(0) & 0x0f);
  bool masked = (byte(1) & 0x80) != 0;
  if (masked != (peer_ == Peer::client)) return kProtocolError;
  left_ = byte(1) & 0x7f;
  std::size_t at = 2;
  if (std::size_t wide = left_ == 126 ? 2 : left_ == 127 ? 8 : 0; wide > 0) {
    left_ = 0;
    for (std::size_t i = 0; i < wide; ++i) left_ = left_ << 8 | byte(at++);
    if (wide == 8 && (left_ >> 63) != 0) return kProtocolError;
  }
  if (masked)
    for (unsigned char& m : mask_) m = byte(at++);
  mask_at_ = 0;

  if (is_control(opcode_)) {
    if (!final_ || left_ > kControlBytesMax || opcode_ > Opcode::pong) return kProtocolError;
    control_.clear();
    return 0;
  }
  if (opcode_ > Opcode::binary) return kProtocolError;
  if ((opcode_ == Opcode::continuation) != in_message_) return kProtocolError;
  if (!in_message_) {
    in_message_ = true;
    message_opcode_ = opcode_;
    message_bytes_ = 0;
  }
  if (left_ > message_bytes_max_ - message_bytes_) return kTooBig;
  message_bytes_ += left_;
  return 0;
}

void FrameDecoder::finish_frame(std::vector<Message>& out) {
  in_payload_ = false;
  if (is_control(opcode_)) {
    out.push_back({opcode_, std::exchange(control_, {})});
  } else if (final_) {
    in_message_ = false;
    if (data_ == Data::keep) out.push_back({message_opcode_, std::exchange(message_, {})});
  }
}

}  // namespace weft::net::websocket
