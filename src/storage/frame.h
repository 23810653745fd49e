#pragma once

#include <cstdint>
#include <string_view>

#include "base/compress.h"
#include "model/tenant.h"

namespace weft::storage {

// What the body of a request is. Numbers are part of the WAL's format.
enum class FrameKind : std::uint8_t {
  loki_protobuf = 1,
  loki_json = 2,
  otlp_logs_protobuf = 3,
  otlp_logs_json = 4,
  otlp_traces_protobuf = 5,
  otlp_traces_json = 6,
  zipkin_json = 7,
};

// One accepted request as the write-ahead log keeps it: the body exactly as received, so that
// replay is ordinary ingest with the same code.
struct Frame {
  TenantId tenant;
  FrameKind kind = FrameKind::loki_protobuf;
  Codec encoding = Codec::identity;
  std::int64_t received_ns = 0;   // what "now" was for rows without a time
  std::string_view body;          // as received; somebody else's memory
  std::string_view rejected;      // ingest's own note of what was refused (a bitmap); opaque here
};

}  // namespace weft::storage
