#include "app/version.h"

namespace weft::app {

const char* version() { return WEFT_VERSION; }
const char* revision() { return WEFT_REVISION; }

}  // namespace weft::app
