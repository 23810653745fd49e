#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "net/server/session.h"

struct nghttp2_session;

namespace weft::net::http2 {

// What every client of cleartext HTTP/2 with prior knowledge sends first.
inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// HTTP/2 on one connection (RFC 9113, by nghttp2): many requests at a time. The first input must
// begin with the preface.
class Http2Session final : public Session {
 public:
  // `prefix` is normalised; all outlive the session.
  Http2Session(Host& host, const ServerOptions& options, const std::string& prefix);
  ~Http2Session() override;

  void input(std::string_view bytes) override;
  bool wants_input() const override { return true; }
  void end_of_input() override;
  void produce() override;
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

 private:
  struct Stream;
  struct Callbacks;  // what nghttp2 calls

  Stream* find(std::int32_t id) const;
  void open(std::int32_t id);
  void take_header(Stream& stream, std::string_view name, std::string_view value);
  void take_data(Stream& stream, std::string_view bytes);
  void take_end(Stream& stream);
  void close(std::int32_t id);
  void sent_end(std::int32_t id);
  void refuse(Stream& stream, int status, Refusal reason, std::string_view text);
  void submit(Stream& stream, int status, const Headers& headers, bool with_length, std::size_t length);
  void close_when_over();
  std::int64_t stream_deadline_ns(const Stream& stream) const;

  Host& host_;
  const ServerOptions& options_;
  const std::string& prefix_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::int64_t since_ns_;  // of the last stream's end
  bool stopping_ = false;
  bool over_ = false;  // nothing more is read
};

}  // namespace weft::net::http2
