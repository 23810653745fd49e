#include "net/http1/parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"

namespace weft::net::http1 {
namespace {

constexpr std::size_t kHeadersMax = 256;
constexpr std::size_t kChunkLineBytesMax = 256;  // a size and, at most, a short extension
constexpr std::size_t kReserveBytesMax = std::size_t{1} << 20;

consteval std::array<bool, 256> token_bytes() {
  std::array<bool, 256> out{};
  for (int c = '0'; c <= '9'; ++c) out[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) out[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) out[c] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) out[static_cast<unsigned char>(c)] = true;
  return out;
}
constexpr std::array<bool, 256> kTokenBytes = token_bytes();

bool is_token(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return kTokenBytes[static_cast<unsigned char>(c)]; });
}

// Tab, visible ASCII and bytes from 0x80 on.
bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::ranges::equal(text, lower, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

bool has_token(std::string_view value, std::string_view token) {
  while (!value.empty()) {
    std::size_t comma = value.find(',');
    if (equals_ignoring_case(trim(value.substr(0, comma)), token)) return true;
    value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
  }
  return false;
}

std::size_t RequestParser::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ < State::complete) {
    std::string_view rest = bytes.substr(used);
    if (state_ == State::body || state_ == State::chunk_data) {
      used += take_body(rest);
      continue;
    }
    std::size_t end = rest.find('\n');
    std::size_t taken = end == std::string_view::npos ? rest.size() : end + 1;
    if (!has_room_for(taken)) break;
    used += taken;
    if (end == std::string_view::npos) {
      line_ += rest;
      break;
    }
    std::string_view line = rest.substr(0, end);
    if (!line_.empty()) {
      line_ += line;
      line = line_;
    }
    if (line.empty() || line.back() != '\r') {
      fail(400, Refusal::malformed, "a line does not end in CR LF");
      break;
    }
    take_line(line.substr(0, line.size() - 1));
    line_.clear();
  }
  return used;
}

// Counts bytes of a line against the limit of the part that it belongs to.
bool RequestParser::has_room_for(std::size_t bytes) {
  switch (state_) {
    case State::chunk_size:
    case State::chunk_end:
      if (line_.size() + bytes <= kChunkLineBytesMax) return true;
      fail(400, Refusal::malformed, "chunk size line is too long");
      return false;
    case State::trailer:
      trailer_bytes_ += bytes;
      if (trailer_bytes_ <= limits_.header_bytes_max) return true;
      break;
    default:
      head_bytes_ += bytes;
      if (head_bytes_ <= limits_.header_bytes_max) return true;
      break;
  }
  fail(431, Refusal::headers, "request headers are too large");
  return false;
}

void RequestParser::take_line(std::string_view line) {
  switch (state_) {
    case State::request_line:
      if (!line.empty()) take_request_line(line);  // an empty line before a request is tolerated
      return;
    case State::header:
      if (line.empty()) return take_head_end();
      return take_header(line);
    case State::chunk_size: return take_chunk_size(line);
    case State::chunk_end:
      if (!line.empty()) return fail(400, Refusal::malformed, "chunk is longer than its size");
      state_ = State::chunk_size;
      return;
    case State::trailer:
      if (line.empty()) {
        state_ = State::complete;
      } else if (std::size_t colon = line.find(':'); colon == std::string_view::npos ||
                                                     !is_token(line.substr(0, colon)) ||
                                                     !is_field_value(line)) {
        fail(400, Refusal::malformed, "malformed trailer");
      }
      return;  // trailers of a request are read and dropped
    default: CHECK(false);
  }
}

void RequestParser::take_request_line(std::string_view line) {
  std::size_t first = line.find(' ');
  std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return fail(400, Refusal::malformed, "malformed request line");
  std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return fail(400, Refusal::malformed, "malformed method");
  bool clean =
      std::ranges::all_of(target, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
  if (target.empty() || !clean) return fail(400, Refusal::malformed, "malformed request target");
  if (version == "HTTP/1.0") {
    http10_ = true;
    keep_alive_ = false;
  } else if (version != "HTTP/1.1") {
    bool other = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.';
    return other ? fail(505, Refusal::malformed, "only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here")
                 : fail(400, Refusal::malformed, "malformed HTTP version");
  }
  request_.method = method;
  target_ = target;
  state_ = State::header;
}

void RequestParser::take_header(std::string_view line) {
  std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return fail(400, Refusal::malformed, "malformed header name");
  std::string name = lower_case(line.substr(0, colon));
  std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return fail(400, Refusal::malformed, "malformed header value");
  if (request_.headers.size() >= kHeadersMax) return fail(431, Refusal::headers, "too many request headers");

  if (name == "content-length") {
    bool digits = !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    auto length = digits ? parse_number(value, 10) : std::nullopt;
    if (!length) return fail(400, Refusal::malformed, "malformed content-length");
    if (content_length_ && *content_length_ != *length)
      return fail(400, Refusal::malformed, "two different content-lengths");
    content_length_ = length;
  } else if (name == "transfer-encoding") {
    if (chunked_) return fail(400, Refusal::malformed, "two transfer-encodings");
    if (!equals_ignoring_case(value, "chunked"))
      return fail(501, Refusal::malformed, "the only transfer-encoding known here is chunked");
    chunked_ = true;
  } else if (name == "host") {
    if (has_host_) return fail(400, Refusal::malformed, "two host headers");
    has_host_ = true;
  } else if (name == "connection") {
    if (has_token(value, "close")) keep_alive_ = false;
    if (http10_ && has_token(value, "keep-alive")) keep_alive_ = true;
  } else if (name == "expect") {
    if (!equals_ignoring_case(value, "100-continue"))
      return fail(417, Refusal::malformed, "the only expectation known here is 100-continue");
    expects_continue_ = !http10_;
  }
  request_.headers.emplace_back(std::move(name), value);
}

void RequestParser::take_head_end() {
  if (!has_host_ && !http10_) return fail(400, Refusal::malformed, "no host header");
  if (chunked_ && (content_length_ || http10_))
    return fail(400, Refusal::malformed, "transfer-encoding beside content-length, or in HTTP/1.0");
  if (chunked_) {
    state_ = State::chunk_size;
    return;
  }
  left_ = content_length_.value_or(0);
  if (left_ > limits_.body_bytes_max) return fail(413, Refusal::body, "request body is too large");
  if (left_ == 0) {
    state_ = State::complete;
    return;
  }
  request_.body.reserve(std::min<std::size_t>(left_, kReserveBytesMax));
  state_ = State::body;
}

void RequestParser::take_chunk_size(std::string_view line) {
  std::string_view digits = trim(line.substr(0, line.find(';')));
  auto size = digits.size() <= 16 && is_field_value(line) && !digits.starts_with('-')
                  ? parse_number(digits, 16)
                  : std::nullopt;
  if (!size || digits.data() != line.data()) return fail(400, Refusal::malformed, "malformed chunk size");
  if (*size > limits_.body_bytes_max - request_.body.size())
    return fail(413, Refusal::body, "request body is too large");
  left_ = *size;
  state_ = left_ == 0 ? State::trailer : State::chunk_data;
}

std::size_t RequestParser::take_body(std::string_view bytes) {
  std::size_t n = std::min<std::uint64_t>(bytes.size(), left_);
  request_.body.append(bytes.substr(0, n));
  left_ -= n;
  if (left_ == 0) state_ = state_ == State::body ? State::complete : State::chunk_end;
  return n;
}

Request RequestParser::take() {
  CHECK(complete());
  Request out = std::move(request_);
  Limits limits = limits_;
  *this = RequestParser(limits);
  return out;
}

void RequestParser::fail(int status, Refusal reason, std::string_view text) {
  state_ = State::failed;
  failure_ = ParseFailure{status, reason, text};
}

}  // namespace weft::net::http1
