#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/server.h"

namespace weft::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  std::int64_t timeout_ns = 30'000'000'000;
  bool http2 = false;  // cleartext HTTP/2 with prior knowledge (gRPC needs it)
};

struct ClientResponse {
  int status = 0;
  Headers headers;   // names in lower case; trailers of HTTP/2 are among them
  std::string body;  // decompressed
};

// An HTTP client that keeps its connections (libcurl; nghttp2 for cleartext HTTP/2). One thread at a time per object.
class Client {
 public:
  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Errors: unavailable when there is no answer (the message names host and port),
  // deadline_exceeded. Any HTTP status is an answer.
  Result<ClientResponse> send(const ClientRequest& request);

  // One unary gRPC call over cleartext HTTP/2, e.g. ("http://127.0.0.1:4317",
  // "/opentelemetry.proto.collector.trace.v1.TraceService/Export", message, headers).
  // Errors: the call's own status.
  Result<std::string> grpc(const std::string& base_url, const std::string& method, std::string_view message,
                           const Headers& headers = {});

  // Follows a WebSocket: `on_message` for every text message until it returns false or the peer
  // closes. Errors: unavailable; a close code other than 1000 with its reason as message.
  Result<void> websocket(const std::string& url, const Headers& headers,
                         const std::function<bool(std::string_view)>& on_message);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::net
