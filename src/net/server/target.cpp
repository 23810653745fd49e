#include "net/server/target.h"

namespace weft::net {
namespace {

void append_merged(std::string& out, std::string_view path) {
  for (char c : path)
    if (c != '/' || out.empty() || out.back() != '/') out += c;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (std::size_t i = 0; i < lower.size(); ++i)
    if (static_cast<char>(text[i] | 0x20) != lower[i] && text[i] != lower[i]) return false;
  return true;
}

}  // namespace

std::string normal_prefix(std::string_view prefix) {
  std::string out = "/";
  append_merged(out, prefix);
  while (!out.empty() && out.back() == '/') out.pop_back();
  return out;
}

bool split_target(std::string_view target, std::string_view prefix, Target& out) {
  bool absolute = false;
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_ignoring_case(target, scheme)) continue;
    std::size_t end = target.find_first_of("/?", scheme.size());
    target = end == std::string_view::npos ? std::string_view("/") : target.substr(end);
    absolute = true;
    break;
  }
  std::size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  out.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  if (path == "*") {
    out.path = "*";
    return true;
  }
  if (path.empty() && absolute) path = "/";  // http://host?x=1
  if (path.empty() || path[0] != '/') return false;
  out.path.clear();
  append_merged(out.path, path);
  if (out.path.size() > 1 && out.path.back() == '/') out.path.pop_back();
  if (!prefix.empty() && out.path.starts_with(prefix)) {
    if (out.path.size() == prefix.size()) {
      out.path = "/";
    } else if (out.path[prefix.size()] == '/') {
      out.path.erase(0, prefix.size());
    }
  }
  return true;
}

}  // namespace weft::net
