#include <cstdint>
#include <cstdlib>

#include "wire/samples/samples.h"

// Both forms: JSON begins with a brace, which no protobuf request does. What decodes, encodes and
// decodes to the same; every body has a text form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  wire::OtlpLogs logs;
  bool json = body.starts_with('{');
  if (!(json ? wire::decode_otlp_logs_json(body, logs) : wire::decode_otlp_logs(body, logs))) return 0;
  std::string again = wire::encode_otlp_logs(logs);
  wire::OtlpLogs second;
  if (!wire::decode_otlp_logs(again, second)) std::abort();
  if (wire::samples::describe(logs).size() != wire::samples::describe(second).size()) std::abort();
  for (const wire::OtlpLogRecord& record : logs.records) {
    std::string line;
    wire::append_plain_json(line, record.body);
    if (line.empty()) std::abort();
  }
  return 0;
}
