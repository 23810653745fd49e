#pragma once

#include <cstdint>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "base/protozero.h"
#include "base/result.h"

// Reading protobuf without generated code. protozero reports malformed bytes by exceptions. They, and
// Refused for our own limits, are thrown inside `read` only: read_protobuf turns both into an Error.

namespace weft::wire {

using protozero::pbf_reader;

// A field's number and wire type in one integer, for `switch (message.tag_and_type())`. A known
// number with another wire type falls to default and is skipped like an unknown field.
constexpr std::uint32_t varint_field(std::uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::varint);
}
constexpr std::uint32_t bytes_field(std::uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::length_delimited);
}
constexpr std::uint32_t fixed64_field(std::uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed64);
}
constexpr std::uint32_t fixed32_field(std::uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed32);
}

class Refused : public std::exception {
 public:
  explicit Refused(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message().c_str(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

// Runs read(message) over `body`. `what` names the message in the error text.
template <class Read>
Result<void> read_protobuf(std::string_view body, std::string_view what, Read read) {
  // Sizes of texts are 32 bits in Value.
  if (body.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(Code::resource_exhausted, std::string(what) + " is larger than 4 GiB");
  try {
    read(pbf_reader(body));
    return {};
  } catch (const Refused& refused) {
    return refused.error();
  } catch (const protozero::exception& malformed) {
    return Error(Code::invalid_argument,
                 "body is no protobuf " + std::string(what) + ": " + malformed.what());
  }
}

}  // namespace weft::wire
