#include "storage/block/log_text.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weft::storage::block {
namespace {

constexpr char kTraceMark = 1;
constexpr char kSpanMark = 2;
constexpr char kOtherMark = 3;
constexpr char kEscape = 4;

bool is_mark(char c) {
  return static_cast<unsigned char>(c - 1) < 4;
}

template <std::size_t kDigits, class Id>
void put_digits(std::array<char, kDigits>& out, const Id& id) {
  static constexpr char kHex[] = "0123456789abcdef";
  static_assert(sizeof id.bytes * 2 == kDigits);
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    out[2 * i] = kHex[id.bytes[i] >> 4];
    out[2 * i + 1] = kHex[id.bytes[i] & 15];
  }
}

std::string_view view(const auto& digits) {
  return {digits.data(), digits.size()};
}

struct Hole {
  std::size_t begin;
  std::size_t size;
  char mark;
};

}  // namespace

void TextIds::set(const TraceId& trace_id, const TraceId& other_id, const SpanId& span_id) {
  has_trace = !trace_id.is_zero();
  has_other = !other_id.is_zero();
  has_span = !span_id.is_zero();
  if (has_trace) put_digits(trace, trace_id);
  if (has_other) put_digits(other, other_id);
  if (has_span) put_digits(span, span_id);
}

std::size_t TextCutter::Places::find(std::string_view text, std::string_view digits) {
  if (text.size() < digits.size()) return std::string_view::npos;
  for (std::uint32_t place : places_) {
    if (place + digits.size() <= text.size() && std::memcmp(text.data() + place, digits.data(), 8) == 0 &&
        std::memcmp(text.data() + place, digits.data(), digits.size()) == 0)
      return place;
  }
  const void* found = ::memmem(text.data(), text.size(), digits.data(), digits.size());
  if (found == nullptr) return std::string_view::npos;
  auto place = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
  places_[next_++ % places_.size()] = static_cast<std::uint32_t>(place);
  return place;
}

std::string_view TextCutter::cut(std::string_view text, const TextIds& ids, Arena& arena) {
  std::array<Hole, 3> holes{};
  std::size_t count = 0;
  auto look = [&](bool has, std::string_view digits, Places& places, char mark) {
    if (!has) return;
    std::size_t at = places.find(text, digits);
    if (at != std::string_view::npos) holes[count++] = {at, digits.size(), mark};
  };
  look(ids.has_trace, view(ids.trace), traces_, kTraceMark);
  look(ids.has_other, view(ids.other), others_, kOtherMark);
  look(ids.has_span, view(ids.span), spans_, kSpanMark);
  bool marks = has_marks(text);
  if (count == 0 && !marks) return text;

  std::sort(holes.begin(), holes.begin() + static_cast<std::ptrdiff_t>(count),
            [](const Hole& a, const Hole& b) { return a.begin < b.begin; });
  char* out = static_cast<char*>(arena.allocate(marks ? 2 * text.size() : text.size(), 1));
  char* to = out;
  std::size_t from = 0;
  auto copy_until = [&](std::size_t end) {
    if (!marks) {
      std::memcpy(to, text.data() + from, end - from);
      to += end - from;
    } else {
      for (std::size_t i = from; i < end; ++i) {
        if (is_mark(text[i])) *to++ = kEscape;
        *to++ = text[i];
      }
    }
    from = end;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (holes[i].begin < from) continue;  // they overlap: the first one wins
    copy_until(holes[i].begin);
    *to++ = holes[i].mark;
    from += holes[i].size;
  }
  copy_until(text.size());
  return {out, static_cast<std::size_t>(to - out)};
}

bool has_marks(std::string_view stored) {
  unsigned any = 0;  // no early exit: vectorised
  for (char c : stored) any |= static_cast<unsigned>(is_mark(c));
  return any != 0;
}

bool restore_text(std::string_view stored, const TextIds& ids, Arena& arena, std::string_view& out) {
  std::size_t size = 0;
  std::array<bool, 4> seen{};
  auto id = [&](bool has, std::size_t digits, char mark) {
    size += digits;
    return has && !std::exchange(seen[static_cast<std::size_t>(mark - 1)], true);
  };
  for (std::size_t i = 0; i < stored.size(); ++i) {
    bool good = true;
    switch (stored[i]) {
      case kTraceMark: good = id(ids.has_trace, ids.trace.size(), kTraceMark); break;
      case kOtherMark: good = id(ids.has_other, ids.other.size(), kOtherMark); break;
      case kSpanMark: good = id(ids.has_span, ids.span.size(), kSpanMark); break;
      case kEscape:
        good = ++i < stored.size() && is_mark(stored[i]);
        ++size;
        break;
      default: ++size;
    }
    if (!good) return false;
  }
  if (size == stored.size() && !has_marks(stored)) {
    out = stored;
    return true;
  }
  char* begin = static_cast<char*>(arena.allocate(size, 1));
  char* to = begin;
  auto put = [&](const auto& digits) {
    std::memcpy(to, digits.data(), digits.size());
    to += digits.size();
  };
  for (std::size_t i = 0; i < stored.size(); ++i) {
    switch (stored[i]) {
      case kTraceMark: put(ids.trace); break;
      case kOtherMark: put(ids.other); break;
      case kSpanMark: put(ids.span); break;
      case kEscape: ++i; [[fallthrough]];
      default: *to++ = stored[i];
    }
  }
  out = {begin, size};
  return true;
}

}  // namespace weft::storage::block
