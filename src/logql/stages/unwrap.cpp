#include "logql/stages/unwrap.h"

#include "text/units.h"

namespace weft::logql {

bool Unwrap::extract(Row& row, const Name& name, double& value) const {
  std::string_view text = row.get(name);
  if (text.empty()) return false;
  auto fail = [&](const Error& error) {
    row.set_error("SampleExtractionErr", row.arena().copy(error.message()));
    value = 0;
  };
  switch (convert) {
    case Convert::none:
      if (auto v = text::parse_float(text))
        value = *v;
      else
        fail(v.error());
      break;
    case Convert::duration:
    case Convert::duration_seconds:
      if (auto v = text::parse_go_duration(text))
        value = static_cast<double>(*v) / 1e9;
      else
        fail(v.error());
      break;
    case Convert::bytes:
      if (auto v = text::parse_bytes(text))
        value = static_cast<double>(*v);
      else
        fail(v.error());
      break;
  }
  return true;
}

void Unwrap::print(std::string& out) const {
  out += "| unwrap ";
  switch (convert) {
    case Convert::none: out += label; return;
    case Convert::duration: out += "duration("; break;
    case Convert::duration_seconds: out += "duration_seconds("; break;
    case Convert::bytes: out += "bytes("; break;
  }
  out += label + ")";
}

}  // namespace weft::logql
