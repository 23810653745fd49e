#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"

// An HTTP server: HTTP/1.1 (keep-alive, chunked, WebSocket upgrade) and cleartext HTTP/2 by prior
// knowledge (so gRPC too) on the same port. Loops never block; whole requests go to workers.

namespace weft::net {

using Headers = std::vector<std::pair<std::string, std::string>>;  // names in lower case

// The value of the first header of that (lower-case) name, or "".
std::string_view header(const Headers& headers, std::string_view name);

// One whole request. Plain data.
struct Request {
  std::string method;  // upper case
  std::string path;    // as sent, still percent-encoded, without query; prefix removed, doubled
                       // slashes and a trailing slash gone
  std::string query;   // as sent, without '?'
  Headers headers;
  std::string body;    // as received: still compressed
  std::string peer;    // "127.0.0.1:51234"
  bool http2 = false;

  std::string_view header(std::string_view name) const { return net::header(headers, name); }
};

struct Response {
  int status = 200;
  Headers headers;  // content-length is added
  std::string body;
  Headers trailers;  // HTTP/2 only
};

// A WebSocket after the upgrade. Thread-safe.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // Queues one text message. False: the peer is gone, or more than the send limit waits.
  virtual bool send_text(std::string message) = 0;
  // Sends a close frame with that code and reason, once. Idempotent.
  virtual void close(int code, std::string_view reason) = 0;
  virtual bool closed() const = 0;
};

// Where the answer to one request goes. A copy refers to the same answer. Thread-safe: may be kept
// and used from any thread after the handler returned. One of send(), begin() and upgrade() once;
// when the last copy goes away unanswered the client gets a 500.
class Responder {
 public:
  class Sink;  // implemented by the connection
  explicit Responder(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}

  // The whole answer. Compressed with gzip when the client accepts it, the body is at least 1 KiB
  // and no content-encoding is set.
  void send(Response response) const;

  // A streamed answer: begin, write..., end. `write` blocks while more than 1 MiB waits to be sent
  // (call it on a worker, not on a loop); false: the client is gone.
  void begin(int status, Headers headers) const;
  bool write(std::string bytes) const;
  void end(Headers trailers = {}) const;

  // Accepts a WebSocket upgrade (RFC 6455). `ready` gets the socket, on a worker. Text and binary
  // messages from the peer are ignored. Answers 400 when the request asks for no upgrade.
  void upgrade(std::function<void(std::shared_ptr<WebSocket>)> ready) const;

  // True once the client has gone away; nobody will read the answer.
  bool cancelled() const;

 private:
  std::shared_ptr<Sink> sink_;
};

// Called on a worker thread, concurrently. What it throws becomes a logged and counted 500
// (std::bad_alloc: 503).
using Handler = std::function<void(Request request, Responder responder)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;            // 0: a free one
  std::string path_prefix;           // "/weft": served below it, and without it too
  std::size_t workers = 0;           // 0: twice the cores, at least 4
  std::size_t queue_max = 4096;      // waiting requests; more are answered 503
  std::size_t connections_max = 10'000;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = std::size_t{64} << 20;      // compressed; more is answered 413
  std::size_t http2_streams_max = 256;                     // concurrent, per connection
  std::int64_t header_timeout_ns = 10'000'000'000;         // first byte to the end of the headers
  std::int64_t idle_timeout_ns = 120'000'000'000;          // keep-alive
  std::size_t body_bytes_per_second_min = 1024;            // slower bodies are answered 408
};

// Thread-safe.
class Server {
 public:
  // Listens and serves until stop(). Metrics: weft_http_connections, weft_http_requests_in_flight,
  // weft_http_bytes_received_total, weft_http_bytes_sent_total, weft_http_refused_total{reason},
  // weft_http_responses_total{status}, weft_http_response_seconds.
  // Errors: unavailable when the address cannot be had (the message names it and the remedy).
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, Handler handler, Registry& metrics);
  ~Server();  // stop(0)

  std::uint16_t port() const;
  const std::string& address() const;

  // Takes no new requests, waits up to `grace_ns` for those in flight (HTTP/2: GOAWAY; WebSockets
  // are closed with 1001), then closes everything. Idempotent.
  void stop(std::int64_t grace_ns);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// --- parts of a URL ---
// %XX decoded; `plus_is_space` as in a query. Bad escapes stay as they are.
std::string percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);
// a=1&b=2 in order, decoded. Also the body of application/x-www-form-urlencoded.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace weft::net
