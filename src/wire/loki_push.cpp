#include "wire/loki_push.h"

#include <limits>

#include "model/time.h"
#include "wire/decode/lists.h"
#include "wire/protobuf_reading.h"

namespace weft::wire {
namespace {

// Longer label text is refused before it is read.
constexpr std::size_t kLabelTextBytesMax = std::size_t{16} << 20;

class PushReader {
 public:
  PushReader(LogBatch& batch, std::vector<RejectedStream>& rejected) : batch_(batch), rejected_(rejected) {}

  void request(pbf_reader message) {
    while (message.next()) {
      if (message.tag_and_type() == bytes_field(1)) {
        stream(message.get_message());
      } else {
        message.skip();
      }
    }
  }

 private:
  void stream(pbf_reader message) {
    count_item();
    std::string_view labels;
    std::size_t entries_begin = batch_.entries.size();
    std::size_t metadata_begin = batch_.metadata.size();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): labels = message.get_view(); break;
        case bytes_field(2): entry(message.get_message()); break;
        default: message.skip();
      }
    }
    std::size_t entries = batch_.entries.size() - entries_begin;
    if (auto known = read_labels(labels); !known) {
      std::size_t bytes = 0;
      for (std::size_t i = entries_begin; i < batch_.entries.size(); ++i)
        bytes += batch_.entries[i].line.size();
      for (std::size_t i = metadata_begin; i < batch_.metadata.size(); ++i)
        bytes += batch_.metadata[i].name.size() + batch_.metadata[i].value.size();
      rejected_.push_back({std::string(labels), known.error().message(), entries, bytes});
      batch_.entries.resize(entries_begin);
      batch_.metadata.resize(metadata_begin);
      return;
    }
    batch_.streams.push_back(
        {static_cast<std::uint32_t>(labels_begin_), static_cast<std::uint32_t>(labels_count_),
         static_cast<std::uint32_t>(entries_begin), static_cast<std::uint32_t>(entries)});
  }

  // Sets labels_begin_ and labels_count_. Senders often repeat a stream's text, one entry each: the
  // labels read last serve again.
  Result<void> read_labels(std::string_view text) {
    if (labels_known_ && text == labels_text_) return {};
    if (text.size() > kLabelTextBytesMax)
      return Error(Code::resource_exhausted, "label text of " + std::to_string(text.size()) +
                                                 " bytes is longer than the limit of " +
                                                 std::to_string(kLabelTextBytesMax) + " bytes");
    labels_known_ = false;
    labels_begin_ = batch_.labels.size();
    if (auto read = parse_labels(text, batch_.labels, batch_.arena); !read) {
      batch_.labels.resize(labels_begin_);
      return read;
    }
    labels_count_ = batch_.labels.size() - labels_begin_;
    labels_text_ = text;
    labels_known_ = true;
    return {};
  }

  void entry(pbf_reader message) {
    count_item();
    LogEntry& entry = batch_.entries.emplace_back();
    entry.metadata_begin = static_cast<std::uint32_t>(batch_.metadata.size());
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): entry.time_ns = timestamp(message.get_message()); break;
        case bytes_field(2): entry.line = message.get_view(); break;
        case bytes_field(3): metadata(message.get_message()); break;
        default: message.skip();
      }
    }
    entry.metadata_count = static_cast<std::uint32_t>(batch_.metadata.size()) - entry.metadata_begin;
  }

  // google.protobuf.Timestamp. What does not fit 64 bits of nanoseconds becomes the nearest that
  // does, and ingest finds it too old or too new.
  static std::int64_t timestamp(pbf_reader message) {
    std::int64_t seconds = 0;
    std::int32_t nanos = 0;
    while (message.next()) {
      switch (message.tag_and_type()) {
        case varint_field(1): seconds = message.get_int64(); break;
        case varint_field(2): nanos = message.get_int32(); break;
        default: message.skip();
      }
    }
    std::int64_t ns = 0;
    if (__builtin_mul_overflow(seconds, kNsPerSecond, &ns) || __builtin_add_overflow(ns, nanos, &ns))
      return seconds < 0 ? std::numeric_limits<std::int64_t>::min()
                         : std::numeric_limits<std::int64_t>::max();
    return ns;
  }

  void metadata(pbf_reader message) {
    count_item();
    Label& pair = batch_.metadata.emplace_back();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case bytes_field(1): pair.name = message.get_view(); break;
        case bytes_field(2): pair.value = message.get_view(); break;
        default: message.skip();
      }
    }
  }

  void count_item() {
    if (!budget_.take()) throw Refused(too_many_items());
  }

  LogBatch& batch_;
  std::vector<RejectedStream>& rejected_;
  ItemBudget budget_;
  std::string_view labels_text_;
  std::size_t labels_begin_ = 0;
  std::size_t labels_count_ = 0;
  bool labels_known_ = false;
};

}  // namespace

Result<void> decode_loki_push(std::string_view body, LogBatch& batch, std::vector<RejectedStream>& rejected) {
  batch.clear();
  rejected.clear();
  PushReader reader(batch, rejected);
  return read_protobuf(body, "PushRequest", [&](pbf_reader message) { reader.request(message); });
}

std::string encode_loki_push(const LogBatch& batch) {
  std::string out;
  protozero::pbf_writer request(out);
  for (const LogStream& stream : batch.streams) {
    protozero::pbf_writer to(request, 1);
    to.add_string(1, label_text(batch.labels_of(stream)));
    for (const LogEntry& entry :
         std::span(batch.entries).subspan(stream.entries_begin, stream.entries_count)) {
      protozero::pbf_writer row(to, 2);
      {
        std::int64_t seconds = entry.time_ns / kNsPerSecond;
        std::int64_t nanos = entry.time_ns % kNsPerSecond;
        if (nanos < 0) {
          nanos += kNsPerSecond;
          --seconds;
        }
        protozero::pbf_writer timestamp(row, 1);
        timestamp.add_int64(1, seconds);
        timestamp.add_int32(2, static_cast<std::int32_t>(nanos));
      }
      row.add_string(2, entry.line);
      for (const Label& pair : batch.metadata_of(entry)) {
        protozero::pbf_writer metadata(row, 3);
        metadata.add_string(1, pair.name);
        metadata.add_string(2, pair.value);
      }
    }
  }
  return out;
}

}  // namespace weft::wire
