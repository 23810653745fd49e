#include "net/server/session.h"

#include <cstdio>
#include <ctime>

namespace weft::net {
namespace {

// gRPC's own table for a peer that sees a bare HTTP status.
int grpc_number(int status) {
  switch (status) {
    case 400: return 3;
    case 413:
    case 431: return 8;
    case 408: return 4;
    case 503: return 14;
    default: return 13;
  }
}

}  // namespace

std::string_view refusal_name(Refusal reason) {
  switch (reason) {
    case Refusal::malformed: return "malformed";
    case Refusal::headers: return "headers";
    case Refusal::body: return "body";
    case Refusal::slow: return "slow";
    case Refusal::queue: return "queue";
    case Refusal::connections: return "connections";
    case Refusal::memory: return "memory";
    case Refusal::failed: return "failed";
  }
  return "";
}

Response plain_response(int status, std::string_view text, bool grpc) {
  Response response;
  if (grpc) {
    response.status = 200;
    response.headers = {{"content-type", "application/grpc"},
                        {"grpc-status", std::to_string(grpc_number(status))},
                        {"grpc-message", std::string(text)}};
    return response;
  }
  response.status = status;
  response.headers = {{"content-type", "text/plain; charset=utf-8"}};
  response.body = std::string(text) + "\n";
  return response;
}

bool is_sendable(std::string_view name, std::string_view value) {
  if (name.empty()) return false;
  for (char c : name)
    if (c <= ' ' || c == ':' || c == 0x7f || static_cast<signed char>(c) < 0) return false;
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool is_hop_by_hop(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" || name == "upgrade" ||
         name == "proxy-connection";
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::string_view http_date() {
  struct Cached {
    std::time_t second = -1;
    char text[64] = "";
    int length = 0;
  };
  thread_local Cached cached;
  std::time_t now = std::time(nullptr);
  if (now != cached.second) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm t{};
    ::gmtime_r(&now, &t);
    cached.length = std::snprintf(cached.text, sizeof cached.text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                  kDays[t.tm_wday], t.tm_mday, kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour,
                                  t.tm_min, t.tm_sec);
    cached.second = now;
  }
  return {cached.text, static_cast<std::size_t>(cached.length)};
}

}  // namespace weft::net
