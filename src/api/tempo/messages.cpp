#include "api/tempo/messages.h"

#include "text/json_writer.h"
#include "wire/protobuf_reading.h"

namespace weft::api::tempo {
namespace {

using wire::pbf_reader;

class Query {
 public:
  void add(std::string_view name, std::string_view value, std::string_view unit = {}) {
    if (value.empty()) return;
    std::string& query = request_.query;
    if (!query.empty()) query += '&';
    query += std::string(name) + "=" + net::percent_encode(value) + std::string(unit);
  }
  void add(std::string_view name, std::uint32_t value, std::string_view unit = {}) {
    if (value != 0) add(name, std::to_string(value), unit);
  }
  Parameters parameters() const { return Parameters(request_); }

 private:
  net::Request request_;
};

// One entry of map<string, string> as a pair of logfmt.
std::string tag_pair(pbf_reader entry) {
  std::string key, value;
  while (entry.next()) {
    switch (entry.tag_and_type()) {
      case wire::bytes_field(1): key = entry.get_string(); break;
      case wire::bytes_field(2): value = entry.get_string(); break;
      default: entry.skip();
    }
  }
  key += '=';
  text::append_json_string(key, value);
  return key;
}

}  // namespace

Result<Parameters> search_request(std::string_view message) {
  std::string tags;
  Query query;
  TRY(wire::read_protobuf(message, "SearchRequest", [&](pbf_reader reader) {
    while (reader.next()) switch (reader.tag_and_type()) {
        case wire::bytes_field(1): tags += (tags.empty() ? "" : " ") + tag_pair(reader.get_message()); break;
        case wire::varint_field(2): query.add("minDuration", reader.get_uint32(), "ms"); break;
        case wire::varint_field(3): query.add("maxDuration", reader.get_uint32(), "ms"); break;
        case wire::varint_field(4): query.add("limit", reader.get_uint32()); break;
        case wire::varint_field(5): query.add("start", reader.get_uint32()); break;
        case wire::varint_field(6): query.add("end", reader.get_uint32()); break;
        case wire::bytes_field(8): query.add("q", reader.get_string()); break;
        case wire::varint_field(9): query.add("spss", reader.get_uint32()); break;
        default: reader.skip();
      }
  }));
  query.add("tags", tags);
  return query.parameters();
}

Result<Parameters> tags_request(std::string_view message) {
  Query query;
  TRY(wire::read_protobuf(message, "SearchTagsRequest", [&](pbf_reader reader) {
    while (reader.next()) switch (reader.tag_and_type()) {
        case wire::bytes_field(1): query.add("scope", reader.get_string()); break;
        case wire::bytes_field(2): query.add("q", reader.get_string()); break;
        case wire::varint_field(3): query.add("start", reader.get_uint32()); break;
        case wire::varint_field(4): query.add("end", reader.get_uint32()); break;
        case wire::varint_field(5): query.add("limit", reader.get_uint32()); break;
        default: reader.skip();
      }
  }));
  return query.parameters();
}

Result<Parameters> tag_values_request(std::string_view message) {
  Query query;
  TRY(wire::read_protobuf(message, "SearchTagValuesRequest", [&](pbf_reader reader) {
    while (reader.next()) switch (reader.tag_and_type()) {
        case wire::bytes_field(1): query.add("tag", reader.get_string()); break;
        case wire::bytes_field(2): query.add("q", reader.get_string()); break;
        case wire::varint_field(4): query.add("start", reader.get_uint32()); break;
        case wire::varint_field(5): query.add("end", reader.get_uint32()); break;
        case wire::varint_field(6): query.add("limit", reader.get_uint32()); break;
        default: reader.skip();
      }
  }));
  return query.parameters();
}

}  // namespace weft::api::tempo
