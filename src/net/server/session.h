#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "net/server.h"
#include "net/server/output.h"

// What one connection speaks, apart from its socket: bytes in, whole requests out, answers in,
// bytes out. HTTP/1.1, HTTP/2 and WebSocket are three sessions; a connection holds one at a time
// and calls it under its lock, so sessions know no threads, and tests and fuzzers need no sockets.

namespace weft::net {

// Why something was refused: the label of weft_http_refused_total.
enum class Refusal : unsigned char { malformed, headers, body, slow, queue, connections, memory, failed };
inline constexpr std::size_t kRefusals = 8;
std::string_view refusal_name(Refusal reason);

// The state of the answer to one request, shared by the session and the Responder.
struct Answer {
  // Nothing more may be said: it has been said, or nobody listens.
  std::atomic<bool> settled{false};
  // The client has gone away (it may have closed its half only, so what was begun is still sent).
  std::atomic<bool> gone{false};

  // Constant from the request's dispatch on.
  bool head = false;          // HEAD: no body in the answer
  bool http10 = false;        // knows neither chunks nor trailers
  bool gzip = false;          // the client takes it
  bool grpc = false;          // errors go into trailers
  std::int32_t stream = 0;    // of HTTP/2
  std::string websocket_key;  // of a valid upgrade request
  std::int64_t dispatched_ns = 0;  // steady_ns() when the request was whole

  // Under the connection's lock.
  bool begun = false;    // a status line has been written
  bool chunked = false;  // HTTP/1.1: the body goes in chunks
};
using AnswerPtr = std::shared_ptr<Answer>;

// What a session asks of its connection.
class Host {
 public:
  virtual ~Host() = default;
  virtual OutputQueue& output() = 0;
  virtual std::int64_t now_ns() const = 0;  // steady
  // Hands a whole request to a worker; `charged` bytes of the budget go with it. False: no room;
  // the answer is settled then and the session must refuse by itself.
  virtual bool dispatch(Request&& request, const AnswerPtr& answer, std::size_t charged) = 0;
  // Takes bytes from the budget for request bodies of the whole server. False: it is used up.
  virtual bool charge(std::size_t bytes) = 0;
  virtual void release(std::size_t bytes) = 0;
  // Marks an answer settled (once) for the count of requests in flight.
  virtual void settle(Answer& answer) = 0;
  virtual void count(Refusal reason) = 0;
  // Closes the connection once all output is sent.
  virtual void finish() = 0;
  // Closes the connection now.
  virtual void abort() = 0;
};

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

class Session {
 public:
  virtual ~Session() = default;
  virtual void input(std::string_view bytes) = 0;
  virtual bool wants_input() const = 0;
  // The peer sends no more.
  virtual void end_of_input() = 0;
  // Puts more into the output as long as that is small.
  virtual void produce() {}
  // The connection is gone: settles every answer. Nothing is called afterwards.
  virtual void lost() = 0;
  // No new requests; what is being received or answered may end.
  virtual void stop() = 0;
  // No request is being received or answered.
  virtual bool idle() const = 0;
  // When timeout() is to be called, and that.
  virtual std::int64_t deadline_ns() const = 0;
  virtual void timeout() = 0;

  // Answers: only for one that is not settled.
  virtual void send(Answer& answer, Response&& response) = 0;
  virtual void begin(Answer& answer, int status, const Headers& headers) = 0;
  virtual void write(Answer& answer, std::string&& bytes) = 0;
  virtual void end(Answer& answer, Headers&& trailers) = 0;
  // The handler's last copy of the Responder is gone in the middle of an answer.
  virtual void break_off(Answer& answer) = 0;
  // Bytes of this answer that wait to be sent.
  virtual std::size_t backlog(const Answer& answer) const = 0;
};

// The answer of the server itself, e.g. 503; for a gRPC request its status in the headers.
Response plain_response(int status, std::string_view text, bool grpc);

// True when this header may go out as it is; CR, LF and NUL in a value would begin another one.
bool is_sendable(std::string_view name, std::string_view value);
// Connection-specific headers, which the session sets by itself.
bool is_hop_by_hop(std::string_view lower_name);
std::string lower_case(std::string_view text);
// "Sun, 06 Nov 1994 08:49:37 GMT" for this second.
std::string_view http_date();
// Whether an answer of that status can have a body.
inline bool status_has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace weft::net
