#include "net/http1/session.h"

#include <cstdio>
#include <utility>

#include "net/server/target.h"
#include "net/websocket/frame.h"

namespace weft::net::http1 {
namespace {

// Pipelined requests wait here; beyond it the socket is not read.
constexpr std::size_t kPendingBytesMax = 64 * 1024;

std::string_view reason_phrase(int status) {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

void append_chunk_head(std::string& out, std::size_t size) {
  char text[24];
  int n = std::snprintf(text, sizeof text, "%zx\r\n", size);
  out.append(text, static_cast<std::size_t>(n));
}

}  // namespace

std::string websocket_key(const Request& request) {
  constexpr std::size_t kKeyBytes = 24;  // 16 bytes in base64
  if (request.http2 || request.method != "GET" || !has_token(request.header("upgrade"), "websocket") ||
      !has_token(request.header("connection"), "upgrade") || request.header("sec-websocket-version") != "13")
    return {};
  std::string_view key = request.header("sec-websocket-key");
  return key.size() == kKeyBytes ? std::string(key) : std::string();
}

Http1Session::Http1Session(Host& host, const ServerOptions& options, const std::string& prefix)
    : host_(host),
      options_(options),
      prefix_(prefix),
      parser_({options.header_bytes_max, options.body_bytes_max}),
      since_ns_(host.now_ns()) {}

Http1Session::~Http1Session() = default;

void Http1Session::input(std::string_view bytes) {
  if (closing_) return;
  if (current_) {
    pending_ += bytes;
  } else {
    consume(bytes);
  }
}

bool Http1Session::wants_input() const {
  return pending_.size() < kPendingBytesMax;
}

void Http1Session::consume(std::string_view bytes) {
  while (!bytes.empty() && !current_ && !closing_) {
    if (!parser_.started()) {
      since_ns_ = host_.now_ns();
      head_end_ns_ = 0;
      continued_ = false;
    }
    bytes.remove_prefix(parser_.feed(bytes));
    if (const auto& failure = parser_.failure())
      return refuse(failure->status, failure->reason, failure->text);
    if (!account_body())
      return refuse(503, Refusal::memory, "too many request bodies at once; try again later");
    if (parser_.head_done() && head_end_ns_ == 0) head_end_ns_ = host_.now_ns();
    if (parser_.complete()) {
      dispatch();
    } else if (parser_.head_done() && parser_.expects_continue() && !continued_) {
      continued_ = true;
      if (parser_.body_bytes() == 0) host_.output().append(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
    }
  }
  if (current_) pending_ = bytes;
}

bool Http1Session::account_body() {
  std::size_t now = parser_.body_bytes();
  if (now <= charged_) return true;
  if (!host_.charge(now - charged_)) return false;
  charged_ = now;
  return true;
}

void Http1Session::release_body() {
  if (charged_ > 0) host_.release(charged_);
  charged_ = 0;
}

void Http1Session::dispatch() {
  keep_alive_ = parser_.keep_alive() && !end_seen_ && !stopping_;
  auto answer = std::make_shared<Answer>();
  answer->head = parser_.method() == "HEAD";
  answer->http10 = parser_.http10();
  Target target;
  bool known = split_target(parser_.target(), prefix_, target);
  if (!known) return refuse(400, Refusal::malformed, "malformed request target");
  Request request = parser_.take();
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  answer->websocket_key = websocket_key(request);
  std::size_t charged = std::exchange(charged_, 0);
  current_ = answer;
  if (!host_.dispatch(std::move(request), answer, charged)) {
    current_ = nullptr;
    host_.release(charged);
    host_.count(Refusal::queue);
    std::string out;
    Response response = plain_response(503, "too many requests wait; try again later", false);
    write_head(out, 503, response.headers, true, response.body.size());
    out += "\r\n";
    if (!answer->head) out += response.body;
    host_.output().append(std::move(out));
    since_ns_ = host_.now_ns();
    if (!keep_alive_) {
      closing_ = true;
      host_.finish();
    }
  }
}

void Http1Session::refuse(int status, Refusal reason, std::string_view text) {
  host_.count(reason);
  release_body();
  keep_alive_ = false;
  closing_ = true;
  Response response = plain_response(status, text, false);
  std::string out;
  write_head(out, status, response.headers, true, response.body.size());
  out += "\r\n";
  out += response.body;
  host_.output().append(std::move(out));
  host_.finish();
}

void Http1Session::write_head(std::string& out, int status, const Headers& headers, bool with_length,
                              std::size_t length) {
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\ndate: ";
  out += http_date();
  out += "\r\n";
  for (const auto& [name, value] : headers) {
    std::string lower = lower_case(name);
    if (is_hop_by_hop(lower) || lower == "date" || (with_length && lower == "content-length")) continue;
    if (!is_sendable(name, value)) continue;
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  if (with_length) {
    out += "content-length: ";
    out += std::to_string(length);
    out += "\r\n";
  }
  if (!keep_alive_) {
    out += "connection: close\r\n";
  } else if (current_ && current_->http10) {
    out += "connection: keep-alive\r\n";
  }
}

void Http1Session::send(Answer& answer, Response&& response) {
  if (answer.begun) return;
  answer.begun = true;
  bool has_body = status_has_body(response.status);
  std::string out;
  out.reserve(256);
  write_head(out, response.status, response.headers, has_body, response.body.size());
  out += "\r\n";
  host_.output().append(std::move(out));
  if (has_body && !answer.head) host_.output().append(std::move(response.body));
  ended(answer);
}

void Http1Session::begin(Answer& answer, int status, const Headers& headers) {
  if (answer.begun) return;
  answer.begun = true;
  bool length_known = false;
  for (const auto& [name, value] : headers)
    length_known = length_known || lower_case(name) == "content-length";
  bool has_body = status_has_body(status);
  answer.chunked = has_body && !length_known && !answer.http10;
  if (has_body && !length_known && answer.http10)
    keep_alive_ = false;  // the end of the body is the end of all
  if (!has_body) answer.head = true;
  std::string out;
  write_head(out, status, headers, false, 0);
  if (answer.chunked) out += "transfer-encoding: chunked\r\n";
  out += "\r\n";
  host_.output().append(std::move(out));
}

void Http1Session::write(Answer& answer, std::string&& bytes) {
  if (!answer.begun || answer.head || bytes.empty()) return;
  if (!answer.chunked) return host_.output().append(std::move(bytes));
  std::string head;
  append_chunk_head(head, bytes.size());
  host_.output().append(std::move(head));
  host_.output().append(std::move(bytes));
  host_.output().append(std::string_view("\r\n"));
}

void Http1Session::end(Answer& answer, Headers&& trailers) {
  if (!answer.begun) return;
  if (answer.chunked && !answer.head) {
    std::string out = "0\r\n";
    for (const auto& [name, value] : trailers) {
      if (!is_sendable(name, value)) continue;
      out += name;
      out += ": ";
      out += value;
      out += "\r\n";
    }
    out += "\r\n";
    host_.output().append(std::move(out));
  }
  ended(answer);
}

void Http1Session::break_off(Answer& answer) {
  host_.settle(answer);
  closing_ = true;
  host_.abort();  // a body without its end must not look whole
}

// Goes on to the next request. Requires that `answer` is the current one.
void Http1Session::ended(Answer& answer) {
  host_.settle(answer);
  current_ = nullptr;
  since_ns_ = host_.now_ns();
  if (!keep_alive_ || end_seen_) {
    closing_ = true;
    pending_.clear();
    return host_.finish();
  }
  if (pending_.empty()) return;
  std::string pending = std::exchange(pending_, {});
  consume(pending);
}

std::string Http1Session::upgrade(Answer& answer) {
  answer.begun = true;
  std::string out = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n";
  out += "sec-websocket-accept: " + websocket::accept_key(answer.websocket_key) + "\r\n\r\n";
  host_.output().append(std::move(out));
  host_.settle(answer);
  current_ = nullptr;
  closing_ = true;
  return std::exchange(pending_, {});
}

void Http1Session::end_of_input() {
  end_seen_ = true;
  keep_alive_ = false;
  if (current_) {
    current_->gone = true;
  } else if (!closing_) {
    closing_ = true;
    release_body();
    host_.finish();
  }
}

void Http1Session::lost() {
  release_body();
  closing_ = true;
  pending_.clear();
  if (!current_) return;
  current_->gone = true;
  host_.settle(*current_);
  current_ = nullptr;
}

void Http1Session::stop() {
  stopping_ = true;
  keep_alive_ = false;
  if (idle() && !closing_) {
    closing_ = true;
    host_.abort();
  }
}

bool Http1Session::idle() const {
  return closing_ || (!current_ && !parser_.started());
}

std::int64_t Http1Session::deadline_ns() const {
  if (closing_ || current_) return kNever;
  if (!parser_.started()) return since_ns_ + options_.idle_timeout_ns;
  if (head_end_ns_ == 0) return since_ns_ + options_.header_timeout_ns;
  // The body may take as long as the headers, and the time that its bytes so far are worth.
  double earned_s = static_cast<double>(parser_.body_bytes()) /
                    static_cast<double>(std::max<std::size_t>(options_.body_bytes_per_second_min, 1));
  constexpr double kDayNs = 86'400e9;
  return head_end_ns_ + options_.header_timeout_ns +
         static_cast<std::int64_t>(std::min(earned_s * 1e9, kDayNs));
}

void Http1Session::timeout() {
  if (parser_.started()) return refuse(408, Refusal::slow, "the request came too slowly");
  closing_ = true;
  host_.abort();
}

std::size_t Http1Session::backlog(const Answer&) const {
  return host_.output().size();
}

}  // namespace weft::net::http1
