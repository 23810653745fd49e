#include "storage/manifest/encoding.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <unordered_set>

#include <fmt/format.h>

#include "base/check.h"
#include "base/compress.h"
#include "base/hash.h"
#include "base/protozero.h"

namespace weft::storage {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "WFM1";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kHashAt = 8;
constexpr std::size_t kHeaderBytes = 16;
constexpr int kZstdLevel = 3;
// Ids and hashes do not compress, so a real manifest comes nowhere near.
constexpr std::size_t kRatioMax = 200;
constexpr std::uint8_t kLevelMax = 7;

// Field numbers, as in docs/formats/manifest.md.
struct Field {
  enum Of : protozero::pbf_tag_type {  // a manifest
    signal = 1,
    day,
    version,
    nonce,
    state,
    expired_at,
    block,
    retired,
    watermark
  };
};
struct BlockField {
  enum Of : protozero::pbf_tag_type {
    id = 1,
    level,
    size,
    index_offset,
    footer_offset,
    footer_bytes,
    hash,
    rows,
    raw_bytes,
    traces,
    first_ns,
    last_ns,
    source
  };
};
struct RetiredField {
  enum Of : protozero::pbf_tag_type { id = 1, at };
};
struct LogField {
  enum Of : protozero::pbf_tag_type { node = 1, to, from };  // of a watermark: the first two
};

// What is wrong with the bytes; travels inside this file only.
class Malformed : public std::exception {
 public:
  explicit Malformed(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

void require(bool condition, const char* what) {
  if (!condition) throw Malformed(what);
}

// Ids are written as their hex reads: the most significant byte first.
std::string id_bytes(BlockId id) {
  std::string out(16, '\0');
  std::uint64_t words[2] = {__builtin_bswap64(id.high), __builtin_bswap64(id.low)};
  std::memcpy(out.data(), words, sizeof words);
  return out;
}

BlockId read_id(std::string_view bytes) {
  require(bytes.size() == 16, "id is not of 16 bytes");
  std::uint64_t words[2];
  std::memcpy(words, bytes.data(), sizeof words);
  return {__builtin_bswap64(words[0]), __builtin_bswap64(words[1])};
}

void write_block(protozero::pbf_writer writer, const Block& block) {
  writer.add_bytes(BlockField::id, id_bytes(block.id));
  writer.add_uint32(BlockField::level, block.level);
  writer.add_uint64(BlockField::size, block.size);
  writer.add_uint64(BlockField::index_offset, block.index_offset);
  writer.add_uint64(BlockField::footer_offset, block.footer_offset);
  writer.add_uint32(BlockField::footer_bytes, block.footer_bytes);
  writer.add_fixed64(BlockField::hash, block.hash);
  writer.add_uint64(BlockField::rows, block.rows);
  writer.add_uint64(BlockField::raw_bytes, block.raw_bytes);
  writer.add_uint64(BlockField::traces, block.traces);
  writer.add_sfixed64(BlockField::first_ns, block.first_ns);
  writer.add_sfixed64(BlockField::last_ns, block.last_ns);
  for (const LogRange& source : block.sources) {
    protozero::pbf_writer range(writer, BlockField::source);
    range.add_string(LogField::node, source.node);
    range.add_uint64(LogField::to, source.to);
    range.add_uint64(LogField::from, source.from);
  }
}

constexpr std::uint32_t varint(protozero::pbf_tag_type field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::varint);
}
constexpr std::uint32_t fixed(protozero::pbf_tag_type field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::fixed64);
}
constexpr std::uint32_t bytes(protozero::pbf_tag_type field) {
  return protozero::tag_and_type(field, protozero::pbf_wire_type::length_delimited);
}

// A field that this version does not know is refused: the next swap would silently lose it.
[[noreturn]] void refuse_field(const protozero::pbf_reader& reader) {
  throw Malformed(fmt::format("unknown field {}", reader.tag()));
}

LogRange read_log_range(protozero::pbf_reader reader, bool has_from) {
  LogRange range;
  while (reader.next()) switch (reader.tag_and_type()) {
      case bytes(LogField::node): range.node = reader.get_string(); break;
      case varint(LogField::to): range.to = reader.get_uint64(); break;
      case varint(LogField::from):
        require(has_from, "watermark has a beginning");
        range.from = reader.get_uint64();
        break;
      default: refuse_field(reader);
    }
  require(range.node.size() <= kNodeBytesMax, "node name is too long");
  require(range.from < range.to, "log range is empty");
  return range;
}

std::uint8_t read_level(std::uint32_t level) {
  require(level <= kLevelMax, "level is too high");
  return static_cast<std::uint8_t>(level);
}

Block read_block(protozero::pbf_reader reader) {
  Block block;
  bool has_id = false;
  while (reader.next()) switch (reader.tag_and_type()) {
      case bytes(BlockField::id):
        block.id = read_id(reader.get_view());
        has_id = true;
        break;
      case varint(BlockField::level): block.level = read_level(reader.get_uint32()); break;
      case varint(BlockField::size): block.size = reader.get_uint64(); break;
      case varint(BlockField::index_offset): block.index_offset = reader.get_uint64(); break;
      case varint(BlockField::footer_offset): block.footer_offset = reader.get_uint64(); break;
      case varint(BlockField::footer_bytes): block.footer_bytes = reader.get_uint32(); break;
      case fixed(BlockField::hash): block.hash = reader.get_fixed64(); break;
      case varint(BlockField::rows): block.rows = reader.get_uint64(); break;
      case varint(BlockField::raw_bytes): block.raw_bytes = reader.get_uint64(); break;
      case varint(BlockField::traces): block.traces = reader.get_uint64(); break;
      case fixed(BlockField::first_ns): block.first_ns = reader.get_sfixed64(); break;
      case fixed(BlockField::last_ns): block.last_ns = reader.get_sfixed64(); break;
      case bytes(BlockField::source):
        require(block.sources.size() < kManifestNodesMax, "block has too many sources");
        block.sources.push_back(read_log_range(reader.get_message(), true));
        break;
      default: refuse_field(reader);
    }
  require(has_id, "block has no id");
  require(block.index_offset <= block.footer_offset, "index of a block lies behind its footer");
  require(block.footer_offset <= block.size && block.footer_bytes <= block.size - block.footer_offset,
          "footer of a block lies outside of it");
  require(block.first_ns <= block.last_ns, "times of a block are in the wrong order");
  return block;
}

Retired read_retired(protozero::pbf_reader reader) {
  Retired retired;
  bool has_id = false;
  while (reader.next()) switch (reader.tag_and_type()) {
      case bytes(RetiredField::id):
        retired.id = read_id(reader.get_view());
        has_id = true;
        break;
      case fixed(RetiredField::at): retired.at_ns = reader.get_sfixed64(); break;
      default: refuse_field(reader);
    }
  require(has_id, "retired block has no id");
  return retired;
}

Manifest read_manifest(protozero::pbf_reader reader) {
  Manifest manifest;
  manifest.state = {};
  manifest.partition.signal = {};
  while (reader.next()) switch (reader.tag_and_type()) {
      case varint(Field::signal): {
        std::uint32_t signal = reader.get_uint32();
        require(signal == 1 || signal == 2, "unknown signal");
        manifest.partition.signal = static_cast<Signal>(signal);
        break;
      }
      case varint(Field::day): manifest.partition.day = reader.get_sint32(); break;
      case varint(Field::version): manifest.version = reader.get_uint64(); break;
      case fixed(Field::nonce): manifest.nonce = reader.get_fixed64(); break;
      case varint(Field::state): {
        std::uint32_t state = reader.get_uint32();
        require(state == 1 || state == 2, "unknown state");
        manifest.state = static_cast<Manifest::State>(state);
        break;
      }
      case fixed(Field::expired_at): manifest.expired_at_ns = reader.get_sfixed64(); break;
      case bytes(Field::block):
        require(manifest.blocks.size() < kManifestBlocksMax, "too many blocks");
        manifest.blocks.push_back(read_block(reader.get_message()));
        break;
      case bytes(Field::retired):
        require(manifest.retired.size() < kManifestBlocksMax, "too many retired blocks");
        manifest.retired.push_back(read_retired(reader.get_message()));
        break;
      case bytes(Field::watermark): {
        require(manifest.watermarks.size() < kManifestNodesMax, "too many watermarks");
        LogRange range = read_log_range(reader.get_message(), false);
        manifest.watermarks.push_back({std::move(range.node), range.to});
        break;
      }
      default: refuse_field(reader);
    }
  return manifest;
}

void check_whole(const Manifest& manifest, Partition partition) {
  require(manifest.partition == partition, "manifest is of another partition");
  require(manifest.version > 0, "version is missing");
  require(manifest.state != Manifest::State{}, "state is missing");
  bool expired = manifest.state == Manifest::State::expired;
  require(!expired || manifest.blocks.empty(), "expired partition has blocks");
  require(expired || manifest.expired_at_ns == 0, "open partition has expired");
  std::unordered_set<std::uint64_t> ids;  // halves of hashes: no two of 200 000 are the same by chance
  for (const Block& block : manifest.blocks)
    require(ids.insert(block.id.low).second, "block is listed twice");
  for (const Retired& retired : manifest.retired)
    require(ids.insert(retired.id.low).second, "retired block is listed twice");
  std::unordered_set<std::string_view> nodes;
  for (const Watermark& watermark : manifest.watermarks)
    require(nodes.insert(watermark.node).second, "node has two watermarks");
}

Error corrupted(std::string_view why) {
  return Error(Code::corrupted, fmt::format("manifest is not what was written: {}", why));
}

}  // namespace

Result<std::string> encode_manifest(const Manifest& manifest) {
  CHECK_OR_DIE(manifest.version > 0);
  if (manifest.blocks.size() > kManifestBlocksMax || manifest.retired.size() > kManifestBlocksMax ||
      manifest.watermarks.size() > kManifestNodesMax)
    return Error(Code::resource_exhausted,
                 fmt::format("manifest has {} blocks, {} retired ones and {} nodes, limits are {}, {} and {}",
                             manifest.blocks.size(), manifest.retired.size(), manifest.watermarks.size(),
                             kManifestBlocksMax, kManifestBlocksMax, kManifestNodesMax));
  std::string message;
  protozero::pbf_writer writer(message);
  writer.add_uint32(Field::signal, static_cast<std::uint32_t>(manifest.partition.signal));
  writer.add_sint32(Field::day, manifest.partition.day);
  writer.add_uint64(Field::version, manifest.version);
  writer.add_fixed64(Field::nonce, manifest.nonce);
  writer.add_uint32(Field::state, static_cast<std::uint32_t>(manifest.state));
  if (manifest.state == Manifest::State::expired)
    writer.add_sfixed64(Field::expired_at, manifest.expired_at_ns);
  for (const Block& block : manifest.blocks) write_block(protozero::pbf_writer(writer, Field::block), block);
  for (const Retired& retired : manifest.retired) {
    protozero::pbf_writer entry(writer, Field::retired);
    entry.add_bytes(RetiredField::id, id_bytes(retired.id));
    entry.add_sfixed64(RetiredField::at, retired.at_ns);
  }
  for (const Watermark& watermark : manifest.watermarks) {
    protozero::pbf_writer entry(writer, Field::watermark);
    entry.add_string(LogField::node, watermark.node);
    entry.add_uint64(LogField::to, watermark.lsn);
  }
  std::string packed = TRY(compress(Codec::zstd, message, kZstdLevel));
  if (message.size() > kManifestBytesMax || packed.size() + kHeaderBytes > kManifestBytesMax)
    return Error(Code::resource_exhausted,
                 fmt::format("manifest has {} bytes, limit is {}", message.size(), kManifestBytesMax));
  std::string out(kMagic);
  out.append(reinterpret_cast<const char*>(&kFormat), sizeof kFormat);
  std::uint64_t hash = hash64(packed, kFormat);
  out.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  out += packed;
  return out;
}

Result<Manifest> decode_manifest(std::string_view stored, Partition partition) {
  if (stored.size() < kHeaderBytes || !stored.starts_with(kMagic)) return corrupted("it has no header");
  if (stored.size() > kManifestBytesMax) return corrupted("it is too large");
  std::uint32_t format = 0;
  std::uint64_t hash = 0;
  std::memcpy(&format, stored.data() + kMagic.size(), sizeof format);
  std::memcpy(&hash, stored.data() + kHashAt, sizeof hash);
  std::string_view packed = stored.substr(kHeaderBytes);
  if (hash != hash64(packed, format)) return corrupted("its hash is another");
  if (format > kFormat)
    return Error(
        Code::unimplemented,
        fmt::format("manifest has format {}, this weft reads up to {}; run a newer one", format, kFormat));
  if (format == 0) return corrupted("it has format 0");
  auto message =
      decompress(Codec::zstd, packed, {.output_bytes_max = kManifestBytesMax, .ratio_max = kRatioMax});
  if (!message) return corrupted(message.error().message());
  try {
    Manifest manifest = read_manifest(protozero::pbf_reader(*message));
    check_whole(manifest, partition);
    return manifest;
  } catch (const Malformed& malformed) {
    return corrupted(malformed.what());
  } catch (const protozero::exception& malformed) {
    return corrupted(malformed.what());
  }
}

}  // namespace weft::storage
