#include "ingest/ids.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "ingest/hex_runs.h"

namespace weft::ingest {
namespace {

constexpr std::size_t kNameBytesMax = 64;  // of a field's name in a line

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) {
  return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
constexpr bool is_alphanumeric(char c) {
  return is_digit(c) || is_letter(c);
}
constexpr bool is_hex(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}
constexpr bool is_name(char c) {
  return is_alphanumeric(c) || c == '_' || c == '-' || c == '.' || c == '/' || c == '@';
}

// Digits of hex at `at`, up to `limit`.
std::size_t hex_length(std::string_view text, std::size_t at, std::size_t limit) {
  std::size_t length = 0;
  while (length < limit && at + length < text.size() && is_hex(text[at + length])) ++length;
  return length;
}

bool is_hex_of(std::string_view text, std::size_t at, std::size_t length) {
  return at + length <= text.size() && hex_length(text, at, length) == length;
}

bool boundary_at(std::string_view text, std::size_t at) {
  return at >= text.size() || !is_alphanumeric(text[at]);
}
bool boundary_before(std::string_view text, std::size_t at) {
  return at == 0 || !is_alphanumeric(text[at - 1]);
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, is_digit);
}

// Sixteen hex digits as eight bytes: a digit's low four bits, and nine more if it is a letter.
__m128i hex_bytes(const char* digits) {
  __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(digits));
  __m128i letters = _mm_cmpgt_epi8(text, _mm_set1_epi8('9'));
  __m128i values =
      _mm_add_epi8(_mm_and_si128(text, _mm_set1_epi8(15)), _mm_and_si128(letters, _mm_set1_epi8(9)));
  __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi16(0x0110));  // first * 16 + second
  return _mm_packus_epi16(pairs, pairs);
}

// Up to 32 (16) hex digits, which the caller has seen; fewer are padded on the left.
TraceId trace_of(std::string_view hex) {
  char padded[32];
  if (hex.size() < 32) {
    std::memset(padded, '0', 32);
    std::memcpy(padded + 32 - hex.size(), hex.data(), hex.size());
    hex = {padded, 32};
  }
  TraceId id;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(id.bytes.data()),
                   _mm_unpacklo_epi64(hex_bytes(hex.data()), hex_bytes(hex.data() + 16)));
  return id;
}
SpanId span_of(std::string_view hex) {
  char padded[16];
  if (hex.size() < 16) {
    std::memset(padded, '0', 16);
    std::memcpy(padded + 16 - hex.size(), hex.data(), hex.size());
    hex = {padded, 16};
  }
  SpanId id;
  _mm_storel_epi64(reinterpret_cast<__m128i*>(id.bytes.data()), hex_bytes(hex.data()));
  return id;
}

// Decimal digits as a 64-bit id. False when they do not fit.
bool decimal_bytes(std::string_view digits, std::uint8_t* to) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return false;
  for (int i = 0; i < 8; ++i) to[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
  return true;
}

// The name of a field without _ - . / and in lower case.
struct NormalName {
  explicit NormalName(std::string_view name) {
    for (char c : name) {
      if (c == '_' || c == '-' || c == '.' || c == '/') continue;
      if (length == sizeof text) {
        length = 0;
        return;
      }
      text[length++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
  }
  std::string_view view() const { return {text, length}; }

  char text[25];  // the longest name of the list
  std::size_t length = 0;
};

// How the value of a field is written.
enum class Form : unsigned char { none, trace, trace_decimal, trace_jaeger, span, span_decimal };

Form form_of(std::string_view name) {
  // Enough to turn away nearly every name of a log line.
  if (name.size() < 2 || name.size() > kNameBytesMax) return Form::none;
  NormalName normal(name);
  std::string_view n = normal.view();
  switch (n.size()) {
    case 2: return n == "b3" ? Form::trace : Form::none;
    case 3: return n == "@tr" ? Form::trace : n == "@sp" ? Form::span : Form::none;
    case 6: return n == "spanid" ? Form::span : Form::none;
    case 7: return n == "traceid" ? Form::trace : n == "xspanid" ? Form::span : Form::none;
    case 8: return n == "xtraceid" ? Form::trace : n == "ddspanid" ? Form::span_decimal : Form::none;
    case 9: return n == "ddtraceid" ? Form::trace_decimal : n == "xb3spanid" ? Form::span : Form::none;
    case 10: return n == "xb3traceid" ? Form::trace : n == "otelspanid" ? Form::span : Form::none;
    case 11:
      if (n == "ubertraceid") return Form::trace_jaeger;
      return n == "oteltraceid" || n == "traceparent" || n == "xraytraceid" ? Form::trace : Form::none;
    case 12: return n == "xamzntraceid" ? Form::trace : Form::none;
    case 14: return n == "awsxraytraceid" ? Form::trace : Form::none;
    case 18: return n == "xcloudtracecontext" ? Form::trace : Form::none;
    case 25: return n == "logginggoogleapiscomtrace" ? Form::trace : Form::none;
    default: return Form::none;
  }
}

// The name of the field whose value begins at `at`: what stands before quotes, one of : and =, and
// quotes again. Sets `name_begin`. "" when there is no such thing.
std::string_view name_before(std::string_view text, std::size_t at, std::size_t& name_begin) {
  auto is_quote = [](char c) { return c == '"' || c == '\'' || c == '\\' || c == ' '; };
  while (at > 0 && is_quote(text[at - 1])) --at;
  if (at > 0 && text[at - 1] == '>') --at;  // Ruby's =>
  if (at == 0 || (text[at - 1] != ':' && text[at - 1] != '=')) return {};
  --at;
  while (at > 0 && is_quote(text[at - 1])) --at;
  std::size_t end = at;
  while (at > 0 && end - at < kNameBytesMax && is_name(text[at - 1])) --at;
  name_begin = at;
  return text.substr(at, end - at);
}

// Reads the ids of one text from the runs of hex digits in it. `name` is the name of the text as a
// whole, when it has one (structured metadata).
class TextIds {
 public:
  TextIds(std::string_view line, std::string_view name, RowIds& ids) : line_(line), name_(name), ids_(ids) {}

  void run(std::size_t begin, std::size_t end) {
    std::size_t length = end - begin;
    if (!boundary_before(line_, begin) || !boundary_at(line_, end)) {
      // Part of a longer word. A search for 32 digits within it must still find the row.
      if (length >= 32) ids_.overflow = true;
      return;
    }
    if (length > 32) {
      ids_.overflow = true;
      return;
    }
    if (length == 32) {
      TraceId id = trace_of(line_.substr(begin, 32));
      ids_.add(id);
      if (!complete()) link(begin, end);
    } else if (length == 12 && is_uuid_tail(begin)) {
      uuid(begin - 24);
    } else {
      link(begin, end);
    }
  }

  // The bracketed pair counts when no field named a trace and there was one pair only.
  void finish() {
    if (pairs_ != 1) return;
    ids_.add(pair_trace_);
    if (!ids_.trace_id.is_zero()) return;
    ids_.trace_id = pair_trace_;
    if (ids_.span_id.is_zero()) ids_.span_id = pair_span_;
  }

 private:
  bool complete() const { return !ids_.trace_id.is_zero() && !ids_.span_id.is_zero(); }

  bool is_uuid_tail(std::size_t begin) const {
    if (begin < 24 || !boundary_before(line_, begin - 24)) return false;
    std::size_t at = begin - 24;
    for (std::size_t part : {std::size_t{8}, std::size_t{4}, std::size_t{4}, std::size_t{4}}) {
      if (!is_hex_of(line_, at, part) || line_[at + part] != '-') return false;
      at += part + 1;
    }
    return true;
  }

  void uuid(std::size_t at) {
    char digits[32];
    std::size_t n = 0;
    for (char c : line_.substr(at, 36))
      if (c != '-') digits[n++] = c;
    TraceId id = trace_of({digits, n});
    ids_.add(id);
    if (form_before(at) == Form::trace) set_trace(id);
  }

  // A run that is no candidate by its shape alone: what does the name before it say?
  void link(std::size_t begin, std::size_t end) {
    std::size_t length = end - begin;
    std::size_t value = begin;
    if (length == 32 && begin >= 3 && line_[begin - 1] == '-' && is_hex_of(line_, begin - 3, 2) &&
        boundary_before(line_, begin - 3)) {
      value = begin - 3;  // traceparent's version
    } else if (length == 24 && begin >= 11 && line_[begin - 1] == '-' && line_[begin - 11] == '1' &&
               line_[begin - 10] == '-' && is_hex_of(line_, begin - 9, 8) &&
               boundary_before(line_, begin - 11)) {
      return x_ray(begin - 11, end);
    }
    switch (form_before(value)) {
      case Form::none: return pair(begin, end);
      case Form::trace:
        if (length == 16 || length == 32) trace_with_span(begin, end);
        break;
      case Form::trace_jaeger: trace_with_span(begin, end); break;
      case Form::trace_decimal: decimal_trace(begin, end); break;
      case Form::span:
        if (length == 16) set_span(line_.substr(begin, 16));
        break;
      case Form::span_decimal: decimal_span(begin, end); break;
    }
  }

  Form form_before(std::size_t value) const {
    if (value == 0) return form_of(name_);
    std::size_t begin = 0;
    std::string_view name = name_before(line_, value, begin);
    if (name.empty()) return google_path_before(value);
    if (name != "id" && name != "Id" && name != "ID") return form_of(name);
    // {"trace":{"id":"…"}}, as Elastic's schema has it when it is nested.
    while (begin > 0 && (line_[begin - 1] == '"' || line_[begin - 1] == '\\' || line_[begin - 1] == ' '))
      --begin;
    if (begin == 0 || line_[begin - 1] != '{') return Form::none;
    std::string_view outer = name_before(line_, begin - 1, begin);
    return outer == "trace" ? Form::trace : outer == "span" ? Form::span : Form::none;
  }

  // "logging.googleapis.com/trace":"projects/shop/traces/<id>"
  Form google_path_before(std::size_t value) const {
    constexpr std::string_view kFolder = "/traces/";
    if (value < kFolder.size() || line_.substr(value - kFolder.size(), kFolder.size()) != kFolder)
      return Form::none;
    std::size_t at = value;
    while (at > 0 && value - at < kNameBytesMax * 2 && is_name(line_[at - 1])) --at;
    if (at == 0) return form_of(name_);
    std::size_t begin = 0;
    std::string_view name = name_before(line_, at, begin);
    return name.empty() ? Form::none : form_of(name);
  }

  void set_trace(const TraceId& id) {
    ids_.add(id);
    if (ids_.trace_id.is_zero()) ids_.trace_id = id;
  }
  void set_span(std::string_view hex) {
    if (ids_.span_id.is_zero()) ids_.span_id = span_of(hex);
  }

  // The trace, and the span that some forms write right behind it: traceparent's and b3's
  // "-<16>", Jaeger's ":<1 to 16>:".
  void trace_with_span(std::size_t begin, std::size_t end) {
    set_trace(trace_of(line_.substr(begin, end - begin)));
    if (end >= line_.size() || (line_[end] != '-' && line_[end] != ':')) return;
    std::size_t length = hex_length(line_, end + 1, 17);
    if (line_[end] == '-' ? length == 16 && boundary_at(line_, end + 17)
                          : length >= 1 && length <= 16 && end + 1 + length < line_.size() &&
                                line_[end + 1 + length] == ':')
      set_span(line_.substr(end + 1, length));
  }

  // Root=1-<8>-<24>;Parent=<16>;Sampled=1, or the bare id. A candidate whatever its name is.
  void x_ray(std::size_t at, std::size_t end) {
    char digits[32];
    line_.copy(digits, 8, at + 2);
    line_.copy(digits + 8, 24, at + 11);
    TraceId id = trace_of({digits, 32});
    ids_.add(id);
    constexpr std::string_view kRoot = "Root=";
    constexpr std::string_view kParent = ";Parent=";
    if (at >= kRoot.size() && line_.substr(at - kRoot.size(), kRoot.size()) == kRoot) at -= kRoot.size();
    if (form_before(at) != Form::trace) return;
    set_trace(id);
    if (line_.substr(end, kParent.size()) == kParent && is_hex_of(line_, end + kParent.size(), 16))
      set_span(line_.substr(end + kParent.size(), 16));
  }

  void decimal_trace(std::size_t begin, std::size_t end) {
    std::string_view text = line_.substr(begin, end - begin);
    TraceId id;
    if (text.size() == 32) {
      id = trace_of(text);
    } else if (!all_digits(text)) {
      if (text.size() != 16) return;
      id = trace_of(text);
    } else if (!decimal_bytes(text, id.bytes.data() + 8)) {
      return;
    }
    set_trace(id);
  }

  void decimal_span(std::size_t begin, std::size_t end) {
    std::string_view text = line_.substr(begin, end - begin);
    SpanId id;
    if (!all_digits(text)) {
      if (text.size() == 16) set_span(text);
    } else if (decimal_bytes(text, id.bytes.data()) && ids_.span_id.is_zero()) {
      ids_.span_id = id;
    }
  }

  // [inventory,<trace>,<span>] and, since Spring Boot 3, [<trace>-<span>]; perhaps more behind it.
  void pair(std::size_t begin, std::size_t end) {
    std::size_t length = end - begin;
    if ((length != 32 && length != 16) || begin == 0 || end >= line_.size()) return;
    char separator = line_[end];
    if ((separator != ',' && separator != '-') || !is_hex_of(line_, end + 1, 16) || end + 17 >= line_.size())
      return;
    char after = line_[end + 17];
    if (after != ']' && after != ',') return;
    std::size_t at = begin;
    if (separator == ',' && line_[at - 1] == ',') {
      --at;  // the application's name, which may be empty
      while (at > 0 && begin - at < kNameBytesMax && (is_name(line_[at - 1]) || line_[at - 1] == ' ')) --at;
    }
    if (at == 0 || line_[at - 1] != '[') return;
    TraceId id = trace_of(line_.substr(begin, length));
    if (pairs_ == 0 || id != pair_trace_) ++pairs_;
    if (pairs_ != 1) return;
    pair_trace_ = id;
    pair_span_ = span_of(line_.substr(end + 1, 16));
  }

  std::string_view line_;
  std::string_view name_;
  RowIds& ids_;
  TraceId pair_trace_;
  SpanId pair_span_;
  int pairs_ = 0;
};

// A JSON escape that spells a hex digit hides an id from the search for runs: \u0030-39, 41-46 and
// 61-66. Other escapes (\u003c for '<' is the usual one) end a run either way.
bool has_escaped_digit(std::string_view text) {
  for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at + 1)) {
    std::string_view escape = text.substr(at + 1, 5);
    if (escape.size() < 5 || escape[0] != 'u' || escape[1] != '0' || escape[2] != '0') continue;
    char high = escape[3];
    char low = escape[4];
    if (high == '3' && is_digit(low)) return true;
    if ((high == '4' || high == '6') && low >= '1' && low <= '6') return true;
  }
  return false;
}

}  // namespace

void RowIds::add(const TraceId& id) {
  for (std::size_t i = 0; i < count; ++i)
    if (candidates[i] == id) return;
  if (count == candidates.size()) {
    overflow = true;
    return;
  }
  candidates[count++] = id;
}

IdField id_field(std::string_view name) {
  switch (form_of(name)) {
    case Form::none: return IdField::none;
    case Form::span:
    case Form::span_decimal: return IdField::span;
    default: return IdField::trace;
  }
}

void find_ids_in_metadata(std::span<const Label> metadata, RowIds& ids) {
  for (const Label& l : metadata) {
    if (l.value.size() < kHexRunMin) continue;
    TextIds found(l.value, l.name, ids);
    for_each_hex_run(l.value, [&](std::size_t begin, std::size_t end) { found.run(begin, end); });
    found.finish();
  }
}

void find_ids_in_line(std::string_view line, RowIds& ids) {
  if (line.size() < kHexRunMin) return;
  TextIds found(line, {}, ids);
  for_each_hex_run(line, [&](std::size_t begin, std::size_t end) { found.run(begin, end); });
  found.finish();
  if (!ids.overflow && has_escaped_digit(line)) ids.overflow = true;
}

}  // namespace weft::ingest
