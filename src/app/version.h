#pragma once

namespace weft::app {

const char* version();   // "0.1.0"
const char* revision();  // the git commit that was built, short; "unknown" outside a checkout

}  // namespace weft::app
