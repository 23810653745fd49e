#include <cstdio>
#include <cstdlib>
#include <string>

#include "logql/query.h"

// Whatever parses prints as a query that parses and prints the same; the pretty form says the same.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using weft::logql::Query;
  auto query = Query::parse({reinterpret_cast<const char*>(data), size});
  if (!query) return 0;
  std::string text = query->to_string();
  for (const std::string& form : {text, query->pretty()}) {
    auto again = Query::parse(form);
    if (again && again->to_string() == text) continue;
    std::fprintf(stderr, "%s\nparses to: %s\n", form.c_str(),
                 again ? again->to_string().c_str() : again.error().message().c_str());
    std::abort();
  }
  return 0;
}
