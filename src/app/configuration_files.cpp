#include "app/configuration_files.h"

#include <fmt/format.h>

namespace weft::app {

using config::Note;
using config::Program;
using config::Setting;

Result<Source> read_source(const std::string& file, bool expand_env, const config::Environment& environment,
                           FileSystem& files, std::vector<Note>& notes) {
  auto content = read_file(files, file, text::YamlLimits().text_bytes_max);
  if (!content) return content.error().in_context(file);
  const std::vector<std::string> own_keys = setting_names();
  Source source{.program = Program::unknown, .file = file, .root = {}};
  // Whose file it is decides whether to expand. What is no YAML yet may become it: `port: {${A}}`.
  auto plain = text::parse_yaml(*content, file);
  if (plain) source.program = config::recognise(*plain, file, own_keys);
  bool ours = plain && source.program == Program::weft && content->find('$') != std::string::npos;
  if (!expand_env && !ours) {
    source.root = TRY(std::move(plain));
    return source;
  }
  std::string expanded = TRY(config::expand_variables(*content, file, environment, notes));
  source.root = TRY(text::parse_yaml(expanded, file));
  source.program = config::recognise(source.root, file, own_keys);
  return source;
}

std::string refusal(const Source& source) {
  switch (source.program) {
    case Program::weft:
    case Program::tempo:
    case Program::loki: return "";
    case Program::promtail:
      return "this is a Promtail configuration: it tells an agent what to collect, not a server what to do; "
             "`weft serve` takes files of Tempo, Loki and its own";
    case Program::grafana_datasources: return "these are data sources for Grafana, not settings of a server";
    case Program::kubernetes:
      return "this is a Kubernetes manifest; give the configuration file that is inside it";
    case Program::unknown:
      return "cannot tell whether this is a file of Tempo, Loki or weft; call it tempo.yaml, loki.yaml or "
             "weft.yaml";
  }
  return "";
}

std::string place(const Source& source, text::YamlMark mark, std::string_view key) {
  std::string out = source.file;
  if (mark.line > 0) out += fmt::format(":{}:{}", mark.line, mark.column);
  out += ": ";
  if (!key.empty()) out += fmt::format("{}: ", key);
  return out;
}

std::string listener_text(std::string_view address, std::string_view port, std::string_view prefix) {
  bool v6 = address.find(':') != std::string_view::npos;
  return fmt::format("{}{}{}:{}{}", v6 ? "[" : "", address, v6 ? "]" : "", port, prefix);
}

void CompatFiles::add(const Source& source) {
  config::Translation translation = config::translate(source.program, source.root);
  report(source, translation.findings);
  has_tempo_ = has_tempo_ || source.program == Program::tempo;
  Listener listener;
  listener.file = source.file;
  for (const config::Assignment& each : translation.assignments) {
    if (each.setting == "http.address") {
      listener.address = each.values[0];
    } else if (each.setting == "http.path_prefix") {
      listener.prefix = each.values[0];
    } else if (each.setting == "http.port") {
      std::size_t before = problems_.size();
      config::assign(*schema_.find("http.port"), each.values, origin(source, each), problems_);
      if (problems_.size() == before) listener.port = each.values[0];
    } else {
      set(source, each);
    }
  }
  listeners_.push_back(std::move(listener));
}

void CompatFiles::finish() {
  if (listeners_.empty()) return;
  const Listener& first = listeners_[0];
  if (!has_tempo_) {
    for (std::string_view name : {"otlp.grpc_enabled", "otlp.http_enabled"})
      config::assign(*schema_.find(name), {"false"}, first.file, problems_);
    notes_.push_back({LogLevel::info,
                      "no listeners on 4317 and 4318, since no Tempo file asks for receivers; OTLP is taken "
                      "on the main port "
                      "too; --otlp.grpc-enabled and --otlp.http-enabled open them"});
  }
  std::vector<std::string> others;
  for (std::size_t i = 1; i < listeners_.size(); ++i) add_listener(i, others);
  config::assign(*schema_.find("http.address"), {first.address}, first.file, problems_);
  if (!first.port.empty()) config::assign(*schema_.find("http.port"), {first.port}, first.file, problems_);
  config::assign(*schema_.find("http.path_prefix"), {first.prefix}, first.file, problems_);
  if (!others.empty())
    config::assign(*schema_.find("http.also_listen"), others, listeners_.back().file, problems_);
}

void CompatFiles::add_listener(std::size_t index, std::vector<std::string>& others) {
  Listener& listener = listeners_[index];
  if (listener.port.empty()) return;
  for (std::size_t i = 0; i < index; ++i) {
    Listener& earlier = listeners_[i];
    if (earlier.port != listener.port || listener.port == "0") continue;
    if (earlier.prefix.empty()) earlier.prefix = listener.prefix;  // without it is served as well
    if (earlier.prefix != listener.prefix && !listener.prefix.empty())
      problems_.push_back(fmt::format(
          "{} and {} want port {} with the path prefixes '{}' and '{}'; give one of them another port",
          earlier.file, listener.file, listener.port, earlier.prefix, listener.prefix));
    if (earlier.address != listener.address)
      notes_.push_back({LogLevel::warn, fmt::format("{} and {} want port {} on {} and on {}; it is {}",
                                                    earlier.file, listener.file, listener.port,
                                                    earlier.address, listener.address, earlier.address)});
    return;
  }
  others.push_back(listener_text(listener.address, listener.port, listener.prefix));
}

void CompatFiles::set(const Source& source, const config::Assignment& each) {
  Setting& setting = *schema_.find(each.setting);
  std::string before = setting.print();
  std::string earlier = setting.origin;
  config::assign(setting, each.values, origin(source, each), problems_);
  if (earlier.empty() || before == setting.print()) return;
  std::string_view one = each.setting == "storage.path" ? "; weft keeps one directory" : "";
  notes_.push_back(
      {LogLevel::warn,
       fmt::format("{}: {} = {} instead of {} ({}): the later one wins{}; set {} to decide", setting.origin,
                   setting.name, setting.print(), before, earlier, one, setting.flag())});
}

void CompatFiles::report(const Source& source, const std::vector<config::Finding>& findings) {
  using Kind = config::Finding::Kind;
  for (const config::Finding& finding : findings) {
    // A message about an unknown key names it already.
    bool named = finding.text.find(finding.key) != std::string::npos;
    std::string line = place(source, finding.mark, named ? "" : finding.key) + finding.text;
    switch (finding.kind) {
      case Kind::problem: problems_.push_back(std::move(line)); break;
      case Kind::applied: notes_.push_back({LogLevel::debug, std::move(line)}); break;
      case Kind::ignored: notes_.push_back({LogLevel::info, std::move(line)}); break;
      case Kind::warning: notes_.push_back({LogLevel::warn, std::move(line)}); break;
    }
  }
}

std::string CompatFiles::origin(const Source& source, const config::Assignment& each) {
  std::string out = place(source, each.mark, each.key);
  out.resize(out.size() - 2);
  return out;
}

}  // namespace weft::app
