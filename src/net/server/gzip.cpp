#include "net/server/gzip.h"

#include "base/compress.h"
#include "net/server/session.h"

namespace weft::net {
namespace {

constexpr std::size_t kBodyBytesMin = 1024;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_compressed_type(std::string_view type) {
  for (std::string_view begin : {"video/", "audio/", "font/woff", "application/gzip", "application/zip",
                                 "application/zstd", "application/grpc", "application/x-gzip"})
    if (type.starts_with(begin)) return true;
  return type.starts_with("image/") && !type.starts_with("image/svg");
}

// "gzip;q=0" and "q=0.000" say no.
bool is_refused(std::string_view parameters) {
  std::size_t q = parameters.find("q=");
  if (q == std::string_view::npos) return false;
  std::string_view value = trim(parameters.substr(q + 2));
  return value.find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  std::string lower = lower_case(accept_encoding);
  std::string_view rest = lower;
  while (!rest.empty()) {
    std::size_t comma = rest.find(',');
    std::string_view item = trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    std::size_t semicolon = item.find(';');
    std::string_view name = trim(item.substr(0, semicolon));
    bool yes = semicolon == std::string_view::npos || !is_refused(item.substr(semicolon + 1));
    if (name == "gzip" || name == "x-gzip") return yes;
    if (name == "*") any = yes;
  }
  return any;
}

void compress_answer(Response& response) {
  if (response.body.size() < kBodyBytesMin || !status_has_body(response.status)) return;
  for (const auto& [name, value] : response.headers) {
    std::string lower = lower_case(name);
    if (lower == "content-encoding" || lower == "content-range") return;
    if (lower == "content-type" && is_compressed_type(lower_case(value))) return;
  }
  auto small = compress(Codec::gzip, response.body, 1);
  if (!small || small->size() >= response.body.size()) return;
  response.body = std::move(*small);
  response.headers.emplace_back("content-encoding", "gzip");
  response.headers.emplace_back("vary", "accept-encoding");
}

}  // namespace weft::net
