#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "net/http2/session.h"
#include "net/server/scripted_host.h"

// The first byte says how the rest, frames after the preface, is cut into pieces. Whatever comes:
// no crash, bounded output, every byte of the budget given back.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft;
  using namespace weft::net;
  if (size == 0) return 0;
  static const ServerOptions options{.header_bytes_max = 512, .body_bytes_max = 4096, .http2_streams_max = 8};
  static const std::string prefix;
  std::size_t piece = std::size_t{1} + data[0] * 4;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ScriptedHost host;
  http2::Http2Session session(host, options, prefix);
  session.input(http2::kPreface);
  while (!bytes.empty() && !host.finished) {
    session.input(bytes.substr(0, piece));
    host.answer_all(session);
    session.produce();
    CHECK(host.output().size() < (1 << 20));
    host.output().clear();
    bytes.remove_prefix(std::min(piece, bytes.size()));
    host.now += 1'000'000'000;
    if (session.deadline_ns() <= host.now) session.timeout();
  }
  session.stop();
  session.produce();
  session.lost();
  CHECK(host.charged == 0);
  return 0;
}
