#include "ingest/names.h"

#include <gtest/gtest.h>

namespace weft::ingest {
namespace {

TEST(Names, TakeTheShapeOfALabel) {
  Arena arena;
  for (auto [name, expected] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"user", "user"},
                                                                  {"a__b", "a__b"},
                                                                  {"user.id", "user_id"},
                                                                  {"service..name", "service_name"},
                                                                  {"k8s.pod.name", "k8s_pod_name"},
                                                                  {"a/b-c d", "a_b_c_d"},
                                                                  {"1st", "key_1st"},
                                                                  {"2.x", "key_2_x"},
                                                                  {".x", "_x"},
                                                                  {"x.", "x_"},
                                                                  {"na\xc3\xafve", "na_ve"},
                                                                  {"\xe6\x97\xa5x", "_x"},
                                                                  {"", ""},
                                                                  {"_", ""},
                                                                  {"...", ""},
                                                                  {"\xe6\x97\xa5", ""}})
    EXPECT_EQ(normal_name(name, arena), expected) << name;
}

TEST(Names, BytesThatAreNoTextBecomeSpaces) {
  Arena arena;
  EXPECT_EQ(valid_text("plain", arena), "plain");
  EXPECT_EQ(valid_text("caf\xc3\xa9", arena), "caf\xc3\xa9");
  EXPECT_EQ(valid_text("a\xff\xc3 b", arena), "a   b");
  EXPECT_EQ(valid_text("\xed\xa0\x80", arena), "   ");  // a surrogate
}

TEST(Names, ServiceIsTheFirstCandidateThatHasAValue) {
  const std::vector<std::string> candidates = {"service", "app", "job"};
  std::vector<Label> labels = {{"job", "j"}, {"app", "a"}};
  EXPECT_EQ(discover_service(labels, candidates), "a");
  labels[1].value = "";
  EXPECT_EQ(discover_service(labels, candidates), "j");
  labels[0].name = "pod";
  EXPECT_EQ(discover_service(labels, candidates), "unknown_service");
}

}  // namespace
}  // namespace weft::ingest
