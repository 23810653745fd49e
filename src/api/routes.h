#pragma once

#include <string_view>
#include <vector>

#include "api/services.h"
#include "net/server.h"

namespace weft::api {

// Which of the listeners a request came in by.
enum class Surface : unsigned char {
  all,        // the main port: Loki, Tempo, OTLP, gRPC, admin
  otlp_grpc,  // 4317
  otlp_http,  // 4318
};

// One row of the table of endpoints; {} stands for one segment of a path, {*} for any text.
struct Endpoint {
  std::string_view pattern;
  std::string_view methods;  // "GET", "POST", "GET,POST" or "*"
};
std::vector<Endpoint> endpoints();

// The handler for a listener. `services` must outlive the server.
net::Handler make_handler(const Services& services, Surface surface);

}  // namespace weft::api
