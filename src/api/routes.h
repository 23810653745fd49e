#pragma once

#include "api/services.h"
#include "net/server.h"

namespace weft::api {

// Which of the listeners a request came in by.
enum class Surface : unsigned char {
  all,        // the main port: Loki, Tempo, OTLP, gRPC, admin
  otlp_grpc,  // 4317
  otlp_http,  // 4318
};

// The handler for a listener. `services` must outlive the server.
net::Handler make_handler(const Services& services, Surface surface);

}  // namespace weft::api
