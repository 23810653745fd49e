#include <gtest/gtest.h>

#include "text/regexp.h"

namespace weft::text {
namespace {

TEST(RegexpLiteral, RequiredText) {
  for (auto [pattern, expected] :
       std::vector<std::pair<const char*, const char*>>{{"status\":5..", "status\":5"},
                                                        {"level=(error|warn)", "level="},
                                                        {"abc?d", "ab"},
                                                        {"a+bc", "bc"},
                                                        {"ab+c", "ab"},
                                                        {"ab{2}cde", "cde"},
                                                        {"x[a-c]yz", "yz"},
                                                        {"(?i)error", ""},
                                                        {"(?:foo)bar", "bar"},
                                                        {"a|b", ""},
                                                        {"\\d+ms", "ms"},
                                                        {"a\\.b", "a.b"},
                                                        {"^abc$", "abc"},
                                                        {"\\x41bc", ""},
                                                        {"(unclosed", ""},
                                                        {"abc\\", ""}})
    EXPECT_EQ(required_literal(pattern), expected) << pattern;
}

TEST(RegexpLiteral, Alternatives) {
  EXPECT_EQ(literal_alternatives("a|b\\.c|"), (std::vector<std::string>{"a", "b.c", ""}));
  EXPECT_EQ(literal_alternatives("(?:a|b)"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(literal_alternatives("(a)|(b)").empty());
  EXPECT_TRUE(literal_alternatives("a|b+").empty());
  EXPECT_TRUE(literal_alternatives("a|b\\").empty());
}

}  // namespace
}  // namespace weft::text
