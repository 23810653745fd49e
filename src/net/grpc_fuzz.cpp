#include "net/grpc.h"

#include <cstddef>
#include <cstdint>

#include "base/check.h"

// The first byte chooses the encoding; the rest is the body of a call.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  using namespace weft::net;
  if (size == 0) return 0;
  static constexpr const char* kEncodings[] = {"",     "identity", "gzip",    "deflate",
                                               "zstd", "snappy",   "nonsense"};
  Request request;
  request.headers = {{"grpc-encoding", kEncodings[data[0] % std::size(kEncodings)]}};
  request.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::size_t kMax = std::size_t{1} << 20;
  auto message = grpc_message(request, {.output_bytes_max = kMax});
  if (!message) return 0;
  CHECK(message->size() <= kMax);
  request.headers.clear();
  request.body = grpc_frame(*message);
  auto again = grpc_message(request, {.output_bytes_max = kMax});
  CHECK(again && *again == *message);
  return 0;
}
