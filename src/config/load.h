#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "config/setting.h"
#include "text/yaml.h"

// Values from files, environment and flags into the settings of a Schema. Every function goes on
// after a problem and adds each one to `problems`, so that people see all of them at once.

namespace weft::config {

// Names of environment variables and their values.
using Environment = std::map<std::string, std::string, std::less<>>;

// One line for the log.
struct Note {
  LogLevel level = LogLevel::info;
  std::string text;
};

// Our own YAML file: keys are the parts of settings' names. Unknown keys are problems that name
// "file:line:column" and the nearest known key.
void read_yaml(Schema& schema, const text::YamlNode& root, std::string_view file,
               std::vector<std::string>& problems);

// WEFT_STORAGE_PATH and the like. A variable WEFT_… that is nearly a setting's is worth a note.
void read_environment(Schema& schema, const Environment& environment, std::vector<std::string>& problems,
                      std::vector<Note>& notes);

// Flags in Go's style: one or two dashes, `-a.b=c` or `-a.b c`, booleans without a value, `--` ends
// them. Each is looked up in the schemas in order; a list's flag may be given again. Arguments that
// are no flags go to `rest`, or are problems when it is null. `tolerated` is asked about flags that no
// schema has: a text says why the flag has no effect here (a note), an empty one that it is unknown.
struct FlagRules {
  std::vector<Schema*> schemas;
  std::function<std::string(std::string_view name)> tolerated;
  std::vector<std::string>* rest = nullptr;
};
void read_flags(const FlagRules& rules, const std::vector<std::string>& arguments,
                std::vector<std::string>& problems, std::vector<Note>& notes);

// One value found somewhere; a problem names `origin`.
void assign(Setting& setting, const std::vector<std::string>& values, std::string_view origin,
            std::vector<std::string>& problems);

// ${NAME}, ${NAME:default} and ${NAME:-default} replaced; $$ is a dollar sign. A name without value
// and default is replaced by nothing and noted. Errors: invalid_argument, "file:line: …", for braces
// that do not close; resource_exhausted for a result of more than 4 MiB.
Result<std::string> expand_variables(std::string_view text, std::string_view file,
                                     const Environment& environment, std::vector<Note>& notes);

// All settings with their present values as YAML, nested by the parts of their names.
std::string print_yaml(const Schema& schema);

// One line or two a setting for --help.
std::string print_help(const Schema& schema);

// The reference page: groups, and a table of their settings.
std::string print_reference(const Schema& schema);

}  // namespace weft::config
