// Tempo's status pages: text for people, and for scripts that only look whether they are there.

#include <fmt/format.h>

#include "api/admin/admin.h"
#include "api/routes.h"

namespace weft::api {
namespace {

std::string version_text(const Services& services) {
  return fmt::format("weft, version {} (revision: {})\n  speaks the APIs of Tempo {} and Loki {}\n",
                     services.version, services.revision, kTempoVersion, kLokiVersion);
}

std::string services_text(const Services& services) {
  std::string_view all = services.stopping() ? "Stopping" : "Running";
  std::string_view storage = services.store.writable() ? all : "Failed";
  return fmt::format("ingest => {}\nstorage => {}\nquery => {}\n", storage, storage, all);
}

std::string endpoints_text() {
  std::string out;
  for (const Endpoint& e : endpoints()) out += fmt::format("{:<9} {}\n", e.methods, e.pattern);
  return out;
}

}  // namespace

void admin_services(Call& call) {
  send_text(call.responder, 200, services_text(call.services));
}
void admin_status_version(Call& call) {
  send_text(call.responder, 200, version_text(call.services));
}
void admin_status_endpoints(Call& call) {
  send_text(call.responder, 200, endpoints_text());
}

void admin_status(Call& call) {
  send_text(call.responder, 200,
            "---\n" + version_text(call.services) + "---\n" + services_text(call.services) + "---\n" +
                endpoints_text() + "---\n" + call.services.config_yaml);
}

void admin_status_overrides(Call& call) {
  std::string who = call.param.empty() ? "no tenant" : "tenant " + call.param;
  send_text(call.responder, 200,
            who + (call.param.empty() ? " has" : " has no") +
                " limits of its own; those of all tenants are in /status/config\n");
}

}  // namespace weft::api
