#include "storage/head/log_head.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "model/limits.h"

namespace weft::storage {
namespace {

void put_varint(std::string& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

// Our own bytes in memory, so it trusts them.
std::uint64_t take_varint(const char*& at) {
  std::uint64_t v = 0;
  for (int shift = 0;; shift += 7) {
    auto byte = static_cast<unsigned char>(*at++);
    v |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return v;
  }
}

std::string_view take_text(const char*& at) {
  std::size_t size = take_varint(at);
  std::string_view text(at, size);
  at += size;
  return text;
}

// Spreads a small number over all bits.
std::uint64_t hash_number(std::uint64_t n) {
  return (n + 1) * 0x9e3779b97f4a7c15ULL;
}

}  // namespace

void LogHead::append(std::span<const StreamPtr> streams, const LogBatch& batch, std::int64_t oldest_ns) {
  std::int64_t first = oldest_.load(std::memory_order_relaxed);
  std::int64_t last = newest_.load(std::memory_order_relaxed);
  for (std::size_t s = 0; s < streams.size(); ++s) {
    const LogStream& stream = batch.streams[s];
    if (stream.entries_count == 0) continue;
    std::uint32_t local = local_stream(streams[s]);
    StreamRows& rows = *stream_owners_[local];
    for (std::uint32_t e = stream.entries_begin; e < stream.entries_begin + stream.entries_count; ++e) {
      const LogEntry& entry = batch.entries[e];
      if (entry.time_ns < oldest_ns) continue;
      std::uint32_t number = rows_count_;
      std::string_view line = arena_.copy(entry.line);
      const char* metadata = entry.metadata_count == 0 ? nullptr : add_metadata(batch.metadata_of(entry));
      rows_.emplace(number, entry.time_ns, line.data(), metadata, static_cast<std::uint32_t>(line.size()),
                    local, add_link(entry));
      ++rows_count_;
      raw_bytes_ += line.size() + sizeof entry.time_ns;
      if (entry.time_ns >= rows.newest) {
        rows.newest = entry.time_ns;
        rows.in_order.push(number);
      } else {
        if (!rows.late_owner) {
          rows.late_owner = std::make_unique<RowList>();
          rows.late.store(rows.late_owner.get(), std::memory_order_release);
        }
        rows.late_owner->push(number);
      }
      if (entry.ids_overflow || entry.ids_count > kCandidateIdsMax) {
        overflow_.push(number);
      } else {
        for (std::uint32_t i = 0; i < entry.ids_count; ++i)
          add_posting(batch.candidate_ids[entry.ids_begin + i], number);
      }
      first = std::min(first, entry.time_ns);
      last = std::max(last, entry.time_ns);
    }
  }
  oldest_.store(first, std::memory_order_relaxed);
  newest_.store(last, std::memory_order_relaxed);
}

std::uint32_t LogHead::local_stream(const StreamPtr& stream) {
  std::uint64_t hash = hash_number(stream->id);
  std::uint32_t known = stream_lookup_.find(
      hash, [&](std::uint32_t ref) { return stream_owners_[ref]->stream->id == stream->id; });
  if (known != Lookup::kNone) return known;
  auto number = static_cast<std::uint32_t>(stream_owners_.size());
  stream_owners_.push_back(std::make_unique<StreamRows>());
  stream_owners_.back()->stream = stream;
  streams_.emplace(number, stream_owners_.back().get());
  stream_lookup_.insert(hash, number);
  return number;
}

const LogHead::StreamRows* LogHead::find_stream(const StreamEntry& stream) const {
  std::uint32_t ref = stream_lookup_.find(
      hash_number(stream.id), [&](std::uint32_t r) { return streams_[r]->stream->id == stream.id; });
  return ref == Lookup::kNone ? nullptr : streams_[ref];
}

const char* LogHead::add_metadata(std::span<const Label> metadata) {
  scratch_.clear();
  put_varint(scratch_, metadata.size());
  for (const Label& l : metadata) {
    put_varint(scratch_, l.name.size());
    scratch_ += l.name;
    put_varint(scratch_, l.value.size());
    scratch_ += l.value;
    raw_bytes_ += l.name.size() + l.value.size();
  }
  std::uint64_t hash = hash64(scratch_);
  CachedMetadata& cached = metadata_cache_[hash % metadata_cache_.size()];
  if (cached.hash == hash && cached.content == scratch_) return cached.encoded;
  whole_.clear();
  put_varint(whole_, scratch_.size());
  std::size_t prefix = whole_.size();
  whole_ += scratch_;
  std::string_view kept = arena_.copy(whole_);
  cached = {hash, kept.data(), kept.substr(prefix)};
  return cached.encoded;
}

std::uint32_t LogHead::add_link(const LogEntry& entry) {
  if (entry.trace_id.is_zero() && entry.span_id.is_zero()) return 0;
  if (links_count_ > 0) {
    const Link& last = links_[links_count_ - 1];
    if (last.trace_id == entry.trace_id && last.span_id == entry.span_id) return links_count_;
  }
  links_.emplace(links_count_++, entry.trace_id, entry.span_id);
  return links_count_;
}

void LogHead::add_posting(const TraceId& id, std::uint32_t row) {
  std::uint64_t hash = hash_of(id);
  std::uint32_t ref = id_lookup_.find(hash, [&](std::uint32_t r) { return ids_[r].id == id; });
  if (ref == Lookup::kNone) {
    ref = ids_count_++;
    ids_.emplace(ref, id, 0U);
    id_lookup_.insert(hash, ref);
  }
  IdEntry& entry = ids_[ref];
  postings_.emplace(postings_count_++, row, entry.last.load(std::memory_order_relaxed));
  entry.last.store(postings_count_, std::memory_order_release);
}

void LogHead::rows_of_id(const TraceId& id, std::uint32_t limit, std::vector<std::uint32_t>& out) const {
  std::uint32_t ref = id_lookup_.find(hash_of(id), [&](std::uint32_t r) { return ids_[r].id == id; });
  if (ref == Lookup::kNone) return;
  for (std::uint32_t at = ids_[ref].last.load(std::memory_order_acquire); at != 0;) {
    const Posting& posting = postings_[at - 1];
    if (posting.row < limit) out.push_back(posting.row);
    at = posting.previous;
  }
}

void LogHead::rows_with_id_overflow(std::uint32_t limit, std::vector<std::uint32_t>& out) const {
  std::uint32_t count = overflow_.size_below(limit);
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(overflow_[i]);
}

std::size_t LogHead::memory_bytes() const {
  return arena_.bytes() + std::size_t{rows_count_} * (sizeof(Row) + 6) + links_count_ * sizeof(Link) +
         postings_count_ * sizeof(Posting) + ids_count_ * sizeof(IdEntry) + id_lookup_.bytes() +
         stream_lookup_.bytes() + stream_owners_.size() * sizeof(StreamRows);
}

std::string_view encoded_metadata(const char* metadata) {
  if (metadata == nullptr) return {};
  const char* at = metadata;
  std::size_t size = take_varint(at);
  return {at, size};
}

std::span<const Label> decode_metadata(const char* metadata, Arena& arena) {
  if (metadata == nullptr) return {};
  const char* at = encoded_metadata(metadata).data();
  auto labels = arena.allocate_array<Label>(take_varint(at));
  for (Label& l : labels) {
    l.name = take_text(at);
    l.value = take_text(at);
  }
  return labels;
}

}  // namespace weft::storage
