#pragma once

#include <string>

#include "net/server.h"

namespace weft::api::tempo {

// What a client wants to read.
enum class Format : unsigned char {
  json,
  protobuf,
  llm,  // short JSON for language models: application/vnd.grafana.llm
};

// Looks for media types in Accept: protobuf before JSON before llm, JSON when it names none.
Format wanted(const net::Request& request);

void send_protobuf(const net::Responder& responder, std::string body);
void send_llm(const net::Responder& responder, std::string json);

}  // namespace weft::api::tempo
