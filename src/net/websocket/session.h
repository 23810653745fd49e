#pragma once

#include <vector>

#include "net/server/session.h"
#include "net/websocket/frame.h"

namespace weft::net::websocket {

// The server's side of a WebSocket after the upgrade. Sends text, pings and close; answers pings;
// what else comes is dropped.
class WebSocketSession final : public Session {
 public:
  explicit WebSocketSession(Host& host);

  // False: closing, or more than the send limit waits.
  bool send_text(std::string_view message);
  void close(int code, std::string_view reason);
  bool closed() const { return closed_; }

  void input(std::string_view bytes) override;
  bool wants_input() const override { return true; }
  void end_of_input() override;
  void lost() override { closed_ = true; }
  void stop() override { close(kGoingAway, "server is shutting down"); }
  bool idle() const override { return true; }
  std::int64_t deadline_ns() const override;
  void timeout() override;

  // No answers here any more.
  void send(Answer&, Response&&) override {}
  void begin(Answer&, int, const Headers&) override {}
  void write(Answer&, std::string&&) override {}
  void end(Answer&, Headers&&) override {}
  void break_off(Answer&) override {}
  std::size_t backlog(const Answer&) const override { return 0; }

 private:
  void frame(Opcode opcode, std::string_view payload);

  Host& host_;
  FrameDecoder decoder_;
  std::vector<Message> messages_;
  bool closed_ = false;
  std::int64_t heard_ns_;
  std::int64_t ping_ns_;  // when the next one is due
};

}  // namespace weft::net::websocket
