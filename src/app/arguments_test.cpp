#include "app/arguments.h"

#include <gtest/gtest.h>

namespace weft::app {
namespace {

constexpr Flag kFlags[] = {
    {"limit", "N", "100", "at most so many lines"},
    {"since", "DURATION", "1h", "how far back"},
    {"forward", "", "", "oldest first"},
    {"quiet", "", "", "no totals", 'q'},
};

Result<Arguments> parsed(std::vector<std::string> args) {
  return Arguments::parse(args, kFlags);
}

TEST(Arguments, TakesEveryForm) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"--limit=5", "x", "--forward", "-q"},
                                             {"--limit", "5", "-forward", "x", "--quiet"},
                                             {"-limit=5", "--forward=true", "-q", "x"}}) {
    const Result<Arguments> a = parsed(args);
    ASSERT_TRUE(a) << a.error().message();
    EXPECT_EQ(*a->integer("limit", 1, 10), 5);
    EXPECT_TRUE(a->is_set("forward"));
    EXPECT_TRUE(a->is_set("quiet"));
    EXPECT_EQ(a->positional(), (std::vector<std::string>{"x"}));
    EXPECT_TRUE(a->given("limit"));
    EXPECT_FALSE(a->given("since"));
    EXPECT_EQ(*a->duration_ns("since"), 3'600'000'000'000);
  }
}

TEST(Arguments, AfterTwoDashesEverythingIsPositional) {
  const Result<Arguments> a = parsed({"-", "--", "--limit=5", "-x"});
  ASSERT_TRUE(a);
  EXPECT_EQ(a->positional(), (std::vector<std::string>{"-", "--limit=5", "-x"}));
  EXPECT_EQ(*a->integer("limit", 1, 1000), 100);
}

TEST(Arguments, ErrorsSayWhatToDo) {
  EXPECT_EQ(parsed({"--limt=5"}).error().message(),
            "unknown flag --limt; did you mean --limit? (--help lists all)");
  EXPECT_EQ(parsed({"--xylophone"}).error().message(), "unknown flag --xylophone (--help lists all)");
  EXPECT_EQ(parsed({"--limit"}).error().message(), "--limit needs a value: --limit=N");
  EXPECT_EQ(parsed({"--limit=0"})->integer("limit", 1, 10).error().message(),
            "--limit=0: must be a whole number from 1 to 10");
  EXPECT_EQ(parsed({"--limit=5x"})->integer("limit", 1, 10).error().message(),
            "--limit=5x: must be a whole number from 1 to 10");
  EXPECT_FALSE(parsed({"--since=yesterday"})->duration_ns("since"));
  EXPECT_EQ(*parsed({"--limit=1_000"})->integer("limit", 1, 5000), 1000);
}

TEST(Arguments, HelpIsAligned) {
  EXPECT_EQ(flags_help(std::span(kFlags).subspan(2)),
            "  --forward               oldest first\n  -q, --quiet             no totals\n");
}

TEST(Arguments, Urls) {
  EXPECT_EQ(base_url("localhost:3100/"), "http://localhost:3100");
  EXPECT_EQ(base_url("https://a/b//"), "https://a/b");
  EXPECT_EQ(percent_encode("{a=\"ü\"} |= `x y`"), "%7Ba%3D%22%C3%BC%22%7D%20%7C%3D%20%60x%20y%60");
}

}  // namespace
}  // namespace weft::app
