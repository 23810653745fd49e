#include "exec/context.h"

#include "base/clock.h"

namespace weft::exec {

Result<void> Context::check() const {
  if (options_.deadline_ns != 0 && steady_ns() > options_.deadline_ns)
    return Error(Code::deadline_exceeded,
                 "request timed out, decrease the duration of the request or add more label matchers (prefer "
                 "exact match over regex match) to reduce the amount of data processed");
  if (options_.cancelled && options_.cancelled())
    return Error(Code::cancelled, "the request was cancelled by the client");
  return {};
}

Result<void> Context::take_memory(std::size_t bytes, const char* what) {
  std::size_t now = memory_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (now <= options_.memory_bytes_max) return {};
  return Error(Code::resource_exhausted, std::string(what) + " needs more than " +
                                             std::to_string(options_.memory_bytes_max >> 20) +
                                             " MiB (query.memory-max); narrow the time range or the selector");
}

}  // namespace weft::exec
