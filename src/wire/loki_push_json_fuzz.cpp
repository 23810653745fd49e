#include <cstdint>
#include <cstdlib>

#include "wire/loki_push.h"
#include "wire/samples/samples.h"

// What decodes can be read to its last byte, and every label has a name that Loki accepts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  LogBatch batch;
  if (!wire::decode_loki_push_json(body, batch)) return 0;
  for (const LogStream& stream : batch.streams)
    for (const Label& label : batch.labels_of(stream))
      if (!is_label_name(label.name)) std::abort();
  if (wire::samples::describe(batch).empty() && !batch.streams.empty()) std::abort();
  return 0;
}
