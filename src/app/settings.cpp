#include "app/settings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

#include "app/configuration_files.h"
#include "app/declared_settings.h"

namespace weft::app {
namespace {

using config::Environment;
using config::Note;
using config::Schema;
using config::Setting;

// "ADDRESS:PORT/PREFIX".
Result<net::ServerOptions> parse_listener(const std::string& text, const net::ServerOptions& shared) {
  net::ServerOptions options = shared;
  std::string_view rest = text;
  std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) options.path_prefix = rest.substr(slash);
  rest = rest.substr(0, slash);
  std::size_t colon = rest.rfind(':');
  std::string_view host = rest.substr(0, std::min(colon, rest.size()));
  std::string_view port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (host.empty() || port.empty() || failed != std::errc() || end != port.data() + port.size())
    return Error(Code::invalid_argument,
                 fmt::format("http.also_listen: '{}' is not ADDRESS:PORT or ADDRESS:PORT/PREFIX", text));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  options.address = host;
  return options;
}

bool valid_prefix(std::string_view prefix) {
  return prefix.empty() ||
         (prefix.starts_with('/') && prefix.find_first_of(" ?#%\\\"") == std::string_view::npos);
}

// Joins what was declared into the modules' options.
void assemble(Declared& d, Schema& schema, std::vector<std::string>& problems) {
  Settings& settings = d.settings;
  if (d.http_address.empty()) d.http_address = "0.0.0.0";
  while (d.http_path_prefix.ends_with('/')) d.http_path_prefix.pop_back();
  if (!valid_prefix(d.http_path_prefix))
    problems.push_back(fmt::format("http.path_prefix: '{}' is not a path such as /weft", d.http_path_prefix));
  auto listener = [&](const std::string& address, std::uint16_t port) {
    net::ServerOptions options = d.server;
    options.address = address.empty() ? d.http_address : address;
    options.port = port;
    return options;
  };
  settings.http = {listener(d.http_address, d.http_port)};
  settings.http[0].path_prefix = d.http_path_prefix;
  for (const std::string& text : d.http_also_listen) {
    auto options = parse_listener(text, d.server);
    if (options) {
      settings.http.push_back(std::move(*options));
    } else {
      problems.push_back(options.error().message());
    }
  }
  if (d.grpc_enabled) settings.otlp_grpc = listener(d.grpc_address, d.grpc_port);
  if (d.otlp_http_enabled) settings.otlp_http = listener(d.otlp_http_address, d.otlp_http_port);
  if (settings.storage.path.empty()) problems.emplace_back("storage.path: is empty; name a directory");
  settings.storage.log_retention_ns = settings.ingest.limits.log_retention_ns;
  settings.storage.trace_retention_ns = settings.ingest.limits.trace_retention_ns;
  settings.effective_yaml = config::print_yaml(schema);
}

// What was given beside the files of Tempo and Loki is meant against them: an OTLP port asks for its
// listener, one HTTP port is instead of theirs.
void override_listeners(Declared& declared, Schema& schema, const std::vector<std::string>& origins_before) {
  auto changed = [&](std::string_view name) {
    for (std::size_t i = 0; i < origins_before.size(); ++i)
      if (schema.settings()[i].name == name) return schema.settings()[i].origin != origins_before[i];
    return false;
  };
  for (std::string_view which : {"otlp.grpc", "otlp.http"}) {
    std::string prefix(which);
    bool named = changed(prefix + "_port") || changed(prefix + "_address");
    bool& enabled = which == "otlp.grpc" ? declared.grpc_enabled : declared.otlp_http_enabled;
    if (named && !changed(prefix + "_enabled")) enabled = true;
  }
  std::vector<std::string>& also = declared.http_also_listen;
  if (changed("http.also_listen")) return;
  if (changed("http.port")) also.clear();
  if (!changed("http.address")) return;
  for (std::string& text : also) {  // an address is meant for all ports
    auto listener = parse_listener(text, declared.server);
    if (listener)
      text = listener_text(declared.http_address, std::to_string(listener->port), listener->path_prefix);
  }
}

std::string joined(const std::vector<std::string>& problems) {
  std::string out;
  for (const std::string& problem : problems) out += (out.empty() ? "" : "\n") + problem;
  return out;
}

}  // namespace

Result<Settings> load_settings(const std::vector<std::string>& arguments, const Environment& environment,
                               FileSystem& files, std::vector<Note>& notes) {
  std::vector<std::string> problems;
  Declared declared;
  Schema schema = declare(declared);
  Command command;
  Settings asked;
  Schema command_schema = declare_command(command, asked);
  config::FlagRules rules{
      .schemas = {&command_schema, &schema}, .tolerated = tolerated_flag, .rest = nullptr};

  // Flags first, since they name the files; and again at the end, since they win.
  config::read_flags(rules, arguments, problems, notes);
  if (asked.help || asked.version) {
    if (problems.empty()) return asked;
    return Error(Code::invalid_argument, joined(problems));
  }
  declared = Declared();
  for (Setting& setting : schema.settings()) setting.origin.clear();
  if (command.target != "all")
    notes.push_back(
        {LogLevel::info, fmt::format("-target={}: one process does everything; ignored", command.target)});

  std::vector<Source> own;
  CompatFiles compat(schema, problems, notes);
  for (const std::string& file : command.files) {
    auto source = read_source(file, command.expand_env, environment, files, notes);
    std::string refused = source ? refusal(*source) : source.error().message();
    if (!refused.empty()) {
      problems.push_back(source ? fmt::format("{}: {}", file, refused) : refused);
      continue;
    }
    notes.push_back({LogLevel::info,
                     fmt::format("{}: read as a file of {}", file, config::program_name(source->program))});
    if (source->program == config::Program::weft) {
      own.push_back(std::move(*source));
    } else {
      compat.add(*source);
    }
  }
  compat.finish();

  std::vector<std::string> origins;
  for (const Setting& setting : schema.settings()) origins.push_back(setting.origin);
  for (const Source& source : own) config::read_yaml(schema, source.root, source.file, problems);
  config::read_environment(schema, environment, problems, notes);
  std::vector<std::string> reported_before;
  std::vector<Note> noted_before;
  config::read_flags(rules, arguments, reported_before, noted_before);
  override_listeners(declared, schema, origins);

  Settings& settings = declared.settings;
  settings.verify_only = asked.verify_only;
  settings.print_config = asked.print_config;
  assemble(declared, schema, problems);
  if (!problems.empty()) return Error(Code::invalid_argument, joined(problems));
  return std::move(settings);
}

Environment process_environment() {
  Environment environment;
  for (char** each = environ; each && *each; ++each) {
    std::string_view entry = *each;
    std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(std::string(entry.substr(0, equals)), std::string(entry.substr(equals + 1)));
  }
  return environment;
}

}  // namespace weft::app
