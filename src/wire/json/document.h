#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <simdjson.h>

#include "base/arena.h"
#include "base/result.h"

// Reading a JSON request with simdjson's On-Demand parser: values are visited once, in order, and
// what nobody asks for is skipped without recursion. simdjson checks the structure on the way; inside
// skipped values it finds only unbalanced brackets and quotes.

namespace weft::wire {

namespace on_demand = simdjson::ondemand;

Error json_error(simdjson::error_code code);
// "<what> must be <expected>".
Error json_type_error(std::string_view what, std::string_view expected);

// One document. Texts that it returns live in the arena.
class JsonDocument {
 public:
  explicit JsonDocument(Arena& arena) : arena_(arena) {}

  // Copies `body` into the arena and finds its structure; bytes in it that are not UTF-8 become
  // U+FFFD. Errors: not JSON, or no object.
  Result<on_demand::object> open(std::string_view body);
  // The same of a document that is an array.
  Result<on_demand::array> open_list(std::string_view body);
  // To be called when the object or array has been read: nothing may follow it.
  Result<void> close();

  // The text of a string. Requires is_string(value), and consumes it.
  Result<std::string_view> string(on_demand::value value);
  Result<std::string_view> key(on_demand::field& field);
  Arena& arena() { return arena_; }

 private:
  simdjson::error_code parse(std::string_view body);
  Result<on_demand::json_type> begin(std::string_view body);
  std::string_view unescape(std::string_view text);

  Arena& arena_;
  on_demand::parser parser_;
  on_demand::document document_;
};

bool is_string(on_demand::value value);
bool is_object(on_demand::value value);
bool is_array(on_demand::value value);
// Consumes the value when it is null.
bool is_null(on_demand::value value);

// A number, text in its quotes, true, false or null as it stands in the document, and "" for an object
// or array. Does not consume the value.
std::string_view scalar_token(on_demand::value value);
// The same of a value of any type. Consumes objects and arrays.
Result<std::string_view> raw_text(on_demand::value value);

// Calls visit(key, value) -> Result<void> for every member. A value that it does not consume is
// skipped.
template <class Visit>
Result<void> each_member(JsonDocument& document, on_demand::object object, Visit visit) {
  for (auto next : object) {
    on_demand::field field;
    if (auto error = std::move(next).get(field)) return json_error(error);
    std::string_view key = TRY(document.key(field));
    TRY(visit(key, field.value()));
  }
  return {};
}
// The same of a value that is an object; `what` names it when it is none. null has no members.
template <class Visit>
Result<void> each_member(JsonDocument& document, on_demand::value value, std::string_view what, Visit visit) {
  if (is_null(value)) return {};
  if (!is_object(value)) return json_type_error(what, "an object");
  on_demand::object object;
  if (auto error = value.get_object().get(object)) return json_error(error);
  return each_member(document, object, std::move(visit));
}

// Calls visit(value) -> Result<void> for every item of an array.
template <class Visit>
Result<void> each_item(on_demand::array array, Visit visit) {
  for (auto next : array) {
    on_demand::value item;
    if (auto error = std::move(next).get(item)) return json_error(error);
    TRY(visit(item));
  }
  return {};
}
// The same of a value that is an array; `what` names it when it is none. null has no items.
template <class Visit>
Result<void> each_item(on_demand::value value, std::string_view what, Visit visit) {
  if (is_null(value)) return {};
  if (!is_array(value)) return json_type_error(what, "an array");
  on_demand::array array;
  if (auto error = value.get_array().get(array)) return json_error(error);
  return each_item(array, std::move(visit));
}

}  // namespace weft::wire
