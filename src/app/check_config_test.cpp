#include "app/check_config.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "app/settings.h"

namespace weft::app {
namespace {

std::string check(const std::vector<std::string>& args, int want) {
  PosixFileSystem files;
  std::string out;
  EXPECT_EQ(check_config(args, {}, files, out), want) << out;
  return out;
}

// Compares with a file of the repository; UPDATE=1 in the environment writes it instead.
void expect_file(const std::string& path, const std::string& text) {
  PosixFileSystem files;
  if (std::getenv("UPDATE")) {
    auto written = replace_file(files, path, text);
    ASSERT_TRUE(written) << written.error().message();
  }
  auto stored = read_file(files, path);
  ASSERT_TRUE(stored) << path << ": " << stored.error().message();
  EXPECT_EQ(*stored, text) << path << " is stale: UPDATE=1 rewrites it";
}

TEST(CheckConfig, ExplainsTheGuidesFiles) {
  expect_file("tests/seed/check-config.txt", check({"tests/seed/tempo.yaml", "tests/seed/loki.yaml"}, 0));
}

TEST(SettingsReference, IsUpToDate) {
  expect_file("docs/reference/settings.md", settings_reference());
}

TEST(CheckConfig, WrongUsage) {
  EXPECT_NE(check({}, 2).find("usage: weft check-config FILE"), std::string::npos);
  EXPECT_NE(check({"--http.prot=1", "x.yaml"}, 2).find("the nearest known flag is --http.port"),
            std::string::npos);
  EXPECT_NE(check({"--help"}, 0).find("usage: weft check-config FILE"), std::string::npos);
}

TEST(CheckConfig, MissingFile) {
  std::string out = check({"tests/seed/none.yaml"}, 1);
  EXPECT_NE(out.find("problems:\n  tests/seed/none.yaml: "), std::string::npos) << out;
}

TEST(CheckConfig, FlagsAreTakenIntoAccount) {
  std::string out =
      check({"-config.file=tests/seed/tempo.yaml", "--http.port", "80", "tests/seed/loki.yaml"}, 0);
  EXPECT_NE(out.find("http://0.0.0.0:80: "), std::string::npos) << out;
}

}  // namespace
}  // namespace weft::app
