#include "wire/loki_push.h"

#include <cstdint>
#include <cstdlib>

#include "wire/samples/samples.h"

// What decodes, encodes and decodes to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  LogBatch batch;
  std::vector<wire::RejectedStream> rejected;
  if (!wire::decode_loki_push(body, batch, rejected)) return 0;
  std::string again = wire::encode_loki_push(batch);
  LogBatch second;
  std::vector<wire::RejectedStream> none;
  if (!wire::decode_loki_push(again, second, none)) std::abort();
  if (!none.empty() || wire::samples::describe(batch) != wire::samples::describe(second)) std::abort();
  return 0;
}
