#include "wire/zipkin.h"

#include <cstdint>
#include <cstdlib>

#include "wire/samples/samples.h"

// What decodes is the same after a trip through OTLP.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  SpanBatch batch;
  std::vector<wire::RejectedSpan> rejected;
  if (!wire::decode_zipkin_json(body, batch, rejected)) return 0;
  std::string protobuf = wire::encode_otlp_traces(batch);
  SpanBatch second;
  if (!wire::decode_otlp_traces(protobuf, second, rejected) || !rejected.empty()) std::abort();
  if (wire::samples::describe(batch).size() != wire::samples::describe(second).size()) std::abort();
  return 0;
}
