#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/client.h"
#include "net/client/socket.h"

struct nghttp2_session;

namespace weft::net::http2 {

// The client's side of one cleartext HTTP/2 connection by prior knowledge. (libcurl 7.88 cannot use
// such a connection for a second request.) One thread.
class Http2Client {
 public:
  // Errors: unavailable, deadline_exceeded.
  static Result<std::unique_ptr<Http2Client>> connect(const Address& address, std::int64_t deadline_ns);
  ~Http2Client();

  // One stream. Plain data.
  struct Stream {
    ClientResponse response;  // grows as it comes
    std::string body;         // of the request
    std::size_t sent = 0;     // of body
    bool closed = false;
    std::uint32_t error = 0;  // the code it was reset with
  };

  // Begins a request; its stream lives until forget().
  Result<std::int32_t> submit(const ClientRequest& request, const std::string& target);
  const Stream& stream(std::int32_t id) const { return *streams_.at(id); }
  void forget(std::int32_t id) { streams_.erase(id); }
  void reset(std::int32_t id);
  // Sends and receives until `done` or the deadline. Errors: unavailable, deadline_exceeded.
  Result<void> run_until(const std::function<bool()>& done, std::int64_t deadline_ns);

  // One whole exchange.
  Result<ClientResponse> exchange(const ClientRequest& request, const std::string& target,
                                  std::int64_t deadline_ns);
  // Looks at what has come: false when the peer takes no more requests on this connection.
  bool usable();

 private:
  struct Callbacks;
  explicit Http2Client(std::unique_ptr<ClientSocket> socket);
  Result<void> flush(std::int64_t deadline_ns);
  Result<void> take(std::string_view bytes);
  Stream* find(std::int32_t id);

  std::unique_ptr<ClientSocket> socket_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::size_t answer_bytes_max_;
};

}  // namespace weft::net::http2
