#include "text/pattern.h"

#include <algorithm>

namespace weft::text {
namespace {

bool is_name_start(char c) {
  return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}
bool is_name(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

Error invalid(std::string message) {
  return Error(Code::invalid_argument, std::move(message));
}

// The length of `<name>` at `at`; 0 when it is none.
std::size_t capture_length(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  if (text[at] != '<' || end >= text.size() || !is_name_start(text[end])) return 0;
  while (end < text.size() && is_name(text[end])) ++end;
  return end < text.size() && text[end] == '>' ? end + 1 - at : 0;
}

}  // namespace

Result<Pattern> Pattern::split(std::string_view text) {
  Pattern out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = capture_length(text, at);
    if (length == 0) {
      if (out.parts_.empty() || !out.parts_.back().is_literal()) out.parts_.emplace_back();
      out.parts_.back().literal += text[at++];
      continue;
    }
    std::string name(text.substr(at + 1, length - 2));
    if (!out.parts_.empty() && !out.parts_.back().is_literal()) {
      int before = out.parts_.back().capture;
      std::string other = before < 0 ? "_" : out.names_[static_cast<std::size_t>(before)];
      return invalid("found consecutive capture '<" + other + "><" + name + ">': invalid expression");
    }
    Part part;
    if (name != "_") {
      if (std::find(out.names_.begin(), out.names_.end(), name) != out.names_.end())
        return invalid("duplicate capture name (" + name + "): invalid expression");
      part.capture = static_cast<int>(out.names_.size());
      out.names_.push_back(std::move(name));
    }
    out.parts_.push_back(std::move(part));
    at += length;
  }
  return out;
}

Result<Pattern> Pattern::parse(std::string_view text) {
  Pattern out = TRY(split(text));
  if (out.names_.empty()) return invalid("at least one capture is required");
  return out;
}

Result<Pattern> Pattern::parse_line_filter(std::string_view text) {
  Pattern out = TRY(split(text));
  if (!out.names_.empty()) return invalid("named captures are not allowed");
  return out;
}

std::size_t Pattern::extract(std::string_view text, std::span<std::string_view> values) const {
  std::size_t found = 0, at = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].is_literal()) {
      // Behind a capture the literal has been found already; only the first one stands alone.
      if (i > 0) continue;
      if (!text.starts_with(parts_[i].literal)) return 0;
      at = parts_[i].literal.size();
      continue;
    }
    std::size_t end = text.size();
    std::size_t next = end;
    bool last = false;
    if (i + 1 < parts_.size()) {
      end = text.find(parts_[i + 1].literal, at);
      last = end == text.npos;
      if (last) end = text.size();
      next = last ? end : end + parts_[i + 1].literal.size();
    }
    if (parts_[i].capture >= 0) values[found++] = text.substr(at, end - at);
    if (last) break;  // the literal is missing: the capture before it takes the rest
    at = next;
  }
  return found;
}

bool Pattern::matches_line(std::string_view line) const {
  if (parts_.empty()) return line.empty();
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!parts_[i].is_literal()) continue;
    const std::string& literal = parts_[i].literal;
    if (i == 0) {
      if (!line.starts_with(literal)) return false;
      at = literal.size();
      if (parts_.size() == 1) return at == line.size();
      continue;
    }
    // The capture in front takes one byte or more. The last literal is at the end of the line; all
    // others are best taken at their first place.
    if (i + 1 == parts_.size()) return line.size() >= at + 1 + literal.size() && line.ends_with(literal);
    std::size_t found = line.find(literal, at + 1);
    if (found == line.npos) return false;
    at = found + literal.size();
  }
  return line.size() > at;  // the last part is a capture
}

}  // namespace weft::text
