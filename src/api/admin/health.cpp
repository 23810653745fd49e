#include "api/admin/health.h"

#include <algorithm>
#include <chrono>

#include "api/admin/admin.h"
#include "api/routes.h"
#include "base/protozero.h"

namespace weft::api {
namespace {

// Health is read from flags that tell nobody when they change.
constexpr auto kLookEvery = std::chrono::milliseconds(200);
// Bounds memory; a load balancer opens one for every connection.
constexpr std::size_t kWatchesMax = 1024;

// HealthCheckResponse.
std::string response(Health health) {
  std::string out;
  protozero::pbf_writer(out).add_enum(1, static_cast<int>(health));
  return out;
}

// The service that a HealthCheckRequest names; "" is the server as a whole.
Result<std::string> service_asked(const net::Request& request) {
  std::string message = TRY(net::grpc_message(request, {}));
  std::string service;
  try {
    protozero::pbf_reader reader(message);
    while (reader.next())
      if (reader.tag_and_type() == protozero::tag_and_type(1, protozero::pbf_wire_type::length_delimited)) {
        service = reader.get_string();
      } else {
        reader.skip();
      }
  } catch (const protozero::exception&) {
    return Error(Code::invalid_argument, "not a HealthCheckRequest message");
  }
  return service;
}

// True for the name of a gRPC service that the table of routes has.
bool is_known(std::string_view service) {
  if (service.empty()) return true;
  if (service.find('.') == std::string_view::npos) return false;
  auto list = endpoints();
  return std::ranges::any_of(list, [&](const Endpoint& e) {
    std::string_view path = e.pattern.substr(1);
    return path.substr(0, path.rfind('/')) == service;
  });
}

}  // namespace

HealthWatches::HealthWatches(Questions questions, Registry& metrics)
    : questions_(std::move(questions)),
      count_(metrics.gauge("weft_health_watches", "gRPC clients that watch the health of a port.")) {}

HealthWatches::~HealthWatches() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  count_.add(-static_cast<double>(held_));
}

bool HealthWatches::tell(Watch& watch) {
  if (watch.responder.cancelled()) return false;
  // Asked once: whoever is told that the server stops has been told NOT_SERVING before.
  bool stopping = questions_.stopping();
  if (watch.known) {
    Health now = stopping ? Health::not_serving : questions_.now();
    if (now != watch.told && !watch.stream.message(response(now))) return false;
    watch.told = now;
  }
  if (!stopping) return true;
  watch.stream.fail(Error(Code::unavailable, "the server is stopping"));
  return false;
}

void HealthWatches::add(net::Responder responder, bool service_known) {
  Watch watch{responder, net::GrpcStream(responder), service_known};
  {
    std::lock_guard lock(mutex_);
    if (held_ >= kWatchesMax)
      return watch.stream.fail(Error(Code::resource_exhausted, "too many clients watch the health"));
    ++held_;
    count_.add(1);
  }
  if (!service_known) watch.stream.message(response(Health::service_unknown));
  std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(watch));
  if (!thread_.joinable()) thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
  changed_.notify_all();
}

void HealthWatches::run(std::stop_token stop) {
  std::vector<Watch> watches;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (watches.empty()) {
        changed_.wait(lock, stop, [&] { return !waiting_.empty(); });
      } else {  // a new one is told at once
        changed_.wait_for(lock, stop, kLookEvery, [&] { return !waiting_.empty(); });
      }
      std::ranges::move(waiting_, std::back_inserter(watches));
      waiting_.clear();
    }
    std::size_t over = std::erase_if(watches, [&](Watch& w) { return !tell(w); });
    if (over == 0) continue;
    std::lock_guard lock(mutex_);
    held_ -= over;
    count_.add(-static_cast<double>(over));
  }
}

void admin_health_check(Call& call) {
  auto service = service_asked(call.request);
  if (!service) return net::grpc_error(call.responder, service.error());
  if (!is_known(*service))
    return net::grpc_error(call.responder, Error(Code::not_found, "unknown service " + *service));
  net::grpc_reply(call.responder, response(health(call.services)));
}

void admin_health_watch(Call& call) {
  auto service = service_asked(call.request);
  if (!service) return net::grpc_error(call.responder, service.error());
  call.watches->add(call.responder, is_known(*service));
}

Health health(const Services& services) {
  bool serving = !services.stopping() && services.store.writable();
  return serving ? Health::serving : Health::not_serving;
}

}  // namespace weft::api
