// What a server answers to `weft query`, `weft tail` and `weft trace`, and the lines in it, are outside bytes.

#include <cstddef>
#include <string_view>

#include "app/line_printer.h"
#include "app/loki_client.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto forward = weft::app::parse_query_answer(text, weft::app::Direction::forward);
  auto backward = weft::app::parse_query_answer(text, weft::app::Direction::backward);
  if (static_cast<bool>(forward) != static_cast<bool>(backward)) __builtin_trap();
  if (auto tailed = weft::app::parse_tail_message(text); tailed && tailed->lines.size() > size) __builtin_trap();
  std::string message = weft::app::message_of(text);
  if (message.size() > size * 6 + 64) __builtin_trap();  // escapes grow, nothing else does
  return 0;
}
