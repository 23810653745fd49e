#include "net/websocket/frame.h"

#include <gtest/gtest.h>

namespace weft::net::websocket {
namespace {

using Peer = FrameDecoder::Peer;
using Data = FrameDecoder::Data;

std::string frame(Opcode opcode, std::string_view payload, std::optional<std::uint32_t> mask = std::nullopt) {
  std::string out;
  append_frame(out, opcode, payload, mask);
  return out;
}

// The messages in bytes fed in pieces, as "opcode:payload;", and the failure if there is one.
std::string decoded(std::string_view bytes, std::size_t piece, Peer peer = Peer::server,
                    Data data = Data::keep) {
  FrameDecoder decoder(peer, data, 100'000);
  std::string out;
  int failure = 0;
  while (!bytes.empty() && failure == 0) {
    std::vector<Message> messages;
    failure = decoder.feed(bytes.substr(0, piece), messages);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (const Message& m : messages)
      out += std::to_string(static_cast<int>(m.opcode)) + ":" + m.payload + ";";
  }
  return failure == 0 ? out : out + "!" + std::to_string(failure);
}

TEST(Frames, DecodeUndoesEncode) {
  for (std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 99'999}) {
    std::string payload(size, 'x');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + i % 26);
    std::string expected = "1:" + payload + ";";
    for (std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1'000'000}}) {
      EXPECT_EQ(decoded(frame(Opcode::text, payload), piece), expected) << size;
      EXPECT_EQ(decoded(frame(Opcode::text, payload, 0x01fe7f80), piece, Peer::client), expected) << size;
    }
  }
}

TEST(Frames, JoinsFragmentsAroundControlFrames) {
  std::string bytes(
      "\x01\x02"
      "ab",
      4);
  bytes += frame(Opcode::ping, "p");
  bytes += std::string(
      "\x00\x01"
      "c",
      3);
  bytes += std::string(
      "\x80\x01"
      "d",
      3);
  bytes += frame(Opcode::close, close_payload(1000, "bye"));
  for (std::size_t piece : {std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
    EXPECT_EQ(decoded(bytes, piece), "9:p;1:abcd;8:" + close_payload(1000, "bye") + ";");
    EXPECT_EQ(decoded(bytes, piece, Peer::server, Data::drop), "9:p;8:" + close_payload(1000, "bye") + ";");
  }
}

TEST(Frames, RefusesWhatBreaksTheProtocol) {
  struct Case {
    std::string bytes;
    std::string outcome;
    Peer peer = Peer::server;
  };
  for (const Case& c :
       {Case{std::string("\xc1\x00", 2), "!1002"},                  // reserved bit
        Case{std::string("\x83\x00", 2), "!1002"},                  // reserved opcode
        Case{std::string("\x8b\x00", 2), "!1002"},                  // reserved control opcode
        Case{std::string("\x09\x00", 2), "!1002"},                  // fragmented control frame
        Case{std::string("\x89\x7e\x00\x7e", 4), "!1002"},          // long control frame
        Case{std::string("\x80\x00", 2), "!1002"},                  // continues nothing
        Case{std::string("\x01\x00\x81\x00", 4), "!1002"},          // message within a message
        Case{std::string("\x81\x00", 2), "!1002", Peer::client},    // a client must mask
        Case{std::string("\x81\x80\x00\x00\x00\x00", 6), "!1002"},  // a server must not
        Case{std::string("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 10), "!1002"},
        Case{std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x86\xa1", 10), "!1009"},
        Case{"\x01\x02"
             "ab" +
                 frame(Opcode::ping, "") + std::string("\x80\x7f\x00\x00\x00\x00\x00\x01\x86\x9f", 10),
             "9:;!1009"}})
    for (std::size_t piece : {std::size_t{1}, std::size_t{100}})
      EXPECT_EQ(decoded(c.bytes, piece, c.peer), c.outcome);
}

TEST(Frames, ClosePayloads) {
  EXPECT_EQ(parse_close(close_payload(1011, "too slow")).code, 1011);
  EXPECT_EQ(parse_close(close_payload(1011, "too slow")).reason, "too slow");
  EXPECT_EQ(parse_close("").code, 1005);
  EXPECT_EQ(close_payload(1000, std::string(500, 'x')).size(), 125u);
  std::string euros;
  for (int i = 0; i < 100; ++i) euros += "€";
  EXPECT_EQ(parse_close(close_payload(1000, "x" + euros)).reason, "x" + euros.substr(0, 120));
}

TEST(Frames, AcceptKeyOfTheRfc) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace weft::net::websocket
