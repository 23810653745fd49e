#include "text/template.h"

#include <map>

#include <gtest/gtest.h>

namespace weft::text {
namespace {

class TestFields final : public TemplateFields {
 public:
  explicit TestFields(std::map<std::string, std::string, std::less<>> labels) : labels_(std::move(labels)) {}
  std::string_view get(std::string_view name) const override {
    auto found = labels_.find(name);
    return found == labels_.end() ? std::string_view() : found->second;
  }
  void each(const std::function<void(std::string_view, std::string_view)>& visit) const override {
    for (const auto& [name, value] : labels_) visit(name, value);
  }
  std::string_view line() const override { return "the line"; }
  std::int64_t time_ns() const override { return 1795170435961732477; }
  std::int64_t now_ns() const override { return 1795172400000000000; }

 private:
  std::map<std::string, std::string, std::less<>> labels_;
};

std::string run(std::string_view source) {
  auto compiled = Template::parse(source, "line");
  if (!compiled) return compiled.error().message();
  std::string out;
  auto done = compiled->execute(TestFields({{"msg", "card declined: insufficient"},
                                            {"level", "ERROR"},
                                            {"amount", "161.26"},
                                            {"size", "3"},
                                            {"j", R"({"a":[1,2.5,"x"],"b":{"c":true},"n":null})"}}),
                                out);
  return done ? out : done.error().message();
}

TEST(Template, Language) {
  for (auto [source, expected] : std::vector<std::pair<const char*, const char*>>{
           {"plain", "plain"},
           {"{{.msg}} {{.nosuch}}|", "card declined: insufficient |"},
           {"a {{- .size -}} b", "a3b"},
           {"{{/* nothing */}}x{{- /* n */ -}} y", "xy"},
           {"{{ if eq .level \"ERROR\" }}!!{{else}}ok{{end}} {{.msg | trunc 10}}", "!! card decli"},
           {"{{ if .nosuch }}a{{ else if eq .size \"3\" }}b{{ else }}c{{ end }}", "b"},
           {"{{ with .size }}<{{ . }}>{{ else }}none{{ end }}", "<3>"},
           {"{{ with .nosuch }}<{{ . }}>{{ else }}none{{ end }}", "none"},
           {"{{ $x := .size }}{{ $x }}{{ $x = \"y\" }}{{ $x }}", "3y"},
           {"{{ range $i, $e := (fromJson .j).a }}{{ $i }}={{ $e }};{{ end }}", "0=1;1=2.5;2=x;"},
           {"{{ range $k, $v := fromJson .j }}{{ $k }} {{ end }}", "a b n "},
           {"{{ range (fromJson .j).nosuch }}x{{ else }}empty{{ end }}", "empty"},
           {"{{ range $i, $e := (fromJson .j).a }}{{ if eq $i 1 }}{{ break }}{{ end }}{{ $e }}{{ end }}",
            "1"},
           {"{{ (fromJson .j).b.c }} {{ index (fromJson .j) \"a\" 2 }} {{ len (fromJson .j).a }}",
            "true x 3"},
           {"{{ fromJson \"{\" }}", "<no value>"},
           {"{{ and .size .level }} {{ or .nosuch .level }} {{ not .nosuch }}", "ERROR ERROR true"},
           {"{{ eq .size \"1\" \"3\" }} {{ ne .size \"3\" }} {{ lt 1 2 }} {{ ge \"a\" \"b\" }}",
            "true false true false"},
           {"{{ slice .msg 0 4 }} {{ len .msg }} {{ index .size 0 }}", "card 27 51"},
           {"{{ range . }}{{ end }}{{ len . }}", "5"},
           {"{{ $.size }}{{ with .level }}{{ $.size }}{{ end }}", "33"},
           {"{{ print 1 2 \"a\" 3 }} {{ println \"x\" }}", "1 2a3 x\n"},
           {"{{ \"a\\tb\\u00e9\" }}{{ `raw\\` }}{{ 'a' }}", "a\tb\xC3\xA9raw\\97"}})
    EXPECT_EQ(run(source), expected) << source;
}

TEST(Template, Functions) {
  for (auto [source, expected] : std::vector<std::pair<const char*, const char*>>{
           {"{{ ToUpper .msg | lower | title }}", "Card Declined: Insufficient"},
           {"{{ Replace \"aaa\" \"a\" \"b\" 2 }} {{ replace \"a\" \"b\" \"aaa\" }}", "bba bbb"},
           {"{{ Trim \"xxaxx\" \"x\" }} {{ trimAll \"x\" \"xax\" }} {{ TrimLeft \"xa\" \"x\" }} {{ TrimRight "
            "\"ax\" \"x\" }}",
            "a a a a"},
           {"{{ TrimPrefix \"abc\" \"a\" }} {{ trimPrefix \"a\" \"abc\" }} {{ trimSuffix \"c\" \"abc\" }} {{ "
            "trim \" x \" }}",
            "bc bc ab x"},
           {"{{ trunc -4 .msg }} {{ substr 1 4 .msg }} {{ substr -1 2 .msg }} {{ substr 24 99 .msg }}",
            "ient ard ca ent"},
           {"{{ contains \"lin\" .msg }} {{ hasPrefix \"card\" .msg }} {{ hasSuffix \"x\" .msg }}",
            "true true false"},
           {"{{ indent 2 \"a\\nb\" }} {{ nindent 1 \"a\" }} {{ repeat 3 \"ab\" }}", "  a\n  b \n a ababab"},
           {"{{ alignLeft 6 \"abc\" }}|{{ alignRight 6 \"abc\" }}|{{ alignLeft 2 \"abc\" }}|{{ alignRight 2 "
            "\"abc\" }}",
            "abc   |   abc|ab|bc"},
           {"{{ regexReplaceAll \"(a+)\" \"baaac\" \"<${1}>\" }} {{ regexReplaceAllLiteral \"a\" \"aa\" "
            "\"$\" }}",
            "b<aaa>c $$"},
           {"{{ count \"a\" \"banana\" }} {{ count \"\" \"ab\" }} {{ count \"x*\" \"axb\" }}", "3 3 3"},
           {"{{ urlencode \"a b&c/\" }} {{ urldecode \"a+b%26\" }}", "a+b%26c%2F a b&"},
           {"{{ b64enc \"hello\" }} {{ b64dec \"aGVsbG8=\" }} {{ b64dec \"!\" }}",
            "aGVsbG8= hello illegal base64 data at input byte 0"},
           {"{{ bytes \"4KiB\" }} {{ duration \"1m30s\" }} {{ int \"0x10\" }} {{ int \"x\" }} {{ int 3.9 }}",
            "4096 90 16 0 3"},
           {"{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul .size 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ max 1 3 2 }} {{ "
            "min 4 2 }}",
            "6 3 9 3 1 3 2"},
           {"{{ addf 0.1 0.2 }} {{ mulf 113.29 2 }} {{ divf 1 3 }} {{ subf 1 0.9 }} {{ maxf 1 2.5 }}",
            "0.3 226.58 0.3333333333333333 0.1 2.5"},
           {"{{ round .amount 1 }} {{ floor .amount }} {{ ceil .amount }} {{ .amount | float64 | printf "
            "\"%.1f\" }}",
            "161.3 161 162 161.3"},
           {"{{ default \"d\" .nosuch }} {{ default \"d\" .size }}", "d 3"},
           {"{{ printf \"%05d|%-4s|%4s|%q|%x|%v|%t|%6.2f|%%\" 42 \"a\" \"b\" \"q\\\"\" 255 1.5 true 3.14159 "
            "}}",
            "00042|a   |   b|\"q\\\"\"|ff|1.5|true|  3.14|%"},
           {"{{ printf \"%d %s\" \"a\" 1 }} {{ printf \"%s\" }} {{ printf \"x\" 1 }}",
            "%!d(string=a) %!s(int=1) %!s(MISSING) x%!(EXTRA int=1)"},
           {"{{ html \"<a href='x'>&\" }} {{ js \"it's\" }}", "&lt;a href=&#39;x&#39;&gt;&amp; it\\'s"},
           {"{{ __line__ }} {{ __timestamp__ | date \"2006-01-02T15:04:05.00Z-07:00\" }}",
            "the line 2026-11-20T10:27:15.96Z+00:00"},
           {"{{ unixEpoch now }} {{ unixEpochMillis __timestamp__ }} {{ now | unixEpochNanos }}",
            "1795172400 1795170435961 1795172400000000000"},
           {"{{ \"2026-11-20T10:00:00Z\" | toDateInZone \"2006-01-02T15:04:05Z\" \"UTC\" | unixEpoch }}",
            "1795168800"},
           {"{{ toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2026-07-01 12:00\" }}",
            "2026-07-01 12:00:00 +0200 CEST"},
           {"{{ unixToTime \"1795168800123\" | date \"Jan _2 3:04PM .000\" }}", "Nov 20 10:00AM .123"}})
    EXPECT_EQ(run(source), expected) << source;
}

TEST(Template, Errors) {
  for (auto [source, expected] : std::vector<std::pair<const char*, const char*>>{
           {"{{ .broken", "template: line:1: unclosed action"},
           {"{{ list \"a\" }}", "template: line:1: function \"list\" not defined"},
           {"x\n{{ if .a }}", "template: line:2: unexpected EOF"},
           {"{{ end }}", "template: line:1: unexpected {{end}}"},
           {"{{ $x }}", "template: line:1: undefined variable \"$x\""},
           {"{{ }}", "template: line:1: missing value for command"},
           {"{{ break }}", "template: line:1: {{break}} outside {{range}}"},
           {"{{ \"x }}", "template: line:1: unterminated quoted string"},
           {"{{ div 1 0 }}",
            "template: line:1: executing \"line\": error calling div: runtime error: integer divide by zero"},
           {"{{ trunc .size .msg }}",
            "template: line:1: executing \"line\": wrong type for value; expected int; got string"},
           {"{{ eq .size 3 }}",
            "template: line:1: executing \"line\": error calling eq: incompatible types for comparison"},
           {"{{ regexReplaceAll \"(\" .msg \"\" }}",
            "template: line:1: executing \"line\": error calling regexReplaceAll: error parsing regexp: "
            "missing closing "
            "): `(`"},
           {"{{ repeat 100000000 \"x\" }}",
            "template: line:1: executing \"line\": error calling repeat: result is too large"},
           {"{{ range 2000000 }}{{ end }}", "template: line:1: executing \"line\": template runs too long"}})
    EXPECT_EQ(run(source), expected) << source;
}

TEST(Template, NestingIsBounded) {
  std::string open, close;
  for (int i = 0; i < 1000; ++i) open += "{{ if .a }}", close += "{{ end }}";
  EXPECT_EQ(run(open + close), "template: line:1: template is nested too deeply");
  open.clear();
  for (int i = 0; i < 1000; ++i) open += "{{ if .a }}x{{ else ";
  EXPECT_FALSE(run(open).empty());
  EXPECT_EQ(run("{{" + std::string(1000, '(') + " 1 " + std::string(1000, ')') + "}}"),
            "template: line:1: template is nested too deeply");
}

TEST(Template, TellsWhatItReads) {
  auto compiled =
      *Template::parse("{{ .a }} {{ if .b }}{{ with .c }}{{ .d }}{{ $.e }}{{ end }}{{ end }}", "t");
  EXPECT_EQ(compiled.fields(), (std::vector<std::string>{"a", "b", "c", "e"}));
  EXPECT_FALSE(compiled.uses_all_fields());
  EXPECT_TRUE(Template::parse("{{ range $k, $v := . }}x{{ end }}", "t")->uses_all_fields());
  EXPECT_EQ(Template::parse("{{ contains \"6ed9\" __line__  }}", "t")->line_contains(), "6ed9");
  EXPECT_EQ(Template::parse("{{ contains \"6ed9\" .x }}", "t")->line_contains(), std::nullopt);
  EXPECT_EQ(Template::parse("x{{ contains \"6ed9\" __line__ }}", "t")->line_contains(), std::nullopt);
}

}  // namespace
}  // namespace weft::text
