#include "storage/block/log_metadata.h"

#include "base/bytes.h"

namespace weft::storage::block {

void append_metadata(std::span<const Label> labels, std::string& out) {
  if (labels.empty()) return;
  put_varint(out, labels.size());
  for (const Label& label : labels) {
    put_varint(out, label.name.size());
    out += label.name;
    put_varint(out, label.value.size());
    out += label.value;
  }
}

bool read_metadata(std::string_view encoded, std::vector<Label>& out) {
  if (encoded.empty()) return true;
  ByteReader reader(encoded);
  auto text = [&](std::string_view& to) {
    auto size = reader.varint();
    if (!size) return false;
    auto taken = reader.take(*size);
    if (taken) to = *taken;
    return static_cast<bool>(taken);
  };
  auto count = reader.varint();
  if (!count || *count > encoded.size()) return false;
  for (std::uint64_t i = 0; i < *count; ++i) {
    Label label;
    if (!text(label.name) || !text(label.value)) return false;
    out.push_back(label);
  }
  return reader.at_end();
}

}  // namespace weft::storage::block
