#pragma once

#include <string>
#include <string_view>

#include "base/compress.h"
#include "base/result.h"
#include "net/server.h"

// gRPC over the server's HTTP/2: message framing and status. No code generation; messages are
// bytes, which wire/ reads and writes.

namespace weft::net {

// True for a POST over HTTP/2 with content-type application/grpc (or +proto).
bool is_grpc(const Request& request);

// The single message of a unary or server-streaming call, decompressed by grpc-encoding (identity,
// gzip, deflate, zstd, snappy as framed). Errors: invalid_argument for wrong framing,
// resource_exhausted past a limit, unimplemented for an unknown encoding.
Result<std::string> grpc_message(const Request& request, const DecompressLimits& limits);

// Answers a unary call with one message.
void grpc_reply(const Responder& responder, std::string_view message);

// Ends a call with an error: trailers-only when nothing was written. `details` is a serialised
// google.rpc.Status for grpc-status-details-bin, or empty.
void grpc_error(const Responder& responder, const Error& error, std::string_view details = {});

// A server-streaming answer: begin, message..., end.
class GrpcStream {
 public:
  explicit GrpcStream(Responder responder) : responder_(std::move(responder)) {}
  bool message(std::string_view bytes);  // blocks as Responder::write; false: the client is gone
  void end();                            // status 0
  void fail(const Error& error);

 private:
  void begin_once();
  Responder responder_;
  bool begun_ = false;
};

// The message with the five bytes that go before it, uncompressed.
std::string grpc_frame(std::string_view message);

// gRPC's number for a code: invalid_argument 3, not_found 5, …
int grpc_status(Code code);

}  // namespace weft::net
