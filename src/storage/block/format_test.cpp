#include "storage/block/format.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace weft::storage::block {
namespace {

constexpr SectionTag kPages = section_tag("PAGE");
constexpr SectionTag kText = section_tag("TEXT");
constexpr SectionTag kNone = section_tag("NONE");

std::string small_block(BlockFeatures features = {}) {
  MemoryWriter out;
  BlockWriter writer(BlockKind::logs, out);
  writer.begin(kPages);
  EXPECT_TRUE(writer.append("first"));
  EXPECT_EQ(writer.section_bytes(), 5u);
  EXPECT_TRUE(writer.append("second"));
  writer.end();
  EXPECT_TRUE(writer.add_whole(kText, std::string(1000, 'x')));
  EXPECT_TRUE(writer.add_whole(kNone, ""));
  auto extent = writer.finish(features);
  EXPECT_TRUE(extent);
  std::string bytes = out.take();
  EXPECT_EQ(extent->bytes, bytes.size());
  return bytes;
}

Result<BlockFile> open(std::string bytes, BlockKind kind = BlockKind::logs) {
  return BlockFile::open(std::make_shared<MemoryBlock>("b", std::move(bytes)), kind);
}

// Everything that a block says, or why it does not.
std::string read_all(const std::string& bytes) {
  auto file = open(bytes);
  if (!file) return "error: " + file.error().message();
  std::string all;
  ByteRange ranges[] = {{5, 6}, {0, 5}};
  auto parts = file->parts(kPages, ranges);
  if (!parts) return "error: " + parts.error().message();
  for (const std::string& part : *parts) all += part + "|";
  for (SectionTag tag : {kText, kNone}) {
    auto whole = file->whole(tag);
    if (!whole) return "error: " + whole.error().message();
    all += *whole + "|";
  }
  return all;
}

TEST(BlockFile, HoldsWhatWasWritten) {
  std::string bytes = small_block();
  EXPECT_LT(bytes.size(), 400u);  // zstd
  EXPECT_EQ(read_all(bytes), "second|first|" + std::string(1000, 'x') + "||");
  auto file = open(bytes);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->sections().size(), 3u);
  EXPECT_EQ(file->find(section_tag("GONE")), nullptr);
  EXPECT_EQ(*file->all_parts(kPages), "firstsecond");
  EXPECT_FALSE(file->whole(kPages));
  EXPECT_FALSE(file->all_parts(kText));
  ByteRange beyond{6, 6};
  EXPECT_FALSE(file->parts(kPages, {&beyond, 1}));
  file->drop_end();
  EXPECT_EQ(*file->all_parts(kPages), "firstsecond");
}

TEST(BlockFile, AnEmptyBlockHasNoSections) {
  MemoryWriter out;
  BlockWriter writer(BlockKind::spans, out);
  ASSERT_TRUE(writer.finish({}));
  auto file = open(out.take(), BlockKind::spans);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_TRUE(file->sections().empty());
}

TEST(BlockFile, SectionsBeforeTheEndAreReadFromTheSource) {
  MemoryWriter out;
  BlockWriter writer(BlockKind::logs, out);
  std::string big(3 * kBlockEndBytes, 'p');
  writer.begin(kPages);
  ASSERT_TRUE(writer.append(big));
  writer.end();
  ASSERT_TRUE(writer.add_whole(kText, "end"));
  ASSERT_TRUE(writer.finish({}));
  auto file = open(out.take());
  ASSERT_TRUE(file);
  EXPECT_EQ(*file->all_parts(kPages), big);
  EXPECT_EQ(*file->whole(kText), "end");
}

// Parts bring their own hashes, so damage to them is not the container's to see; nor is the header's,
// which is there for people who look at the file.
TEST(BlockFile, DamageIsNoticed) {
  std::string bytes = small_block();
  std::string whole = read_all(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_TRUE(read_all(bytes.substr(0, size)).starts_with("error: ")) << size;
  for (std::size_t at = kBlockHeaderBytes + 11; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    EXPECT_TRUE(read_all(damaged).starts_with("error: block b: ")) << at << read_all(damaged);
  }
}

TEST(BlockFile, RefusesWhatItDoesNotKnow) {
  auto of_later = open(small_block({.required = 1U << 31}));
  ASSERT_FALSE(of_later);
  EXPECT_EQ(of_later.error().code(), Code::unimplemented);
  auto optional = open(small_block({.optional = 1U << 31}));
  ASSERT_TRUE(optional);
  EXPECT_EQ(optional->optional_features(), 1U << 31);
  auto of_spans = open(small_block(), BlockKind::spans);
  ASSERT_FALSE(of_spans);
  EXPECT_EQ(of_spans.error().code(), Code::corrupted);
}

}  // namespace
}  // namespace weft::storage::block
