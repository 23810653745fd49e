#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "net/http1/session.h"
#include "net/server/scripted_host.h"

// The first byte says how the rest is cut into pieces. Whatever comes: no crash, every byte of the
// budget given back, and the same requests however the bytes are cut.

namespace {

using namespace weft;
using namespace weft::net;

std::size_t requests_in(std::string_view bytes, std::size_t piece) {
  static const ServerOptions options{.header_bytes_max = 512, .body_bytes_max = 4096};
  static const std::string prefix = "/weft";
  ScriptedHost host;
  http1::Http1Session session(host, options, prefix);
  while (!bytes.empty() && !host.finished) {
    session.input(bytes.substr(0, piece));
    host.answer_all(session);
    while (!host.waiting.empty()) host.answer_all(session);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    CHECK(session.deadline_ns() > 0);
  }
  if (!host.finished) session.timeout();
  session.lost();
  CHECK(host.charged == 0);
  CHECK(session.idle());
  return host.requests;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  CHECK(requests_in(bytes, std::size_t{1} + data[0] % 64) == requests_in(bytes, bytes.size() + 1));
  return 0;
}
