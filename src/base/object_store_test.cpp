#include "base/object_store.h"

#include <filesystem>

#include <unistd.h>

#include "base/object_store_contract.h"

namespace weft {
namespace {

// A folder of its own for each test.
class LocalObjects : public testing::Test {
 protected:
  LocalObjects() {
    std::string pattern = testing::TempDir() + "weft-objects-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    root_ = folder_ + "/objects";
    store_ = open();
  }
  ~LocalObjects() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<LocalObjectStore> open() {
    auto store = LocalObjectStore::open(files_, root_, clock_);
    EXPECT_TRUE(store) << store.error().message();
    return store ? std::move(*store) : nullptr;
  }

  PosixFileSystem files_;
  SystemClock clock_;
  std::string folder_, root_;
  std::unique_ptr<LocalObjectStore> store_;
};

TEST_F(LocalObjects, KeepTheContract) {
  check_object_store_contract(*store_);
}

TEST_F(LocalObjects, SurviveReopening) {
  ASSERT_TRUE(store_->put("man/logs/2026-07-14", "manifest"));
  auto writer = store_->create("blk/logs/x");
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->append("unfinished"));
  EXPECT_EQ(files_.list(root_ + "/.tmp")->size(), 1U);
  // A process that is killed runs no destructor: the writer is still there, its file is an orphan.
  auto next = open();
  EXPECT_EQ(files_.list(root_ + "/.tmp")->size(), 0U);
  EXPECT_EQ(content_of(*next, "man/logs/2026-07-14"), "manifest");
  EXPECT_EQ(keys_of(*next, ""), std::vector<std::string>{"man/logs/2026-07-14"});
}

TEST_F(LocalObjects, FilesThatAreNoObjectsAreNotListed) {
  ASSERT_TRUE(store_->put("a", "1"));
  ASSERT_TRUE(replace_file(files_, root_ + "/Foreign File", "x"));
  ASSERT_TRUE(replace_file(files_, root_ + "/.hidden", "x"));
  ASSERT_EQ(::symlink("/etc", (root_ + "/link").c_str()), 0);
  EXPECT_EQ(keys_of(*store_, ""), std::vector<std::string>{"a"});
}

TEST(ObjectKeys, AreBounded) {
  EXPECT_TRUE(check_key(std::string(128, 'a') + "/" + std::string(128, 'b')));
  EXPECT_FALSE(check_key(std::string(129, 'a')));
  EXPECT_TRUE(check_key("blk/logs/2026-07-14/0123456789abcdef.lgb"));
  EXPECT_TRUE(check_key_prefix(""));
  EXPECT_TRUE(check_key_prefix("blk/"));
  EXPECT_FALSE(check_key_prefix("/"));
  EXPECT_FALSE(check_key_prefix("blk//"));
  EXPECT_FALSE(check_key_prefix("blk/.t"));
}

}  // namespace
}  // namespace weft
