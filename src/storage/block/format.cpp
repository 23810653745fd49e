#include "storage/block/format.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hash.h"

namespace weft::storage::block {
namespace {

constexpr std::uint64_t kMagic = 0x314b4c4254464557;  // "WEFTBLK1"
constexpr std::size_t kSectionEntryBytes = 40;

Error corrupted(const std::string& block, const std::string& what) {
  return Error(Code::corrupted, "block " + block + ": " + what);
}

// Whether [offset, offset + bytes) lies within [begin, end).
bool lies_within(std::uint64_t offset, std::uint64_t bytes, std::uint64_t begin, std::uint64_t end) {
  return offset >= begin && offset <= end && bytes <= end - offset;
}

struct Tail {
  std::uint64_t footer_offset = 0;
  std::uint32_t footer_bytes = 0;
  std::uint16_t version = 0;
  std::uint16_t kind = 0;
  std::uint32_t required = 0;
  std::uint32_t optional = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t reserved = 0;
  std::uint64_t hash = 0;  // of the footer and of the tail up to here
  std::uint64_t magic = 0;
};
static_assert(sizeof(Tail) == kBlockTailBytes);
constexpr std::size_t kHashedTailBytes = kBlockTailBytes - 16;

std::string_view hashed_bytes(const Tail& tail) {
  return {reinterpret_cast<const char*>(&tail), kHashedTailBytes};
}

std::uint64_t hash_of(std::string_view footer, const Tail& tail) {
  return hash64(hashed_bytes(tail), hash64(footer));
}

std::string header_of(BlockKind kind) {
  std::string header;
  put_fixed(header, kMagic);
  put_fixed(header, kFormatVersion);
  put_fixed(header, static_cast<std::uint16_t>(kind));
  put_fixed(header, std::uint32_t{0});
  return header;
}

}  // namespace

std::string tag_text(SectionTag tag) {
  std::string text;
  for (unsigned i = 0; i < 4; ++i) {
    char letter = static_cast<char>(tag >> 8 * i & 0xff);
    text += letter >= ' ' && letter <= '~' ? letter : '?';
  }
  return text;
}

// --- writing ---

Result<void> BlockWriter::put(std::string_view bytes) {
  if (!header_written_) {
    header_written_ = true;
    TRY(out_.append(header_of(kind_)));
  }
  TRY(out_.append(bytes));
  written_ += bytes.size();
  return {};
}

void BlockWriter::begin(SectionTag tag) {
  CHECK(!open_ && sections_.size() < kSectionsMax);
  CHECK(std::ranges::none_of(sections_, [&](const Section& s) { return s.tag == tag; }));
  open_ = true;
  sections_.push_back({.tag = tag, .form = Section::Form::parts, .offset = written_});
}

Result<void> BlockWriter::append(std::string_view bytes) {
  CHECK(open_);
  return put(bytes);
}

void BlockWriter::end() {
  CHECK(open_);
  open_ = false;
  Section& section = sections_.back();
  section.bytes = written_ - section.offset;
  section.raw_bytes = section.bytes;
}

Result<void> BlockWriter::add_whole(SectionTag tag, std::string_view bytes) {
  if (bytes.size() > kSectionBytesMax)
    return Error(Code::invalid_argument, "section " + tag_text(tag) + " has " + std::to_string(bytes.size()) +
                                             " bytes, limit is " + std::to_string(kSectionBytesMax));
  begin(tag);
  std::string compressed;
  bool smaller =
      zstd_.compress_if_smaller(bytes, compressed) && bytes.size() <= compressed.size() * kSectionRatioMax;
  std::string_view stored = smaller ? compressed : bytes;
  TRY(append(stored));
  end();
  Section& section = sections_.back();
  section.form = Section::Form::whole;
  section.raw_bytes = bytes.size();
  section.hash = hash64(stored);
  return {};
}

Result<BlockExtent> BlockWriter::finish(BlockFeatures features) {
  CHECK(!open_);
  std::string footer;
  for (const Section& section : sections_) {
    put_fixed(footer, section.tag);
    put_fixed(footer, static_cast<std::uint32_t>(section.form));
    put_fixed(footer, section.offset);
    put_fixed(footer, section.bytes);
    put_fixed(footer, section.raw_bytes);
    put_fixed(footer, section.hash);
  }
  Tail tail{.footer_offset = written_,
            .footer_bytes = static_cast<std::uint32_t>(footer.size()),
            .version = kFormatVersion,
            .kind = static_cast<std::uint16_t>(kind_),
            .required = features.required,
            .optional = features.optional,
            .block_bytes = written_ + footer.size() + kBlockTailBytes,
            .magic = kMagic};
  tail.hash = hash_of(footer, tail);
  footer.append(reinterpret_cast<const char*>(&tail), sizeof tail);
  TRY(put(footer));
  return BlockExtent{tail.block_bytes, tail.footer_offset, tail.hash};
}

// --- sources ---

Result<std::vector<std::string>> ObjectBlock::read(std::span<const ByteRange> ranges) const {
  return store_.get(key_, ranges);
}

Result<std::vector<std::string>> MemoryBlock::read(std::span<const ByteRange> ranges) const {
  std::vector<std::string> out;
  for (const ByteRange& range : ranges) {
    if (!lies_within(range.offset, range.size, 0, bytes_.size()))
      return corrupted(
          name_, "ends before byte " + std::to_string(range.offset) + " + " + std::to_string(range.size));
    out.push_back(bytes_.substr(range.offset, range.size));
  }
  return out;
}

// --- reading ---

Result<BlockFile> BlockFile::open(std::shared_ptr<const BlockSource> source, BlockKind kind) {
  const std::string& name = source->name();
  std::uint64_t size = source->size();
  if (size < kBlockHeaderBytes + kBlockTailBytes)
    return corrupted(name, "has " + std::to_string(size) + " bytes, the smallest block has " +
                               std::to_string(kBlockHeaderBytes + kBlockTailBytes));
  BlockFile file;
  file.source_ = std::move(source);
  auto read_end = [&](std::uint64_t bytes) -> Result<void> {
    ByteRange range{size - bytes, bytes};
    file.end_ = std::move(TRY(file.source_->read({&range, 1})).at(0));
    if (file.end_.size() != bytes) return corrupted(name, "gave fewer bytes than were asked for");
    return {};
  };
  TRY(read_end(std::min<std::uint64_t>(size, kBlockEndBytes)));
  Tail tail;
  std::memcpy(&tail, file.end_.data() + file.end_.size() - kBlockTailBytes, sizeof tail);
  if (tail.magic != kMagic) return corrupted(name, "does not end as a block does");
  if (tail.block_bytes != size)
    return corrupted(
        name, "has " + std::to_string(size) + " bytes, was written with " + std::to_string(tail.block_bytes));
  if (tail.footer_bytes > kSectionsMax * kSectionEntryBytes || tail.footer_bytes % kSectionEntryBytes != 0 ||
      tail.footer_offset < kBlockHeaderBytes ||
      tail.footer_offset != size - kBlockTailBytes - tail.footer_bytes)
    return corrupted(name, "claims a footer of " + std::to_string(tail.footer_bytes) + " bytes at " +
                               std::to_string(tail.footer_offset));
  std::string_view end = file.end_;
  std::string_view footer = end.substr(end.size() - kBlockTailBytes - tail.footer_bytes, tail.footer_bytes);
  if (hash_of(footer, tail) != tail.hash) return corrupted(name, "hash of the footer does not match");
  if (tail.version != kFormatVersion)
    return Error(Code::unimplemented, "block " + name + ": format version " + std::to_string(tail.version) +
                                          ", this program reads " + std::to_string(kFormatVersion));
  if (std::uint32_t unknown = tail.required & ~kKnownFeatures; unknown != 0)
    return Error(Code::unimplemented, "block " + name + ": needs features " + std::to_string(unknown) +
                                          " (bits), which this program does not know");
  if (tail.kind != static_cast<std::uint16_t>(kind))
    return corrupted(name, "is of kind " + std::to_string(tail.kind) + ", expected " +
                               std::to_string(static_cast<unsigned>(kind)));
  file.optional_features_ = tail.optional;
  file.hash_ = tail.hash;

  ByteReader reader(footer);
  std::uint64_t at = kBlockHeaderBytes;
  while (!reader.at_end()) {
    Section section;
    section.tag = TRY(reader.fixed<std::uint32_t>());
    section.form = static_cast<Section::Form>(TRY(reader.fixed<std::uint32_t>()));
    section.offset = TRY(reader.fixed<std::uint64_t>());
    section.bytes = TRY(reader.fixed<std::uint64_t>());
    section.raw_bytes = TRY(reader.fixed<std::uint64_t>());
    section.hash = TRY(reader.fixed<std::uint64_t>());
    bool whole = section.form == Section::Form::whole;
    bool sizes_fit = section.bytes == section.raw_bytes;
    if (whole)
      sizes_fit = section.bytes <= section.raw_bytes && section.raw_bytes <= kSectionBytesMax &&
                  section.raw_bytes / kSectionRatioMax <= section.bytes;
    if (!sizes_fit || (!whole && section.form != Section::Form::parts) ||
        !lies_within(section.offset, section.bytes, at, tail.footer_offset) ||
        file.find(section.tag) != nullptr)
      return corrupted(name, "section " + tag_text(section.tag) + " of " + std::to_string(section.bytes) +
                                 " bytes at " + std::to_string(section.offset) + " cannot be");
    at = section.offset + section.bytes;
    file.sections_.push_back(section);
  }
  return file;
}

const Section* BlockFile::find(SectionTag tag) const {
  for (const Section& section : sections_)
    if (section.tag == tag) return &section;
  return nullptr;
}

Result<const Section*> BlockFile::find(SectionTag tag, Section::Form form) const {
  const Section* section = find(tag);
  if (section == nullptr || section->form != form)
    return corrupted(name(), "has no section " + tag_text(tag) + " of the form needed");
  return section;
}

Result<std::vector<std::string>> BlockFile::read(std::span<const ByteRange> ranges) const {
  std::uint64_t end_begin = bytes() - end_.size();
  bool here = !end_.empty() && std::ranges::all_of(ranges, [&](const ByteRange& range) {
    return lies_within(range.offset, range.size, end_begin, bytes());
  });
  std::vector<std::string> out;
  if (here) {
    for (const ByteRange& range : ranges) out.push_back(end_.substr(range.offset - end_begin, range.size));
    return out;
  }
  out = TRY(source_->read(ranges));
  bool as_asked = out.size() == ranges.size();
  for (std::size_t i = 0; as_asked && i < out.size(); ++i) as_asked = out[i].size() == ranges[i].size;
  if (!as_asked) return corrupted(name(), "gave fewer bytes than were asked for");
  return out;
}

Result<std::string> BlockFile::whole(SectionTag tag) const {
  const Section* section = TRY(find(tag, Section::Form::whole));
  ByteRange range{section->offset, section->bytes};
  std::string stored = std::move(TRY(read({&range, 1})).at(0));
  if (hash64(stored) != section->hash)
    return corrupted(name(), "hash of section " + tag_text(tag) + " does not match");
  if (section->raw_bytes == section->bytes) return stored;
  std::string raw(section->raw_bytes, '\0');
  Zstd zstd;
  if (auto done = zstd.decompress(stored, raw.data(), raw.size()); !done)
    return corrupted(name(), "section " + tag_text(tag) + ": " + done.error().message());
  return raw;
}

Result<std::vector<std::string>> BlockFile::parts(SectionTag tag, std::span<const ByteRange> ranges) const {
  const Section* section = TRY(find(tag, Section::Form::parts));
  std::vector<ByteRange> in_block;
  in_block.reserve(ranges.size());
  for (const ByteRange& range : ranges) {
    if (!lies_within(range.offset, range.size, 0, section->bytes))
      return corrupted(name(), "section " + tag_text(tag) + " has " + std::to_string(section->bytes) +
                                   " bytes, wanted are " + std::to_string(range.size) + " at " +
                                   std::to_string(range.offset));
    in_block.push_back({section->offset + range.offset, range.size});
  }
  return read(in_block);
}

Result<std::string> BlockFile::all_parts(SectionTag tag) const {
  const Section* section = TRY(find(tag, Section::Form::parts));
  if (section->bytes > kSectionBytesMax)
    return corrupted(name(), "section " + tag_text(tag) + " has " + std::to_string(section->bytes) +
                                 " bytes, limit is " + std::to_string(kSectionBytesMax));
  ByteRange range{0, section->bytes};
  return std::move(TRY(parts(tag, {&range, 1})).at(0));
}

}  // namespace weft::storage::block
