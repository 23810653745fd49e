#include "app/check_config.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "app/configuration_files.h"
#include "app/settings.h"

namespace weft::app {
namespace {

using config::Finding;
using config::Program;
using text::YamlEntry;
using text::YamlNode;

constexpr std::string_view kUsage =
    "usage: weft check-config FILE... [flags of weft serve]\n\n"
    "Explains what weft would do with configuration files of Tempo, Loki or its own: each key with its\n"
    "effect or why it has none, problems with their line, and everything together. Exit status: 0 good,\n"
    "1 problems, 2 wrong usage.\n";

std::string scalar_or(const YamlNode* node, std::string_view otherwise) {
  return node && node->is_scalar() ? node->value : std::string(otherwise);
}

std::string name_datasources(const YamlNode& root) {
  const YamlNode* list = root.find("datasources");
  if (!list || list->items.empty()) return "Grafana data sources";
  std::string names;
  for (const YamlNode& item : list->items)
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", scalar_or(item.find("name"), "unnamed"),
                         scalar_or(item.find("type"), "no type"));
  return "Grafana data sources: " + names;
}

std::string name_program(Program program, const YamlNode& root) {
  if (program == Program::grafana_datasources) return name_datasources(root);
  if (program == Program::unknown) return "unknown";
  return fmt::format("a configuration of {}", config::program_name(program));
}

// A manifest's kind and name, and what the files inside a ConfigMap are.
std::string name_manifest(const YamlNode& root) {
  std::string out = fmt::format("Kubernetes {} '{}'", scalar_or(root.find("kind"), "object"),
                                scalar_or(root.at({"metadata", "name"}), "unnamed"));
  const YamlNode* data = root.find("data");
  if (scalar_or(root.find("kind"), "") != "ConfigMap" || !data) return out;
  for (const YamlEntry& entry : data->entries) {
    if (!entry.node.is_scalar()) continue;
    auto inner = text::parse_yaml(entry.node.value, entry.key);
    std::string what = inner ? name_program(config::recognise(*inner, entry.key, setting_names()), *inner)
                             : "not YAML: " + inner.error().message();
    out += fmt::format("\n      {} (line {}): {}", entry.key, entry.mark.line, what);
  }
  return out;
}

// One line about one key, its place in front.
void add_line(std::string& out, text::YamlMark mark, std::string_view key, std::string_view text) {
  std::string place = mark.line == 0 ? "-" : fmt::format("{}:{}", mark.line, mark.column);
  out += fmt::format("  {:>7}  {}{}{}\n", place, key, key.empty() ? "" : ": ", text);
}

struct Count {
  int applied = 0;
  int ignored = 0;
  int problems = 0;
};

Count explain_foreign(const Source& source, std::string& out) {
  Count count;
  for (const Finding& finding : config::translate(source.program, source.root).findings) {
    if (finding.kind == Finding::Kind::problem) {
      ++count.problems;  // told below with all others
      continue;
    }
    if (!finding.key.empty()) ++(finding.kind == Finding::Kind::applied ? count.applied : count.ignored);
    std::string_view warning = finding.kind == Finding::Kind::warning ? "attention: " : "";
    add_line(out, finding.mark, finding.key, fmt::format("{}{}", warning, finding.text));
  }
  return count;
}

Count explain_own(const Source& source, std::string& out) {
  Declared declared;
  config::Schema schema = declare(declared);
  std::vector<std::string> problems;
  config::read_yaml(schema, source.root, source.file, problems);
  Count count{.applied = 0, .ignored = 0, .problems = static_cast<int>(problems.size())};
  for (const config::Setting& setting : schema.settings()) {
    if (setting.origin.empty()) continue;
    ++count.applied;
    std::string place = setting.origin.substr(source.file.size() + 1);
    out += fmt::format("  {:>7}  {} = {}\n", place, setting.name, setting.print());
  }
  return count;
}

std::string listener_name(const net::ServerOptions& options) {
  return listener_text(options.address, std::to_string(options.port), options.path_prefix);
}

std::string retention_name(std::int64_t ns) {
  return ns == 0 ? "for ever" : config::print_duration(ns);
}

void explain_together(const Settings& settings, std::string& out) {
  out += "together:\n";
  for (const net::ServerOptions& each : settings.http)
    out += fmt::format("  http://{}: the APIs of Loki, Tempo and OTLP, gRPC\n",
                       listener_name(each));
  if (settings.otlp_grpc) out += fmt::format("  {}: OTLP by gRPC\n", listener_name(*settings.otlp_grpc));
  if (settings.otlp_http) out += fmt::format("  {}: OTLP by HTTP\n", listener_name(*settings.otlp_http));
  if (!settings.otlp_grpc && !settings.otlp_http) out += "  no ports for OTLP alone\n";
  out += fmt::format("  data in {}\n", settings.storage.path);
  out += fmt::format("  logs are kept {}, traces {}\n", retention_name(settings.storage.log_retention_ns),
                     retention_name(settings.storage.trace_retention_ns));
  out += fmt::format("  a tenant must be named for logs: {}, for traces: {}\n",
                     settings.logs_auth ? "yes" : "no", settings.traces_auth ? "yes" : "no");
}

// The files of one run of the command.
class Check {
 public:
  Check(const config::Environment& environment, FileSystem& files, bool expand_env, std::string& out)
      : environment_(environment), files_(files), expand_env_(expand_env), out_(out) {}

  void file(const std::string& name) {
    if (foreign_documents(name)) return;
    std::vector<config::Note> notes;
    auto source = read_source(name, expand_env_, environment_, files_, notes);
    if (!source) return problem(source.error().message());
    if (source->program == Program::unknown) return problem(fmt::format("{}: {}", name, refusal(*source)));
    if (std::string why = refusal(*source); !why.empty()) {
      out_ += fmt::format("{}: {}\n  not for weft serve: {}\n", name,
                          name_program(source->program, source->root), why);
      return;
    }
    std::string lines;
    Count count =
        source->program == Program::weft ? explain_own(*source, lines) : explain_foreign(*source, lines);
    out_ += fmt::format("{}: a configuration of {}; keys with effect: {}, without: {}, problems: {}\n{}",
                        name, config::program_name(source->program), count.applied, count.ignored,
                        count.problems, lines);
    served_.push_back(name);
  }

  // Everything together; the exit status.
  int finish(std::vector<std::string> flags) {
    if (served_.empty() && problems_.empty()) return 0;
    for (const std::string& name : served_) flags.push_back("-config.file=" + name);
    std::vector<config::Note> notes;
    auto settings = load_settings(flags, environment_, files_, notes);
    if (!settings) problem(settings.error().message());
    for (const config::Note& note : notes)
      if (note.level == LogLevel::warn && !told(note.text)) out_ += fmt::format("attention: {}\n", note.text);
    if (problems_.empty()) {
      explain_together(*settings, out_);
      return 0;
    }
    out_ += "problems:\n";
    for (const std::string& each : problems_) out_ += fmt::format("  {}\n", each);
    return 1;
  }

 private:
  // Is this warning in the section of its file already? There it is without the file's name.
  bool told(const std::string& note) const {
    std::size_t key = note.find(": ");
    std::size_t text = key == std::string::npos ? key : note.find(": ", key + 2);
    if (text == std::string::npos) return false;
    return out_.find(fmt::format("{}: attention: {}", note.substr(key + 2, text - key - 2),
                                 note.substr(text + 2))) != std::string::npos;
  }

  void problem(std::string_view lines) {
    while (!lines.empty()) {
      std::size_t end = std::min(lines.find('\n'), lines.size());
      problems_.emplace_back(lines.substr(0, end));
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
  }

  // Manifests may be many in one file. True: the file is one of manifests.
  bool foreign_documents(const std::string& name) {
    auto content = read_file(files_, name, text::YamlLimits().text_bytes_max);
    if (!content) return false;
    auto documents = text::parse_yaml_documents(*content, name);
    if (!documents || documents->empty()) return false;
    bool manifests = std::ranges::any_of(*documents, [&](const YamlNode& root) {
      return config::recognise(root, name, {}) == Program::kubernetes;
    });
    if (!manifests) return false;
    out_ +=
        fmt::format("{}: Kubernetes manifests; not for weft serve, give the files that are inside\n", name);
    for (const YamlNode& root : *documents)
      if (root.is_map()) out_ += fmt::format("  {:>7}  {}\n", root.mark.line, name_manifest(root));
    return true;
  }

  const config::Environment& environment_;
  FileSystem& files_;
  bool expand_env_;
  std::string& out_;
  std::vector<std::string> served_;
  std::vector<std::string> problems_;
};

// The arguments without the files, which are `plain` (in order) and the values of -config.file.
std::vector<std::string> flags_of_serve(const std::vector<std::string>& args,
                                        const std::vector<std::string>& plain) {
  std::vector<std::string> flags;
  std::size_t next = 0;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view name = args[i];
    if (next < plain.size() && args[i] == plain[next]) {
      ++next;
      continue;
    }
    while (name.starts_with('-')) name.remove_prefix(1);
    if (name.starts_with("config.file")) {
      if (name == "config.file") ++i;
      continue;
    }
    if (!name.empty()) flags.push_back(args[i]);
  }
  return flags;
}

}  // namespace

int check_config(const std::vector<std::string>& args, const config::Environment& environment,
                 FileSystem& files, std::string& out) {
  // Files may stand with and without -config.file; what is left are flags of weft serve.
  Declared declared;
  config::Schema schema = declare(declared);
  Settings asked;
  Command command;
  config::Schema command_schema = declare_command(command, asked);
  std::vector<std::string> names;
  std::vector<std::string> problems;
  std::vector<config::Note> notes;
  config::read_flags({.schemas = {&command_schema, &schema}, .tolerated = tolerated_flag, .rest = &names},
                     args, problems, notes);
  if (asked.help) {
    out += kUsage;
    return 0;
  }
  if ((names.empty() && command.files.empty()) || !problems.empty()) {
    for (const std::string& each : problems) out += each + "\n";
    out += kUsage;
    return 2;
  }
  std::vector<std::string> flags = flags_of_serve(args, names);
  names.insert(names.end(), command.files.begin(), command.files.end());
  Check check(environment, files, command.expand_env, out);
  for (const std::string& name : names) check.file(name);
  return check.finish(std::move(flags));
}

int check_config(const std::vector<std::string>& args) {
  PosixFileSystem files;
  std::string out;
  int status = check_config(args, process_environment(), files, out);
  std::fwrite(out.data(), 1, out.size(), status == 2 ? stderr : stdout);
  return status;
}

}  // namespace weft::app
