#include <algorithm>

#include "api/services.h"

namespace weft::api {
namespace {

constexpr std::string_view kOnlyTenant = "fake";  // Loki's name for the tenant of those who have none
constexpr std::size_t kTenantBytesMax = 150;

bool is_tenant_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!_.*'()-").find(c) != std::string_view::npos;
}

}  // namespace

Result<TenantId> resolve_tenant(const Services& services, Signal signal, const net::Request& request) {
  bool required = signal == Signal::logs ? services.logs_auth : services.traces_auth;
  if (!required) return TenantId(kOnlyTenant);
  std::string_view id = request.header("x-scope-orgid");
  if (id.empty()) return Error(Code::unauthenticated, "no org id");
  if (id.size() > kTenantBytesMax)
    return Error(Code::invalid_argument, "tenant ID is too long: max 150 characters");
  if (id == "." || id == "..") return Error(Code::invalid_argument, "tenant ID is '.' or '..'");
  auto bad = std::ranges::find_if_not(id, is_tenant_char);
  if (bad != id.end())
    return Error(Code::invalid_argument,
                 "tenant ID '" + std::string(id) + "' contains unsupported character '" + *bad + "'");
  return TenantId(id);
}

exec::Context::Options query_bounds(const Call& call) {
  return query_bounds(call.services.limits, [responder = call.responder] { return responder.cancelled(); });
}

exec::Context::Options query_bounds(const Limits& limits, std::function<bool()> cancelled) {
  exec::Context::Options options;
  if (limits.query_timeout_ns > 0) options.deadline_ns = steady_ns() + limits.query_timeout_ns;
  options.memory_bytes_max = limits.query_memory_bytes_max;
  options.cancelled = std::move(cancelled);
  return options;
}

int http_status(Code code) {
  switch (code) {
    case Code::invalid_argument: return 400;
    case Code::not_found: return 404;
    case Code::already_exists: return 409;
    case Code::permission_denied: return 403;
    case Code::unauthenticated: return 401;
    case Code::resource_exhausted: return 429;
    case Code::deadline_exceeded: return 504;
    case Code::cancelled: return 499;
    case Code::unavailable: return 503;
    case Code::unimplemented: return 501;
    case Code::corrupted:
    case Code::internal: return 500;
  }
  return 500;
}

void send_text(const net::Responder& responder, int status, std::string text) {
  responder.send({status,
                  {{"content-type", "text/plain; charset=utf-8"}, {"x-content-type-options", "nosniff"}},
                  std::move(text)});
}

void send_error(const net::Responder& responder, const Error& error) {
  send_text(responder, http_status(error.code()), error.message());
}

void send_json(const net::Responder& responder, std::string json) {
  responder.send({200, {{"content-type", "application/json; charset=UTF-8"}}, std::move(json)});
}

}  // namespace weft::api
