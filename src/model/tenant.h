#pragma once

#include <string>

namespace weft {

// X-Scope-OrgID as a value. Tenants never see each other's data.
using TenantId = std::string;

}  // namespace weft
