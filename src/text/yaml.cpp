#include "text/yaml.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <yaml.h>

#include "base/check.h"
#include "text/json_writer.h"

namespace weft::text {
namespace {

struct Size {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  std::size_t depth = 0;
};

Size size_of(const YamlNode& node) {
  Size size{.nodes = 1, .bytes = node.value.size(), .depth = 0};
  auto add = [&](const YamlNode& child, std::size_t key_bytes) {
    Size part = size_of(child);
    size.nodes += part.nodes;
    size.bytes += part.bytes + key_bytes;
    size.depth = std::max(size.depth, part.depth + 1);
  };
  for (const YamlEntry& entry : node.entries) add(entry.node, entry.key.size());
  for (const YamlNode& item : node.items) add(item, 0);
  return size;
}

bool is_null_text(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

YamlMark mark_of(const yaml_mark_t& mark) {
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

std::string_view text_of(const yaml_char_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
std::string text_of(const yaml_char_t* bytes) {
  return bytes ? std::string(reinterpret_cast<const char*>(bytes)) : std::string();
}

// One libyaml event, freed when the next one is read.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { release(); }

  bool read(yaml_parser_t& parser) {
    release();
    owned_ = yaml_parser_parse(&parser, &event_) != 0;
    return owned_;
  }
  const yaml_event_t& operator*() const { return event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  void release() {
    if (owned_) yaml_event_delete(&event_);
    owned_ = false;
  }
  yaml_event_t event_{};
  bool owned_ = false;
};

// Builds trees from libyaml's events with a stack of its own: libyaml's own composer neither merges
// nor bounds what aliases become.
class Builder {
 public:
  Builder(std::string_view text, std::string_view file, const YamlLimits& limits)
      : file_(file), limits_(limits) {
    CHECK(yaml_parser_initialize(&parser_) != 0);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    if (!text.data()) text = "";  // libyaml takes no null pointer, not even for no bytes
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;
  ~Builder() { yaml_parser_delete(&parser_); }

  Result<std::vector<YamlNode>> documents() {
    std::vector<YamlNode> documents;
    for (;;) {
      if (!event_.read(parser_)) return syntax_error();
      YamlMark mark = mark_of(event_->start_mark);
      switch (event_->type) {
        case YAML_STREAM_END_EVENT: return documents;
        case YAML_DOCUMENT_START_EVENT:
          if (documents.size() == limits_.documents_max)
            return error(mark, fmt::format("more than {} documents in one file", limits_.documents_max));
          anchors_.clear();
          root_ = YamlNode();
          break;
        case YAML_DOCUMENT_END_EVENT: documents.push_back(std::move(root_)); break;
        case YAML_ALIAS_EVENT: TRY(alias(mark)); break;
        case YAML_SCALAR_EVENT: TRY(scalar(mark)); break;
        case YAML_SEQUENCE_START_EVENT:
          TRY(open(YamlNode::Kind::sequence, mark, text_of(event_->data.sequence_start.anchor)));
          break;
        case YAML_MAPPING_START_EVENT:
          TRY(open(YamlNode::Kind::map, mark, text_of(event_->data.mapping_start.anchor)));
          break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT: TRY(close()); break;
        default: break;
      }
    }
  }

 private:
  // A collection that is still open.
  struct Open {
    YamlNode node;
    std::string anchor;
    bool has_key = false;  // a key was read, its value is next
    std::string key;
    YamlMark key_mark;
    std::vector<YamlNode> merges;  // values of `<<`
  };

  Error error(YamlMark mark, std::string_view what) const {
    return Error(Code::invalid_argument, fmt::format("{}:{}:{}: {}", file_, mark.line, mark.column, what));
  }

  Error syntax_error() const {
    YamlMark mark = mark_of(parser_.problem_mark);
    std::string what = parser_.problem ? parser_.problem : "not YAML";
    if (parser_.error == YAML_READER_ERROR) {  // has a byte offset, no mark
      mark = mark_of(parser_.mark);
      what += fmt::format(" (byte {})", parser_.problem_offset);
    }
    if (parser_.context)
      what += fmt::format(" ({} that began in line {})", parser_.context, parser_.context_mark.line + 1);
    if (what.find("cannot start any token") != std::string::npos)
      what += "; YAML is indented with spaces, and text that begins with a sign needs quotes";
    return error(mark, what);
  }

  Result<void> count(YamlMark mark, Size size) {
    nodes_ += size.nodes;
    bytes_ += size.bytes;
    if (nodes_ > limits_.nodes_max)
      return error(mark, fmt::format("more than {} values, aliases counted", limits_.nodes_max));
    if (bytes_ > limits_.value_bytes_max)
      return error(mark,
                   fmt::format("values of more than {} bytes, aliases counted", limits_.value_bytes_max));
    if (open_.size() + size.depth > limits_.depth_max)
      return error(mark, fmt::format("nested deeper than {}", limits_.depth_max));
    return {};
  }

  Result<void> scalar(YamlMark mark) {
    const auto& data = event_->data.scalar;
    std::string_view text = text_of(data.value, data.length);
    bool quoted = data.style != YAML_PLAIN_SCALAR_STYLE;
    std::string anchor = text_of(data.anchor);
    TRY(count(mark, {.nodes = 1, .bytes = text.size(), .depth = 0}));
    if (wants_key()) {
      if (!anchor.empty()) return error(mark, "an anchor on a key is not supported");
      open_.back().key = text;
      open_.back().key_mark = mark;
      open_.back().has_key = true;
      return {};
    }
    YamlNode node;
    node.mark = mark;
    node.quoted = quoted;
    if (quoted || !is_null_text(text)) {
      node.kind = YamlNode::Kind::scalar;
      node.value = text;
    }
    return place(std::move(node), anchor);
  }

  Result<void> alias(YamlMark mark) {
    std::string name = text_of(event_->data.alias.anchor);
    auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      for (const Open& open : open_)
        if (open.anchor == name) return error(mark, fmt::format("*{} refers to what it is part of", name));
      return error(mark, fmt::format("*{} has no anchor &{} before it", name, name));
    }
    if (wants_key()) return error(mark, "an alias as a key is not supported");
    TRY(count(mark, found->second.size));
    return place(YamlNode(found->second.node), "");
  }

  Result<void> open(YamlNode::Kind kind, YamlMark mark, std::string anchor) {
    if (wants_key()) return error(mark, "a key must be a single value");
    TRY(count(mark, {.nodes = 1, .bytes = 0, .depth = 1}));
    Open open;
    open.node.kind = kind;
    open.node.mark = mark;
    open.anchor = std::move(anchor);
    open_.push_back(std::move(open));
    return {};
  }

  Result<void> close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.node.is_map()) {
      TRY(refuse_duplicates(done.node));
      TRY(merge(done));
    }
    return place(std::move(done.node), done.anchor);
  }

  bool wants_key() const { return !open_.empty() && open_.back().node.is_map() && !open_.back().has_key; }

  Result<void> place(YamlNode node, const std::string& anchor) {
    if (!anchor.empty()) {  // the copy kept for aliases counts as well: anchors nest
      Size size = size_of(node);
      TRY(count(node.mark, {.nodes = size.nodes, .bytes = size.bytes, .depth = 0}));
      anchors_.insert_or_assign(anchor, Anchor{node, size});
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return {};
    }
    Open& parent = open_.back();
    if (!parent.node.is_map()) {
      parent.node.items.push_back(std::move(node));
      return {};
    }
    parent.has_key = false;
    if (parent.key != "<<") {
      parent.node.entries.push_back({std::move(parent.key), parent.key_mark, std::move(node)});
      return {};
    }
    std::vector<YamlNode> sources;
    if (node.kind == YamlNode::Kind::sequence) {
      sources = std::move(node.items);
    } else {
      sources.push_back(std::move(node));
    }
    for (YamlNode& source : sources) {
      if (!source.is_map()) return error(parent.key_mark, "<< takes a map or a list of maps");
      parent.merges.push_back(std::move(source));
    }
    return {};
  }

  Result<void> refuse_duplicates(const YamlNode& map) const {
    std::vector<const YamlEntry*> sorted;
    sorted.reserve(map.entries.size());
    for (const YamlEntry& entry : map.entries) sorted.push_back(&entry);
    std::ranges::sort(sorted, [](const YamlEntry* a, const YamlEntry* b) {
      return std::tie(a->key, a->mark.line, a->mark.column) < std::tie(b->key, b->mark.line, b->mark.column);
    });
    auto twice = std::ranges::adjacent_find(
        sorted, [](const YamlEntry* a, const YamlEntry* b) { return a->key == b->key; });
    if (twice == sorted.end()) return {};
    return error(twice[1]->mark, fmt::format("key '{}' again: it is already in line {}; remove one of them",
                                             twice[1]->key, twice[0]->mark.line));
  }

  // A key of the map itself wins over a merged one, an earlier merged map over a later.
  static Result<void> merge(Open& map) {
    if (map.merges.empty()) return {};
    std::set<std::string> present;
    for (const YamlEntry& entry : map.node.entries) present.insert(entry.key);
    for (YamlNode& source : map.merges) {
      for (YamlEntry& entry : source.entries)
        if (present.insert(entry.key).second) map.node.entries.push_back(std::move(entry));
    }
    return {};
  }

  struct Anchor {
    YamlNode node;
    Size size;
  };

  yaml_parser_t parser_;
  Event event_;
  std::string_view file_;
  const YamlLimits& limits_;
  YamlNode root_;
  std::vector<Open> open_;
  std::map<std::string, Anchor, std::less<>> anchors_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries)
    if (entry.key == key) return &entry.node;
  return nullptr;
}

const YamlNode* YamlNode::at(std::initializer_list<std::string_view> path) const {
  const YamlNode* node = this;
  for (std::string_view key : path) {
    node = node->find(key);
    if (!node) return nullptr;
  }
  return node;
}

Result<std::vector<YamlNode>> parse_yaml_documents(std::string_view text, std::string_view file,
                                                   const YamlLimits& limits) {
  if (text.size() > limits.text_bytes_max)
    return Error(Code::resource_exhausted, fmt::format("{}: {} bytes, a YAML file may have {}", file,
                                                       text.size(), limits.text_bytes_max));
  return Builder(text, file, limits).documents();
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file, const YamlLimits& limits) {
  std::vector<YamlNode> documents = TRY(parse_yaml_documents(text, file, limits));
  if (documents.empty()) return YamlNode();
  if (documents.size() > 1) {
    YamlMark mark = documents[1].mark;
    return Error(Code::invalid_argument,
                 fmt::format("{}:{}:{}: a second document; this file may have only one", file,
                             std::max(mark.line, 1U), std::max(mark.column, 1U)));
  }
  return std::move(documents[0]);
}

std::string yaml_scalar(std::string_view text) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
  constexpr std::string_view kWords[] = {"true", "false", "yes", "no", "on", "off", "y", "n"};
  std::string lower(text);
  for (char& c : lower) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c + 32) : c;
  bool safe = !is_null_text(text) && text.find_first_not_of(kSafe) == std::string_view::npos &&
              text.front() != '-' && std::ranges::find(kWords, lower) == std::end(kWords) && lower != "null";
  if (safe) return std::string(text);
  std::string out;
  append_json_string(out, text);  // every JSON string is a YAML scalar in double quotes
  return out;
}

}  // namespace weft::text
