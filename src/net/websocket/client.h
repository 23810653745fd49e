#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/server.h"

namespace weft::net::websocket {

// See Client::websocket.
Result<void> follow(const std::string& url, const Headers& headers,
                    const std::function<bool(std::string_view)>& on_message);

}  // namespace weft::net::websocket
