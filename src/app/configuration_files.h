#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/declared_settings.h"
#include "base/file_system.h"
#include "config/compat.h"
#include "config/load.h"
#include "text/yaml.h"

// The files that -config.file names: whose they are, and what several of them say together.

namespace weft::app {

struct Source {
  config::Program program = config::Program::unknown;
  std::string file;
  text::YamlNode root;
};

// Reads a file, expands variables where that is due, and tells whose it is. Errors: what the file
// system says; "file:line:column: …".
Result<Source> read_source(const std::string& file, bool expand_env, const config::Environment& environment,
                           FileSystem& files, std::vector<config::Note>& notes);

// Why a file of that program is not for `weft serve`; empty when it is.
std::string refusal(const Source& source);

// "loki.yaml:4:3: limits_config.max_line_size: ", or only what there is of it.
std::string place(const Source& source, text::YamlMark mark, std::string_view key);

// "127.0.0.1:3100/prefix", as http.also_listen takes it.
std::string listener_text(std::string_view address, std::string_view port, std::string_view prefix);

// Puts together what files of Tempo and Loki say: a later file wins, except that every port is
// served. Problems and lines for the log are added to the two lists, which outlive this.
class CompatFiles {
 public:
  CompatFiles(config::Schema& schema, std::vector<std::string>& problems, std::vector<config::Note>& notes)
      : schema_(schema), problems_(problems), notes_(notes) {}

  void add(const Source& source);
  void finish();  // after the last file

 private:
  struct Listener {
    std::string address;
    std::string port;
    std::string prefix;
    std::string file;
  };

  static std::string origin(const Source& source, const config::Assignment& each);
  void report(const Source& source, const std::vector<config::Finding>& findings);
  void set(const Source& source, const config::Assignment& each);
  void add_listener(std::size_t index, std::vector<std::string>& others);

  config::Schema& schema_;
  std::vector<std::string>& problems_;
  std::vector<config::Note>& notes_;
  std::vector<Listener> listeners_;
  bool has_tempo_ = false;
};

}  // namespace weft::app
