#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/object_store.h"
#include "base/result.h"
#include "storage/block/zstd.h"

// The container that blocks of logs and of spans share: docs/formats/block.md.
//
//   header | sections, one after the other | footer: the directory of sections | tail of fixed size
//
// A block is written front to back and read by ranges; whoever opens one reads its end, once, and has
// the directory and, of a small block, everything.
//
// A section is either `whole` (read as one piece, one hash, zstd if that is smaller) or `parts` (read by
// ranges; whatever is in it brings its own hashes, as pages do).

namespace weft::storage::block {

enum class BlockKind : std::uint16_t { logs = 1, spans = 2 };

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kBlockHeaderBytes = 16;
inline constexpr std::size_t kBlockTailBytes = 56;
// What one read at the end of a block brings.
inline constexpr std::size_t kBlockEndBytes = std::size_t{64} << 10;
inline constexpr std::size_t kSectionsMax = 64;
// Of a whole section, decompressed.
inline constexpr std::size_t kSectionBytesMax = std::size_t{256} << 20;
// So that a few stored bytes cannot ask for much memory; what shrinks further is not compressed.
inline constexpr std::size_t kSectionRatioMax = 1024;
// Bits of required_features that this program knows; a block with another one is refused.
inline constexpr std::uint32_t kKnownFeatures = 0;

// Four letters as they stand in the file.
using SectionTag = std::uint32_t;
constexpr SectionTag section_tag(const char (&letters)[5]) {
  SectionTag tag = 0;
  for (unsigned i = 0; i < 4; ++i)
    tag |= static_cast<SectionTag>(static_cast<unsigned char>(letters[i])) << 8 * i;
  return tag;
}
// For messages.
std::string tag_text(SectionTag tag);

struct Section {
  enum class Form : std::uint32_t { whole = 0, parts = 1 };
  SectionTag tag = 0;
  Form form = Form::whole;
  std::uint64_t offset = 0;     // in the block
  std::uint64_t bytes = 0;      // as stored
  std::uint64_t raw_bytes = 0;  // whole: decompressed; parts: as `bytes`
  std::uint64_t hash = 0;       // whole: hash64 of the stored bytes; parts: 0
};

// --- writing ---

struct BlockFeatures {
  std::uint32_t required = 0;  // a reader that does not know one of these bits must not go on
  std::uint32_t optional = 0;  // a reader may ignore these
};

// What the manifest keeps of a block, so that it can be opened without asking for its size.
struct BlockExtent {
  std::uint64_t bytes = 0;
  std::uint64_t footer_offset = 0;
  std::uint64_t hash = 0;  // of footer and tail: tells blocks apart
};

// Writes the container. After an error it is of no more use. One thread.
class BlockWriter {
 public:
  // `out` gets every byte as soon as it is known and outlives the writer; nothing was appended to it.
  BlockWriter(BlockKind kind, ObjectWriter& out) : kind_(kind), out_(out) {}

  // A section of parts: begin, append as often as need be, end. Every tag once.
  void begin(SectionTag tag);
  Result<void> append(std::string_view bytes);
  // Bytes of the section so far.
  std::uint64_t section_bytes() const { return written_ - sections_.back().offset; }
  void end();
  // Errors: invalid_argument above kSectionBytesMax.
  Result<void> add_whole(SectionTag tag, std::string_view bytes);

  // Footer and tail. The object's own finish() is the caller's.
  Result<BlockExtent> finish(BlockFeatures features);
  std::uint64_t bytes() const { return written_; }

 private:
  Result<void> put(std::string_view bytes);

  const BlockKind kind_;
  ObjectWriter& out_;
  std::vector<Section> sections_;
  std::uint64_t written_ = kBlockHeaderBytes;  // the header goes out with the first bytes
  bool header_written_ = false;
  bool open_ = false;
  Zstd zstd_;
};

// --- reading ---

// Where the bytes of a block come from. Thread-safe.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  // For messages.
  virtual const std::string& name() const = 0;
  virtual std::uint64_t size() const = 0;
  // Parts of the block in the order asked for, each of the size asked for. Errors: what the store
  // says; corrupted when the block ends before one of them does.
  virtual Result<std::vector<std::string>> read(std::span<const ByteRange> ranges) const = 0;
};

// A block in an object store, which must outlive it.
class ObjectBlock final : public BlockSource {
 public:
  ObjectBlock(ObjectStore& store, std::string key, std::uint64_t size)
      : store_(store), key_(std::move(key)), size_(size) {}
  const std::string& name() const override { return key_; }
  std::uint64_t size() const override { return size_; }
  Result<std::vector<std::string>> read(std::span<const ByteRange> ranges) const override;

 private:
  ObjectStore& store_;
  const std::string key_;
  const std::uint64_t size_;
};

// A block in memory.
class MemoryBlock final : public BlockSource {
 public:
  MemoryBlock(std::string name, std::string bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  std::uint64_t size() const override { return bytes_.size(); }
  Result<std::vector<std::string>> read(std::span<const ByteRange> ranges) const override;

 private:
  const std::string name_;
  const std::string bytes_;
};

// Collects an object in memory: for MemoryBlock, and for blocks small enough to be put at once.
class MemoryWriter final : public ObjectWriter {
 public:
  Result<void> append(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  Result<void> finish() override { return {}; }
  void abort() override { bytes_.clear(); }
  std::uint64_t size() const override { return bytes_.size(); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// The directory of a block. const methods are thread-safe.
class BlockFile {
 public:
  // Reads the end of the block. Errors: corrupted, naming the block; unimplemented for a version or a
  // required feature of a later program; what the source says.
  static Result<BlockFile> open(std::shared_ptr<const BlockSource> source, BlockKind kind);

  const std::string& name() const { return source_->name(); }
  std::uint64_t bytes() const { return source_->size(); }
  std::uint64_t hash() const { return hash_; }  // BlockExtent::hash
  std::uint32_t optional_features() const { return optional_features_; }
  std::span<const Section> sections() const { return sections_; }
  // Null if there is none.
  const Section* find(SectionTag tag) const;

  // The content of a whole section. Errors: corrupted, also if there is none; what the source says.
  Result<std::string> whole(SectionTag tag) const;
  // Ranges of a section of parts, offsets from its beginning. One call is one request to the source.
  // Errors: corrupted for ranges that are not in it, or if there is no such section.
  Result<std::vector<std::string>> parts(SectionTag tag, std::span<const ByteRange> ranges) const;
  // All of a section of parts, bounded by kSectionBytesMax.
  Result<std::string> all_parts(SectionTag tag) const;

  // Forgets the bytes that open() has read: once what is needed at the beginning has been read.
  void drop_end() { end_ = {}; }

 private:
  Result<const Section*> find(SectionTag tag, Section::Form form) const;
  // From the end that was read if they lie there.
  Result<std::vector<std::string>> read(std::span<const ByteRange> ranges) const;

  std::shared_ptr<const BlockSource> source_;
  std::vector<Section> sections_;
  std::string end_;  // the last bytes of the block
  std::uint64_t hash_ = 0;
  std::uint32_t optional_features_ = 0;
};

}  // namespace weft::storage::block
