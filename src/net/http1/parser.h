#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/server.h"
#include "net/server/session.h"

namespace weft::net::http1 {

struct ParseFailure {
  int status;  // of HTTP
  Refusal reason;
  std::string_view text;  // static
};

// Reads one HTTP/1.x request after another from pieces of any size (RFC 9112). Stricter than the
// RFC wherever two readers could disagree about where a request ends: lines end in CRLF, lengths
// are plain digits, said once, and never together with a transfer coding; no folded headers.
// One thread.
class RequestParser {
 public:
  struct Limits {
    std::size_t header_bytes_max;  // request line and headers, and again for trailers
    std::size_t body_bytes_max;
  };
  explicit RequestParser(Limits limits) : limits_(limits) {}

  // Takes bytes up to the end of this request; returns how many. Takes none once complete or failed.
  std::size_t feed(std::string_view bytes);

  bool started() const { return head_bytes_ > 0; }
  bool head_done() const { return state_ > State::header; }
  bool complete() const { return state_ == State::complete; }
  const std::optional<ParseFailure>& failure() const { return failure_; }

  // From head_done() on.
  bool keep_alive() const { return keep_alive_; }
  bool http10() const { return http10_; }
  bool expects_continue() const { return expects_continue_; }
  const std::string& method() const { return request_.method; }
  std::size_t body_bytes() const { return request_.body.size(); }

  const std::string& target() const { return target_; }
  // The request but for path and query. Requires complete(); the parser is ready for the next one.
  Request take();

 private:
  enum class State : unsigned char {
    request_line,
    header,
    body,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer,
    complete,
    failed
  };

  void take_line(std::string_view line);
  void take_request_line(std::string_view line);
  void take_header(std::string_view line);
  void take_head_end();
  void take_chunk_size(std::string_view line);
  std::size_t take_body(std::string_view bytes);
  bool has_room_for(std::size_t line_bytes);
  void fail(int status, Refusal reason, std::string_view text);

  Limits limits_;
  State state_ = State::request_line;
  std::string line_;  // the beginning of a line whose end has not come yet
  std::size_t head_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::uint64_t left_ = 0;  // of the body or the chunk
  Request request_;
  std::string target_;
  std::optional<std::uint64_t> content_length_;
  bool has_host_ = false;
  bool chunked_ = false;
  bool keep_alive_ = true;
  bool http10_ = false;
  bool expects_continue_ = false;
  std::optional<ParseFailure> failure_;
};

// True when a comma-separated header value names `token` (lower case), ignoring case.
bool has_token(std::string_view value, std::string_view token);

}  // namespace weft::net::http1
