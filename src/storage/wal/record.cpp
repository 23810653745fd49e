#include "storage/wal/record.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/hash.h"

namespace weft::storage::wal {
namespace {

static_assert(std::endian::native == std::endian::little, "the log is written as it lies in memory");

constexpr std::uint32_t kMagic = 0x31524657;  // "WFR1"
constexpr std::uint8_t kKindSegment = 0;
constexpr std::uint8_t kKindLast = static_cast<std::uint8_t>(FrameKind::zipkin_json);
constexpr std::uint8_t kCodecLast = static_cast<std::uint8_t>(Codec::lz4_frame);
constexpr std::uint8_t kFlagRecompressed = 1;
constexpr std::size_t kHashedFrom = 16;
constexpr std::size_t kFixedPayloadBytes = 16;  // of a request: received_ns, rejected bytes, tenant bytes

struct Header {
  std::uint32_t magic = kMagic;
  std::uint32_t payload_bytes = 0;
  std::uint64_t hash = 0;
  std::uint64_t lsn = 0;
  std::uint64_t durable_end = 0;
  std::uint8_t kind = 0;
  std::uint8_t encoding = 0;
  std::uint8_t flags = 0;
  std::uint8_t reserved[5] = {};
};
static_assert(sizeof(Header) == kHeaderBytes);

std::size_t padded(std::size_t size) {
  return (size + kAlignment - 1) & ~(kAlignment - 1);
}

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

bool decode_payload(std::string_view payload, const Header& header, Record& out) {
  if (header.kind == kKindSegment) {
    if (payload.size() != kSegmentHeaderBytes - kHeaderBytes) return false;
    out.segment_header = true;
    out.previous_end = get<std::uint64_t>(payload, 0);
    return true;
  }
  if (header.kind > kKindLast || header.encoding > kCodecLast || payload.size() < kFixedPayloadBytes)
    return false;
  auto rejected = get<std::uint32_t>(payload, 8);
  auto tenant = get<std::uint32_t>(payload, 12);
  if (std::uint64_t{rejected} + tenant > payload.size() - kFixedPayloadBytes) return false;
  out.segment_header = false;
  out.recompressed = (header.flags & kFlagRecompressed) != 0;
  out.frame.kind = static_cast<FrameKind>(header.kind);
  out.frame.encoding = static_cast<Codec>(header.encoding);
  out.frame.received_ns = get<std::int64_t>(payload, 0);
  payload.remove_prefix(kFixedPayloadBytes);
  out.frame.tenant = payload.substr(0, tenant);
  out.frame.rejected = payload.substr(tenant, rejected);
  out.frame.body = payload.substr(tenant + rejected);
  return true;
}

}  // namespace

Result<std::string> encode_record(const Frame& frame) {
  Header header;
  header.kind = static_cast<std::uint8_t>(frame.kind);
  header.encoding = static_cast<std::uint8_t>(frame.encoding);
  std::string_view body = frame.body;
  std::string smaller;
  if (frame.encoding == Codec::identity && body.size() > kCompressAbove) {
    if (auto compressed = compress(Codec::zstd, body, 1); compressed && compressed->size() < body.size()) {
      smaller = *std::move(compressed);
      body = smaller;
      header.flags = kFlagRecompressed;
    }
  }
  std::size_t payload = kFixedPayloadBytes + frame.tenant.size() + frame.rejected.size() + body.size();
  if (frame.tenant.size() > 65'536 || payload > kPayloadBytesMax)
    return Error(Code::invalid_argument, "request has " + std::to_string(payload) + " bytes, the log takes " +
                                             std::to_string(kPayloadBytesMax) + " at most");
  header.payload_bytes = static_cast<std::uint32_t>(payload);
  std::string out;
  out.reserve(padded(kHeaderBytes + payload));
  put(out, header);
  put(out, frame.received_ns);
  put(out, static_cast<std::uint32_t>(frame.rejected.size()));
  put(out, static_cast<std::uint32_t>(frame.tenant.size()));
  out += frame.tenant;
  out += frame.rejected;
  out += body;
  out.resize(padded(out.size()), '\0');
  return out;
}

std::string encode_segment_header(Lsn previous_end) {
  Header header;
  header.kind = kKindSegment;
  header.payload_bytes = kSegmentHeaderBytes - kHeaderBytes;
  std::string out;
  put(out, header);
  put(out, previous_end);
  return out;
}

void place_record(std::string& record, Lsn lsn, Lsn durable_end) {
  Header header = get<Header>(record, 0);
  header.lsn = lsn;
  header.durable_end = durable_end;
  std::memcpy(record.data(), &header, sizeof header);
  header.hash =
      hash64(std::string_view(record).substr(kHashedFrom, kHeaderBytes + header.payload_bytes - kHashedFrom));
  std::memcpy(record.data(), &header, sizeof header);
}

RecordState decode_record(std::string_view bytes, Lsn lsn, Record& out) {
  out.size = bytes.size();
  if (bytes.size() < kHeaderBytes) {
    bool blank = bytes.find_first_not_of('\0') == std::string_view::npos;
    return blank ? RecordState::absent : RecordState::damaged;
  }
  auto header = get<Header>(bytes, 0);
  if (header.magic != kMagic || header.lsn != lsn) return RecordState::absent;
  // From here on the record was meant to be here: 96 bits say so.
  std::size_t size = kHeaderBytes + std::size_t{header.payload_bytes};
  out.size = std::min(padded(size), bytes.size());
  if (header.payload_bytes > kPayloadBytesMax || size > bytes.size()) return RecordState::damaged;
  if (hash64(bytes.substr(kHashedFrom, size - kHashedFrom)) != header.hash) return RecordState::damaged;
  out.lsn = lsn;
  out.durable_end = header.durable_end;
  return decode_payload(bytes.substr(kHeaderBytes, header.payload_bytes), header, out) ? RecordState::valid
                                                                                       : RecordState::damaged;
}

Result<Frame> original_frame(const Record& record, std::string& buffer) {
  Frame frame = record.frame;
  if (!record.recompressed) return frame;
  DecompressLimits limits;
  limits.output_bytes_max = std::size_t{4} << 30;
  limits.ratio_max = std::numeric_limits<std::size_t>::max() / (std::size_t{8} << 30);
  buffer = TRY(decompress(Codec::zstd, frame.body, limits));
  frame.body = buffer;
  return frame;
}

}  // namespace weft::storage::wal
