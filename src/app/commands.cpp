#include "app/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/bench.h"
#include "app/check_config.h"
#include "app/client_commands.h"
#include "app/demo.h"
#include "app/serve.h"
#include "app/version.h"

namespace weft::app {
namespace {

constexpr char kHelp[] = R"(weft: traces and logs in one place, tied together

  weft serve                                   start; Loki, Tempo and OTLP on port 3100, data in ./weft-data
  weft serve -config.file=tempo.yaml -config.file=loki.yaml     obey the files you have
  weft check-config tempo.yaml loki.yaml       what would these files do here?
  weft demo                                    play a small shop's traces and logs into a running weft
  weft query '{app="checkout"} |= "error"'     log lines, or the samples of a metric query
  weft trace 4bf92f3577b34da6a3ce929d0e0e4736  a trace as a tree, each span with its logs
  weft tail '{app="checkout"}'                 follow log lines
  weft bench                                   measure how fast this machine takes logs and spans in
  weft version

`weft COMMAND --help` says more. Started under the name tempo or loki (a link to this binary), it is
`weft serve` with that program's flags.
)";

int print_version(const std::vector<std::string>&) {
  std::printf("weft %s (%s)\n", version(), revision());
  return 0;
}

int help(const std::vector<std::string>&) {
  std::fputs(kHelp, stdout);
  return 0;
}

struct Command {
  std::string_view name;
  int (*run)(const std::vector<std::string>& args);
};
constexpr auto kCommands = std::to_array<Command>({
    {"serve", serve},
    {"check-config", check_config},
    {"demo", demo},
    {"query", query},
    {"trace", trace},
    {"tail", tail},
    {"bench", bench},
    {"version", print_version},
    {"help", help},
    {"--help", help},
    {"-h", help},
    {"--version", print_version},
});

}  // namespace

int run(int argc, char** argv) {
  std::string_view program = argc > 0 ? argv[0] : "weft";
  program = program.substr(program.rfind('/') + 1);
  std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  if (program == "tempo" || program == "loki") return serve(args);
  if (program == "promtail") {
    std::fputs("weft: this build has no agent yet; ship logs to /loki/api/v1/push with Promtail or Alloy\n",
               stderr);
    return 2;
  }
  if (args.empty()) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  std::string name = args.front();
  args.erase(args.begin());
  for (const Command& command : kCommands)
    if (command.name == name) return command.run(args);
  std::fprintf(stderr, "weft: there is no command '%s'; `weft help` lists them\n", name.c_str());
  return 2;
}

}  // namespace weft::app
