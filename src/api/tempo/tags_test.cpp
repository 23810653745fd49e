#include "api/testing/api_fixture.h"
#include "base/protozero.h"
#include "net/grpc.h"

namespace weft::api {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

const net::Headers kProtobuf = {{"Accept", "application/protobuf"}};
const net::Headers kLlm = {{"Accept", "application/vnd.grafana.llm"}};
const std::string kMetrics = R"("metrics":{"totalJobs":1,"completedJobs":1})";

// A message as text: {1:"a" 2:{1:1}}. `nested` says which fields are messages, by path: "2", "1.2".
// Without metrics.inspectedBytes, which depends on how rows are laid out.
std::string describe(std::string_view message, const std::vector<std::string>& nested,
                     const std::string& path = "") {
  std::string out;
  pbf_reader reader(message);
  while (reader.next()) {
    std::string field = path + std::to_string(reader.tag());
    if (field == "2.1") {
      EXPECT_GT(reader.get_uint64(), 0u);
      continue;
    }
    out += (out.empty() ? "" : " ") + std::to_string(reader.tag()) + ":";
    if (reader.wire_type() == protozero::pbf_wire_type::varint) {
      out += std::to_string(reader.get_uint64());
    } else if (std::ranges::find(nested, field) != nested.end()) {
      out += describe(reader.get_view(), nested, field + ".");
    } else {
      out += "\"" + reader.get_string() + "\"";
    }
  }
  return "{" + out + "}";
}

class Tags : public Api {
 protected:
  // A body as JSON, without inspectedBytes too.
  std::string json(const std::string& path, const net::Headers& headers = {}) {
    std::string body = get(path, headers).body;
    std::string_view member = R"("inspectedBytes":")";
    if (std::size_t begin = body.find(member); begin != std::string::npos)
      body.erase(begin, body.find(',', begin) + 1 - begin);
    return body;
  }
  std::string stream(const std::string& method, const std::string& message,
                     const std::vector<std::string>& nested, const net::Headers& headers = {}) {
    auto answer = client_.grpc(base_, "/tempopb.StreamingQuerier/" + method, message, headers);
    EXPECT_TRUE(answer) << answer.error().message();
    return answer ? describe(*answer, nested) : "";
  }
};

std::string message(std::initializer_list<std::pair<std::uint32_t, std::string>> fields) {
  std::string out;
  pbf_writer w(out);
  for (const auto& [field, value] : fields) w.add_string(field, value);
  return out;
}

TEST_F(Tags, NamesInEveryForm) {
  push_span();
  std::string names = R"({"tagNames":["http.status_code","service.name"],)" + kMetrics + "}";
  EXPECT_EQ(json("/api/search/tags"), names);
  std::string binary = R"({1:"http.status_code" 1:"service.name" 2:{2:1 3:1}})";
  auto r = get("/api/search/tags", kProtobuf);
  EXPECT_EQ(net::header(r.headers, "content-type"), "application/protobuf");
  EXPECT_EQ(describe(r.body, {"2"}), binary);
  EXPECT_EQ(stream("SearchTags", "", {"2"}), binary);
  EXPECT_EQ(json("/api/search/tags", kLlm), names);  // has no form of its own

  std::string scoped = R"({1:{1:"resource" 2:"service.name"} 2:{2:1 3:1}})";
  EXPECT_EQ(json("/api/v2/search/tags?scope=resource"),
            R"({"scopes":[{"name":"resource","tags":["service.name"]}],)" + kMetrics + "}");
  EXPECT_EQ(describe(get("/api/v2/search/tags?scope=resource", kProtobuf).body, {"1", "2"}), scoped);
  EXPECT_EQ(stream("SearchTagsV2", message({{1, "resource"}}), {"1", "2"}), scoped);
}

TEST_F(Tags, ValuesInEveryForm) {
  push_span();
  EXPECT_EQ(json("/api/search/tag/service.name/values"), R"({"tagValues":["pay"],)" + kMetrics + "}");
  std::string texts = R"({1:"pay" 2:{2:1 3:1}})";
  EXPECT_EQ(describe(get("/api/search/tag/service.name/values", kProtobuf).body, {"2"}), texts);
  EXPECT_EQ(stream("SearchTagValues", message({{1, "service.name"}}), {"2"}), texts);

  std::string path = "/api/v2/search/tag/span.http.status_code/values";
  EXPECT_EQ(json(path), R"({"tagValues":[{"type":"int","value":"200"}],)" + kMetrics + "}");
  std::string typed = R"({1:{1:"int" 2:"200"} 2:{2:1 3:1}})";
  EXPECT_EQ(describe(get(path, kProtobuf).body, {"1", "2"}), typed);
  EXPECT_EQ(stream("SearchTagValuesV2", message({{1, "span.http.status_code"}}), {"1", "2"}), typed);
  EXPECT_EQ(json(path, kLlm), R"({"tagValues":{"int":["200"]},)" + kMetrics + "}");
  EXPECT_EQ(json("/api/v2/search/tag/span.nosuch/values", kLlm), R"({"tagValues":{},)" + kMetrics + "}");
}

TEST_F(Tags, AcceptNamesProtobufBeforeJsonBeforeLlm) {
  push_span();
  std::string path = "/api/v2/search/tag/name/values";
  auto type = [&](const std::string& accept) {
    return std::string(net::header(get(path, {{"Accept", accept}}).headers, "content-type"));
  };
  EXPECT_EQ(type("application/json, application/protobuf"), "application/protobuf");
  EXPECT_EQ(type("application/vnd.grafana.llm, application/json"), "application/json; charset=UTF-8");
  EXPECT_EQ(type("application/vnd.grafana.llm;q=1"), "application/vnd.grafana.llm+json");
  EXPECT_EQ(type("text/html"), "application/json; charset=UTF-8");
}

TEST_F(Tags, AQueryAndTheTimeNarrowAStream) {
  push_span();
  std::string nothing = "{2:{2:1 3:1}}";
  auto values = [&](const std::string& q) {
    return stream("SearchTagValuesV2", message({{1, "name"}, {2, q}}), {"1", "2"});
  };
  EXPECT_EQ(values("{ status = error }"), R"({1:{1:"string" 2:"charge"} 2:{2:1 3:1}})");
  EXPECT_EQ(values("{ status = ok }"), nothing);

  std::string early = message({{1, "name"}});
  pbf_writer w(early);
  w.add_uint32(4, 1000);
  w.add_uint32(5, 2000);
  EXPECT_EQ(stream("SearchTagValuesV2", early, {"1", "2"}), nothing);
}

TEST_F(Tags, WrongQuestionsOfAStream) {
  auto refused = [&](const std::string& method, const std::string& body) {
    auto answer = client_.grpc(base_, "/tempopb.StreamingQuerier/" + method, body);
    EXPECT_FALSE(answer);
    return answer ? "" : answer.error().message();
  };
  EXPECT_EQ(refused("SearchTagsV2", message({{1, "nosuch"}})), "invalid scope: nosuch");
  EXPECT_TRUE(
      refused("SearchTagValuesV2", message({{1, "{"}})).starts_with("please provide a valid tagName"));
  EXPECT_TRUE(refused("SearchTags", "\x0a\x05x").starts_with("body is no protobuf SearchTagsRequest"));
  // A field of another type than ours is somebody else's field.
  EXPECT_EQ(stream("SearchTags", std::string("\x08\x01", 2), {"2"}), "{2:{2:1 3:1}}");
}

TEST_F(Tags, LongListsComeInSeveralMessages) {
  std::string list;
  for (int i = 100'000; i < 160'000; ++i)
    list += (list.empty() ? "" : ",") + std::string(R"({"stringValue":"item-)") + std::to_string(i) + "\"}";
  push_span({}, R"(,{"key":"item","value":{"arrayValue":{"values":[)" + list + "]}}}");
  net::ClientRequest request;
  request.method = "POST";
  request.url = base_ + "/tempopb.StreamingQuerier/SearchTagValuesV2";
  request.http2 = true;
  request.headers = {{"content-type", "application/grpc"}};
  request.body = net::grpc_frame(message({{1, "span.item"}}));
  auto r = client_.send(request);
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(net::header(r->headers, "grpc-status"), "0");
  std::size_t messages = 0, values = 0;
  for (std::string_view rest = r->body; !rest.empty();) {
    ASSERT_GE(rest.size(), 5u);
    std::size_t length = 0;
    for (std::size_t i = 1; i < 5; ++i) length = length << 8 | static_cast<unsigned char>(rest[i]);
    ASSERT_LE(length, std::size_t{2} << 20);
    ASSERT_LE(length + 5, rest.size());
    pbf_reader reader(rest.substr(5, length));
    bool metrics = false;
    while (reader.next()) {
      values += reader.tag() == 1;
      metrics |= reader.tag() == 2;
      reader.skip();
    }
    EXPECT_TRUE(metrics);
    ++messages;
    rest.remove_prefix(5 + length);
  }
  EXPECT_EQ(values, 60'000u);
  EXPECT_EQ(messages, 2u);
}

TEST_F(Tags, StreamsAreOfTheirTenant) {
  start(true);
  net::Headers a = {{"x-scope-orgid", "a"}}, b = {{"x-scope-orgid", "b"}};
  push_span(a);
  std::string ask = message({{1, "service.name"}});
  EXPECT_EQ(stream("SearchTagValues", ask, {"2"}, a), R"({1:"pay" 2:{2:1 3:1}})");
  EXPECT_EQ(stream("SearchTagValues", ask, {"2"}, b), "{2:{2:1 3:1}}");
  auto nobody = client_.grpc(base_, "/tempopb.StreamingQuerier/SearchTagValues", ask);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code(), Code::unauthenticated);
}

}  // namespace
}  // namespace weft::api
