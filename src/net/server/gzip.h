#pragma once

#include <string_view>

#include "net/server.h"

namespace weft::net {

// True when an accept-encoding value lets us answer with gzip.
bool accepts_gzip(std::string_view accept_encoding);

// Compresses the body of an answer where that pays: at least 1 KiB, not encoded yet, and of a type
// that is not compressed by itself. Adds content-encoding and vary.
void compress_answer(Response& response);

}  // namespace weft::net
