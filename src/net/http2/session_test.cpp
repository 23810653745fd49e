#include "net/http2/session.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/server/scripted_host.h"

// What depends on the clock or on a peer that behaves oddly: frames by hand, no sockets.

namespace weft::net::http2 {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string frame(int type, int flags, int stream, std::string_view payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out.append(payload);
}

std::string settings(std::string_view payload = {}) {
  return frame(4, 0, 0, payload);
}
std::string get(int stream) {
  return frame(1, 0x5, stream, "\x82\x86\x84\x41\x01h");
}
std::string post(int stream) {
  return frame(1, 0x4, stream, "\x83\x86\x84\x41\x01h");
}

struct Fixture {
  Fixture() { session.input(kPreface); }

  // Takes what the session has to say, as a list of frame types and streams: "4/0 1/1".
  std::string frames() {
    session.produce();
    std::size_t sent = 0;
    int sockets[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    EXPECT_EQ(host.output().flush(sockets[0], sent), OutputQueue::Outcome::sent_all);
    std::string bytes(sent, '\0');
    if (sent > 0) EXPECT_EQ(::recv(sockets[1], bytes.data(), sent, MSG_WAITALL), static_cast<ssize_t>(sent));
    ::close(sockets[0]);
    ::close(sockets[1]);
    std::string out;
    auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
    for (std::size_t at = 0; at + 9 <= bytes.size();) {
      if (!out.empty()) out += ' ';
      out += std::to_string(byte(at + 3)) + "/" + std::to_string(byte(at + 8));
      at += 9 + (byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2));
    }
    return out;
  }

  ServerOptions options;
  std::string prefix;
  ScriptedHost host;
  Http2Session session{host, options, prefix};
};

TEST(Http2Session, APeerWithoutWindowIsReset) {
  Fixture f;
  f.session.input(settings(std::string("\x00\x04\x00\x00\x00\x00", 6)));  // initial window: 0
  f.session.input(post(1) + frame(0, 1, 1, "hello"));
  EXPECT_EQ(f.frames(), "4/0 4/0 8/0");  // SETTINGS, its ACK, WINDOW_UPDATE
  auto [request, answer] = f.host.waiting.at(0);
  f.session.begin(*answer, 200, {});
  f.session.write(*answer, "hello");
  EXPECT_EQ(f.frames(), "1/1");
  EXPECT_EQ(f.session.backlog(*answer), 5u);
  EXPECT_EQ(f.session.deadline_ns(), f.host.now + f.options.idle_timeout_ns);
  f.host.now = f.session.deadline_ns();
  f.session.timeout();
  EXPECT_EQ(f.frames(), "3/1");
  EXPECT_TRUE(answer->gone);
  EXPECT_TRUE(answer->settled);
  EXPECT_TRUE(f.session.idle());
}

TEST(Http2Session, ASlowBodyIsAnswered408) {
  Fixture f;
  f.session.input(settings() + post(1));
  f.frames();
  f.host.now += 11 * kSecond;
  EXPECT_LE(f.session.deadline_ns(), f.host.now);
  f.session.timeout();
  EXPECT_EQ(f.frames(), "1/1 0/1 3/1");
  EXPECT_EQ(f.host.refused, 1u);
  // 20 KB earn another 20 seconds.
  f.session.input(post(3) + frame(0, 0, 3, std::string(16'000, 'x')) +
                  frame(0, 0, 3, std::string(4480, 'x')));
  EXPECT_EQ(f.session.deadline_ns(), f.host.now + 30 * kSecond);
}

TEST(Http2Session, AnIdleConnectionEnds) {
  Fixture f;
  f.session.input(settings() + get(1));
  f.host.answer_all(f.session);
  f.frames();
  EXPECT_TRUE(f.session.idle());
  f.host.now = f.session.deadline_ns();
  f.session.timeout();
  EXPECT_EQ(f.frames(), "7/0");  // GOAWAY
  EXPECT_TRUE(f.host.finished);
}

TEST(Http2Session, AfterStopNewStreamsAreIgnored) {
  Fixture f;
  f.session.input(settings() + get(1));
  f.frames();
  f.session.stop();
  EXPECT_EQ(f.frames(), "7/0");
  f.session.input(get(3));
  EXPECT_EQ(f.host.waiting.size(), 1u);
  EXPECT_FALSE(f.host.finished);
  f.host.answer_all(f.session);
  EXPECT_EQ(f.frames().substr(0, 3), "1/1");
  EXPECT_TRUE(f.host.finished);
}

}  // namespace
}  // namespace weft::net::http2
