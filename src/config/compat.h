#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/yaml.h"

// Other programs' configuration files, translated into settings by name. What their keys mean is
// written in tables (compat/tempo.cpp, compat/loki.cpp): the union of all versions from Tempo 2.3 and
// Loki 2.9 on. A known key either sets something, or says in one line why it does not.

namespace weft::config {

enum class Program : std::uint8_t {
  weft,
  tempo,
  loki,
  promtail,
  grafana_datasources,
  kubernetes,  // a manifest
  unknown,
};
std::string_view program_name(Program program);  // "Tempo", "a Kubernetes manifest"

// Whose file this is, by its top two levels of keys; a tie is broken by the file's name. `own_keys` are
// the names of our settings. An empty file is ours unless its name says otherwise.
Program recognise(const text::YamlNode& root, std::string_view file,
                  const std::vector<std::string>& own_keys);

// One line about one key.
struct Finding {
  enum class Kind : std::uint8_t {
    applied,  // does something here
    ignored,  // known, without effect, and that changes nothing to speak of
    warning,  // known, without effect, and somebody may miss it
    problem,  // an error
  };
  Kind kind = Kind::applied;
  text::YamlMark mark;  // line 0: about the whole file
  std::string key;      // "ingester.lifecycler.ring"; may be empty
  std::string text;     // "weft has no rings; ignored"
};

// A value for one of our settings.
struct Assignment {
  std::string setting;
  std::vector<std::string> values;  // one, unless the setting is a list
  text::YamlMark mark;
  std::string key;
};

struct Translation {
  std::vector<Assignment> assignments;
  std::vector<Finding> findings;  // in the order of the file
};

// `program` is tempo or loki. A listener always comes as the assignments http.address, http.port and
// http.path_prefix, in this order; a storage directory, when the file has one, as storage.path.
Translation translate(Program program, const text::YamlNode& root);

}  // namespace weft::config
