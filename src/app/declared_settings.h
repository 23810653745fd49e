#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "config/setting.h"
#include "net/server.h"

// Every setting there is, declared once. From here come weft.yaml, flags, variables, help and the
// reference page.

namespace weft::app {

// The values that settings write to before they are put together.
struct Declared {
  Declared() { settings.storage.path = "weft-data"; }

  Settings settings;
  net::ServerOptions server;  // what all listeners share
  std::string http_address = "127.0.0.1";
  std::uint16_t http_port = 3100;
  std::string http_path_prefix;
  std::vector<std::string> http_also_listen;
  bool grpc_enabled = true;
  std::string grpc_address;  // empty: http_address
  std::uint16_t grpc_port = 4317;
  bool otlp_http_enabled = true;
  std::string otlp_http_address;
  std::uint16_t otlp_http_port = 4318;
};

// The settings, writing to `declared`, which outlives the schema.
config::Schema declare(Declared& declared);

// What only the command line says.
struct Command {
  std::vector<std::string> files;
  bool expand_env = false;
  std::string target = "all";
};

// Flags beside the settings. Both targets outlive the schema.
config::Schema declare_command(Command& command, Settings& settings);

// Why a flag of Loki or Tempo has no effect here; empty when nobody knows it.
std::string tolerated_flag(std::string_view name);

}  // namespace weft::app
