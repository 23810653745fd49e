#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

// One declaration per setting. From it come the reading of YAML, flags and environment variables,
// bounds, help, the printed effective configuration and the reference page. This module knows no
// setting by name: whoever owns a value declares it.
//
//   Schema schema;
//   schema.group("http", "Where weft listens.");
//   schema.integer("http.port", &port, {.min = 0, .max = 65'535}, "Port; 0 takes a free one.");

namespace weft::config {

enum class Kind : std::uint8_t { boolean, integer, number, text, choice, duration, bytes, list };
std::string_view kind_name(Kind kind);

struct IntegerBounds {
  std::int64_t min = 0;
  std::int64_t max = INT64_MAX;
};
struct NumberBounds {
  double min = 0;
  double max = 1e18;
};
enum class Secret : bool { no, yes };  // a secret is printed as ********

struct Setting {
  std::string name;  // "http.path_prefix"
  Kind kind = Kind::text;
  std::string help;     // one sentence
  std::string bounds;   // "0 to 65535", "debug, info, warn or error"; empty: none
  std::string initial;  // the default as print() writes it
  Secret secret = Secret::no;
  std::vector<std::string> aliases;  // other names that flags may use, with underscores
  // Where the present value came from, for people ("loki.yaml:4:3", "--http.port"). Empty: default.
  std::string origin;

  // Takes the texts of a value: one, or for a list any number. Errors: invalid_argument, saying
  // what is expected.
  std::function<Result<void>(const std::vector<std::string>&)> assign;
  // The present value as a YAML value in one line.
  std::function<std::string()> print;

  std::string flag() const;      // "--http.path-prefix"
  std::string variable() const;  // "WEFT_HTTP_PATH_PREFIX"
};

// The settings of a program, in the order of the reference page. Targets outlive the schema. Names
// are dotted, lower case, with underscores. One thread.
class Schema {
 public:
  // Settings "name.*" belong to this group; the sentence introduces it.
  void group(std::string_view name, std::string_view sentence);

  Setting& boolean(std::string_view name, bool* target, std::string_view help);
  Setting& text(std::string_view name, std::string* target, std::string_view help);
  // Texts in order; a flag or variable divides them by commas, a flag given again adds.
  Setting& list(std::string_view name, std::vector<std::string>* target, std::string_view help);

  template <class T>
  Setting& integer(std::string_view name, T* target, IntegerBounds bounds, std::string_view help) {
    static_assert(std::is_integral_v<T>);
    return add_integer(
        name, [target](std::int64_t value) { *target = static_cast<T>(value); },
        [target] { return static_cast<std::int64_t>(*target); }, bounds, help);
  }
  // Sizes of memory and rates: bytes, written "4MiB", "1.5 MB" or plain.
  template <class T>
  Setting& bytes(std::string_view name, T* target, NumberBounds bounds, std::string_view help) {
    return add_bytes(
        name, [target](double value) { *target = static_cast<T>(value); },
        [target] { return static_cast<double>(*target); }, bounds, help);
  }
  Setting& number(std::string_view name, double* target, NumberBounds bounds, std::string_view help);
  // Nanoseconds, written "1h30m" or "14d".
  Setting& duration(std::string_view name, std::int64_t* target, IntegerBounds bounds_ns,
                    std::string_view help);

  struct Choice {
    std::string_view name;
    int value;
  };
  template <class E>
  Setting& choice(std::string_view name, E* target, std::vector<Choice> choices, std::string_view help) {
    return add_choice(
        name, [target](int value) { *target = static_cast<E>(value); },
        [target] { return static_cast<int>(*target); }, std::move(choices), help);
  }

  // By dotted name, '-' standing for '_'. Null: there is none. The pointer lives until the next
  // declaration.
  Setting* find(std::string_view name);
  // The same with aliases.
  Setting* find_flag(std::string_view name);
  // The known name that is written most like this one.
  std::string nearest(std::string_view name) const;

  const std::vector<Setting>& settings() const { return settings_; }
  std::vector<Setting>& settings() { return settings_; }
  struct Group {
    std::string name;
    std::string sentence;
  };
  const std::vector<Group>& groups() const { return groups_; }

 private:
  Setting& add_integer(std::string_view name, std::function<void(std::int64_t)> set,
                       std::function<std::int64_t()> get, IntegerBounds bounds, std::string_view help);
  Setting& add_bytes(std::string_view name, std::function<void(double)> set, std::function<double()> get,
                     NumberBounds bounds, std::string_view help);
  Setting& add_choice(std::string_view name, std::function<void(int)> set, std::function<int()> get,
                      std::vector<Choice> choices, std::string_view help);
  Setting& add(Setting setting);

  std::vector<Setting> settings_;
  std::vector<Group> groups_;
};

// As Go writes it without what is nought at the end: "48h", "1m30s", "0s".
std::string print_duration(std::int64_t ns);

// How many letters must be added, left out, exchanged or swapped with their neighbour to make one
// text of the other (Damerau-Levenshtein, adjacent swaps only). Both are cut at 256 bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate with the smallest edit distance to `text`, the first of equals; empty for none.
std::string_view nearest(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace weft::config
