#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/log_batch.h"

// Loki's push request, both forms (reference/loki.md §2.9). Pure functions. A decoder replaces what the
// batch holds; after an error the batch holds a part of the request. Errors beside those named:
// resource_exhausted for a request of more than four million entries and pairs.

namespace weft::wire {

// A stream whose labels cannot be read. The rest of the request is still good.
struct RejectedStream {
  std::string labels;  // as sent
  std::string error;
  std::size_t entries = 0;
  std::size_t bytes = 0;
};

// logproto.PushRequest after snappy decompression. Fills `batch` with views into `body` and into
// batch.arena. A stream whose label text is wrong goes to `rejected`, its neighbours stay.
// Errors: invalid_argument for bytes that are not this message.
Result<void> decode_loki_push(std::string_view body, LogBatch& batch, std::vector<RejectedStream>& rejected);

// The JSON form, and the legacy /api/prom/push shape ({"labels": "...", "entries": [...]}).
// `body` need not be padded. Errors: invalid_argument, in words like Loki's (a bad label name
// fails the whole request, as there: couldn't parse labels: 1:9: parse error: …).
Result<void> decode_loki_push_json(std::string_view body, LogBatch& batch);

// For clients (demo, bench, tests): PushRequest protobuf of a batch, not compressed.
std::string encode_loki_push(const LogBatch& batch);

}  // namespace weft::wire
