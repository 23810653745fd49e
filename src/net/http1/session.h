#pragma once

#include <memory>
#include <string>

#include "net/http1/parser.h"
#include "net/server/session.h"

namespace weft::net::http1 {

// HTTP/1.1 and 1.0 on one connection: one request at a time, later ones wait in a bounded buffer.
class Http1Session final : public Session {
 public:
  // `prefix` is normalised; both outlive the session.
  Http1Session(Host& host, const ServerOptions& options, const std::string& prefix);
  ~Http1Session() override;

  void input(std::string_view bytes) override;
  bool wants_input() const override;
  void end_of_input() override;
  void lost() override;
  void stop() override;
  bool idle() const override;
  std::int64_t deadline_ns() const override;
  void timeout() override;

  void send(Answer& answer, Response&& response) override;
  void begin(Answer& answer, int status, const Headers& headers) override;
  void write(Answer& answer, std::string&& bytes) override;
  void end(Answer& answer, Headers&& trailers) override;
  void break_off(Answer& answer) override;
  std::size_t backlog(const Answer& answer) const override;

  // Answers 101 and settles; the connection goes on as a WebSocket with what has arrived since.
  std::string upgrade(Answer& answer);

 private:
  void consume(std::string_view bytes);
  void dispatch();
  bool account_body();
  void release_body();
  void refuse(int status, Refusal reason, std::string_view text);
  void write_head(std::string& out, int status, const Headers& headers, bool with_length, std::size_t length);
  void ended(Answer& answer);

  Host& host_;
  const ServerOptions& options_;
  const std::string& prefix_;
  RequestParser parser_;
  AnswerPtr current_;    // of the request that is being answered
  std::string pending_;  // what came after it
  bool keep_alive_ = true;
  bool closing_ = false;  // no more requests
  bool stopping_ = false;
  bool continued_ = false;
  bool end_seen_ = false;
  std::size_t charged_ = 0;       // bytes of the budget held for the body being received
  std::int64_t since_ns_ = 0;     // idle: of the last answer; else of the request's first byte
  std::int64_t head_end_ns_ = 0;  // 0: not reached
};

// The value of sec-websocket-key when the request asks for an upgrade that we can grant, else "".
std::string websocket_key(const Request& request);

}  // namespace weft::net::http1
