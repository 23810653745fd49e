#include "config/load.h"

#include <gtest/gtest.h>

namespace weft::config {
namespace {

struct Values {
  bool on = false;
  std::uint16_t port = 1;
  std::string secret = "s3cret";
  std::vector<std::string> words;
};

Schema declare(Values& v) {
  Schema schema;
  schema.group("http", "Listening.");
  schema.integer("http.port", &v.port, {.max = 65'535}, "Port.");
  schema.boolean("http.on", &v.on, "On.");
  schema.text("http.auth.secret", &v.secret, "Secret.").secret = Secret::yes;
  schema.group("word", "Words.");
  schema.list("word.list", &v.words, "Words.");
  return schema;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}
std::string joined(const std::vector<Note>& notes) {
  std::string out;
  for (const Note& note : notes) out += note.text + "\n";
  return out;
}

// Problems of a weft.yaml, or its settings as YAML.
std::string read(std::string_view text) {
  Values v;
  Schema schema = declare(v);
  std::vector<std::string> problems;
  auto root = text::parse_yaml(text, "w.yaml");
  EXPECT_TRUE(root);
  read_yaml(schema, *root, "w.yaml", problems);
  return problems.empty() ? print_yaml(schema) : joined(problems);
}

constexpr const char* kDefaults =
    "http:\n  port: 1\n  on: false\n  auth:\n    secret: ********\nword:\n  list: []\n";

TEST(ReadYaml, ValuesAndProblems) {
  struct Case {
    const char* text;
    const char* want;
  };
  const Case cases[] = {
      {"", kDefaults},
      {"http:\n", kDefaults},
      {"http: {port: 80, on: yes}\nword: {list: [a, b]}\n",
       "http:\n  port: 80\n  on: true\n  auth:\n    secret: ********\nword:\n  list: [a, b]\n"},
      {"http:\n  prot: 80\n", "w.yaml:2:3: unknown key 'http.prot'; the nearest known key is 'http.port'\n"},
      {"htpp: {port: 80}\nword: {lists: a}\nhttp: {port: x}\n",
       "w.yaml:1:1: unknown key 'htpp'; the nearest known key is 'http'\n"
       "w.yaml:2:8: unknown key 'word.lists'; the nearest known key is 'word.list'\n"
       "w.yaml:3:14: http.port: 'x' is not a whole number\n"},
      {"http: 3\n", "w.yaml:1:7: 'http' is a group of settings, not a value\n"},
      {"http: {port: [1]}\n", "w.yaml:1:14: http.port: expected one int, not a list\n"},
      {"http: {port: {a: b}}\n", "w.yaml:1:14: http.port: expected one int, not a map\n"},
      {"[a]\n", "w.yaml:1:1: expected a map of settings\n"},
      {"word: {list: [a, [b]]}\n", "w.yaml:1:18: word.list: a list of texts is expected\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(c.text), c.want) << c.text;
}

TEST(ReadYaml, ProblemsEnd) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  std::string problems = read(text);
  EXPECT_EQ(std::ranges::count(problems, '\n'), 101);
  EXPECT_TRUE(problems.ends_with("w.yaml:101:1: more unknown keys follow; these first\n")) << problems;
}

TEST(ReadEnvironment, ValuesProblemsAndNotes) {
  Values v;
  Schema schema = declare(v);
  std::vector<std::string> problems;
  std::vector<Note> notes;
  read_environment(schema,
                   {{"WEFT_HTTP_ON", "true"},
                    {"WEFT_WORD_LIST", "a, b,,c"},
                    {"WEFT_HTTP_PORT", "tcp://10.0.0.1:3100"},
                    {"WEFT_HTTP_PROT", "1"},
                    {"WEFT_SERVICE_HOST", "10.0.0.1"},
                    {"PATH", "/bin"}},
                   problems, notes);
  EXPECT_TRUE(v.on);
  EXPECT_EQ(v.words, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(v.port, 1);
  EXPECT_EQ(joined(problems), "");
  EXPECT_EQ(joined(notes),
            "WEFT_HTTP_PORT=tcp://10.0.0.1:3100 looks like a Kubernetes service link; ignored\n"
            "WEFT_HTTP_PROT is not a setting and has no effect; did you mean WEFT_HTTP_PORT?\n");

  read_environment(schema, {{"WEFT_HTTP_PORT", "no"}}, problems, notes);
  EXPECT_EQ(joined(problems), "WEFT_HTTP_PORT: http.port: 'no' is not a whole number\n");
}

TEST(ReadFlags, GoStyle) {
  Values v;
  Schema schema = declare(v);
  std::vector<std::string> problems, rest;
  std::vector<Note> notes;
  FlagRules rules{.schemas = {&schema}, .tolerated = nullptr, .rest = &rest};
  read_flags(rules,
             {"-http.on", "file", "--http.port", "80", "-word.list=a,b", "--word.list", "c", "--", "-x"},
             problems, notes);
  EXPECT_TRUE(v.on);
  EXPECT_EQ(v.port, 80);
  EXPECT_EQ(v.words, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(rest, (std::vector<std::string>{"file", "-x"}));
  EXPECT_EQ(joined(problems), "");
  read_flags(rules, {"--http.auth.secret"}, problems, notes);
  EXPECT_EQ(joined(problems), "--http.auth.secret: needs a value\n");
}

TEST(ExpandVariables, FormsAndErrors) {
  const Environment environment = {{"A", "one"}, {"EMPTY", ""}};
  struct Case {
    const char* text;
    const char* want;
    const char* note;
  };
  const Case cases[] = {
      {"x: ${A}", "x: one", ""},
      {"x: ${B:two}", "x: two", ""},
      {"x: ${B:-two}", "x: two", ""},
      {"x: ${A:two}", "x: one", ""},
      {"x: ${EMPTY:two}", "x: two", ""},
      {"x: ${EMPTY}", "x: ", ""},
      {"x: ${B:http://h:80}", "x: http://h:80", ""},
      {"\nx: ${B}", "\nx: ", "f:2: ${B} is not set; replaced by nothing\n"},
      {"x: $A $1 $", "x: $A $1 $", ""},
      {"x: $${A}", "x: ${A}", ""},
      {"x: ${A", "f:1: ${ without a closing brace; write $$ for a dollar sign", ""},
      {"\n${A\n}", "f:2: ${ without a closing brace; write $$ for a dollar sign", ""},
      {"${1}", "f:1: ${1} does not name a variable; write $${ for the text itself", ""},
      {"${}", "f:1: ${} does not name a variable; write $${ for the text itself", ""},
  };
  for (const Case& c : cases) {
    std::vector<Note> notes;
    auto out = expand_variables(c.text, "f", environment, notes);
    EXPECT_EQ(out ? *out : out.error().message(), c.want) << c.text;
    EXPECT_EQ(joined(notes), c.note) << c.text;
  }
  std::vector<Note> notes;
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "${A}";
  auto out = expand_variables(many, "f", {{"A", std::string(1'000, 'x')}}, notes);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::resource_exhausted);
}

TEST(Print, HelpAndReference) {
  Values v;
  Schema schema = declare(v);
  EXPECT_EQ(print_help(schema),
            "  --http.port int\n      Port. (0 to 65535; default 1)\n"
            "  --http.on\n      On. (default false)\n"
            "  --http.auth.secret string\n      Secret.\n"
            "  --word.list list\n      Words.\n");
  EXPECT_NE(
      print_reference(schema).find("| `http.port`<br>`--http.port`<br>`WEFT_HTTP_PORT` | int (0 to 65535) | "
                                   "`1` | Port. |\n"),
      std::string::npos);
  EXPECT_EQ(print_reference(schema).find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace weft::config
