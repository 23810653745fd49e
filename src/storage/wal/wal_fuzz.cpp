#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "storage/wal/reader.h"

// Any bytes as a segment: the first eight choose what is known to be durable, the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::storage::wal;
  if (size < 8) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Lsn known = make_lsn(data[0] & 3U, data[1] * std::uint64_t{8});
  bytes.remove_prefix(8);
  std::string file(bytes);
  // Most inputs would end at the first hash; make good what the mutations broke, here and there.
  if ((data[2] & 1U) != 0 && file.size() >= kSegmentHeaderBytes + kHeaderBytes) {
    std::string record = file.substr(kSegmentHeaderBytes);
    std::uint32_t payload = 0;
    __builtin_memcpy(&payload, record.data() + 4, sizeof payload);
    if (payload <= record.size() - kHeaderBytes) {
      place_record(record, make_lsn(1, kSegmentHeaderBytes), known);
      file.replace(kSegmentHeaderBytes, std::string::npos, record);
    }
  }
  std::size_t shown = 0;
  auto report = read_segment(file, 1, known, [&](const Record& record) {
    ++shown;
    CHECK_OR_DIE(record.size > 0 && offset_of(record.lsn) + record.size <= file.size());
    CHECK_OR_DIE(record.frame.body.size() <= record.size);
    std::string buffer;
    (void)original_frame(record, buffer);
  });
  CHECK_OR_DIE(report.frames == shown && report.end <= file.size());
  CHECK_OR_DIE(report.corrupted.size() <= file.size() / kAlignment + 1);
  return 0;
}
