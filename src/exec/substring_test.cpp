#include "exec/substring.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace weft::exec {
namespace {

TEST(Substring, EdgeCases) {
  EXPECT_EQ(find_substring("", ""), 0u);
  EXPECT_EQ(find_substring("abc", ""), 0u);
  EXPECT_EQ(find_substring("", "a"), std::string_view::npos);
  EXPECT_EQ(find_substring("abc", "abcd"), std::string_view::npos);
  EXPECT_EQ(find_substring("abc", "c"), 2u);
  EXPECT_EQ(find_substring_ignoring_case("xErRoR", "error"), 1u);
  EXPECT_EQ(find_substring_ignoring_case("", "e"), std::string_view::npos);
  // '@' is '`' without the bit that tells cases apart: only letters have a case.
  EXPECT_EQ(find_substring_ignoring_case(std::string(40, '@'), "``"), std::string_view::npos);
}

// Against std::string_view::find, with lengths around the block size and a tiny alphabet so that
// there are many near misses.
TEST(Substring, AgreesWithTheObviousSearch) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 150, ' ');
    for (char& c : text) c = "abAB-"[random() % 5];
    std::string needle(random() % 6, ' ');
    for (char& c : needle) c = "abAB-"[random() % 5];
    if (!text.empty() && random() % 3 == 0) needle = text.substr(random() % text.size(), random() % 70);
    ASSERT_EQ(find_substring(text, needle), text.find(needle)) << text << " / " << needle;
    auto lowered = [](std::string s) {
      for (char& c : s)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
      return s;
    };
    ASSERT_EQ(find_substring_ignoring_case(text, lowered(needle)), lowered(text).find(lowered(needle)))
        << text << " / " << needle;
  }
}

}  // namespace
}  // namespace weft::exec
