#include "net/client.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/compress.h"
#include "net/client/socket.h"
#include "net/grpc.h"
#include "net/http2/client.h"
#include "net/websocket/client.h"

namespace weft::net {
namespace {

// An answer past this is a mistake of the peer, not data.
constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 30;
constexpr std::size_t kConnectionsMax = 64;  // of HTTP/2 that are kept

struct SlistFree {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

// What curl fills while a request is under way.
struct Incoming {
  ClientResponse response;
  bool too_big = false;
};

std::size_t on_body(char* bytes, std::size_t one, std::size_t size, void* user) {
  auto& in = *static_cast<Incoming*>(user);
  if (size > kAnswerBytesMax - in.response.body.size()) {
    in.too_big = true;
    return 0;
  }
  in.response.body.append(bytes, size);
  return one * size;
}

// Called for every header and every trailer.
std::size_t on_header(char* bytes, std::size_t one, std::size_t size, void* user) {
  auto& in = *static_cast<Incoming*>(user);
  std::string_view line(bytes, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // a new head: what came before was an interim answer
    in.response.headers.clear();
  } else if (std::size_t colon = line.find(':', 1); colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    in.response.headers.emplace_back(std::move(name), value);
  }
  return one * size;
}

Code code_of_grpc(int status) {
  switch (status) {
    case 1: return Code::cancelled;
    case 3:
    case 9:
    case 11: return Code::invalid_argument;
    case 4: return Code::deadline_exceeded;
    case 5: return Code::not_found;
    case 6: return Code::already_exists;
    case 7: return Code::permission_denied;
    case 8: return Code::resource_exhausted;
    case 10:
    case 14: return Code::unavailable;
    case 12: return Code::unimplemented;
    case 15: return Code::corrupted;
    case 16: return Code::unauthenticated;
    default: return Code::internal;
  }
}

// gRPC's table for an answer that has no status of its own.
Code code_of_http(int status) {
  switch (status) {
    case 400: return Code::internal;
    case 401: return Code::unauthenticated;
    case 403: return Code::permission_denied;
    case 404: return Code::unimplemented;
    case 429:
    case 502:
    case 503:
    case 504: return Code::unavailable;
    default: return Code::internal;
  }
}

}  // namespace

struct Client::Impl {
  CURL* curl = nullptr;
  std::map<std::string, std::unique_ptr<http2::Http2Client>> http2;  // by host and port

  Result<ClientResponse> send_http2(const ClientRequest& request);

  // The name of the peer for messages: "127.0.0.1:4317".
  static std::string place(const std::string& url) {
    std::size_t begin = url.find("://");
    begin = begin == std::string::npos ? 0 : begin + 3;
    return url.substr(begin, url.find_first_of("/?", begin) - begin);
  }
};

Result<ClientResponse> Client::Impl::send_http2(const ClientRequest& request) {
  std::int64_t deadline = steady_ns() + request.timeout_ns;
  Address address = TRY(parse_address(request.url));
  auto& connection = http2[address.place()];
  if (connection && !connection->usable()) connection = nullptr;
  if (!connection) {
    if (http2.size() > kConnectionsMax) {
      http2.clear();
      return send_http2(request);
    }
    connection = TRY(http2::Http2Client::connect(address, deadline));
  }
  auto response = connection->exchange(request, address.target, deadline);
  if (!response) connection = nullptr;  // whatever state it is in
  if (!response) return response.error();
  // gRPC compresses messages, not bodies, so this is HTTP's own encoding.
  if (std::string_view encoding = header(response->headers, "content-encoding"); !encoding.empty()) {
    Codec codec = TRY(codec_from_name(encoding, Codec::snappy_framed));
    response->body = TRY(decompress(codec, response->body, {.output_bytes_max = kAnswerBytesMax}));
  }
  return response;
}

Client::Client() : impl_(std::make_unique<Impl>()) {
  static const CURLcode global = ::curl_global_init(CURL_GLOBAL_DEFAULT);  // once a process; thread-safe here
  if (global == CURLE_OK) impl_->curl = ::curl_easy_init();
}

Client::~Client() {
  if (impl_->curl != nullptr) ::curl_easy_cleanup(impl_->curl);
}

Result<ClientResponse> Client::send(const ClientRequest& request) {
  if (request.http2 && request.url.starts_with("http://")) return impl_->send_http2(request);
  CURL* curl = impl_->curl;
  if (curl == nullptr) return Error(Code::internal, "cannot initialise libcurl");
  ::curl_easy_reset(curl);  // keeps the connections
  Incoming in;
  char why[CURL_ERROR_SIZE] = "";
  std::unique_ptr<curl_slist, SlistFree> list;
  auto add = [&](const std::string& line) {
    if (curl_slist* longer = ::curl_slist_append(list.get(), line.c_str())) {
      (void)list.release();
      list.reset(longer);
    }
  };
  for (const auto& [name, value] : request.headers) {
    if (value.find_first_of("\r\n") != std::string::npos)
      return Error(Code::invalid_argument, "value of header " + name + " has a line break");
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  add("Expect:");  // no waiting for 100-continue

  ::curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
  ::curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                     request.http2 ? long{CURL_HTTP_VERSION_2TLS} : long{CURL_HTTP_VERSION_1_1});
  ::curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");  // all that curl can undo
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ns / 1'000'000));
  ::curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
  if (request.method == "HEAD") {
    ::curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    ::curl_easy_setopt(curl, CURLOPT_POST, 1L);
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  }
  if (request.method != "HEAD") ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list.get());
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &in);
  ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &in);

  CURLcode result = ::curl_easy_perform(curl);
  if (result != CURLE_OK) {
    std::string message =
        Impl::place(request.url) + ": " + (why[0] != '\0' ? why : ::curl_easy_strerror(result));
    if (in.too_big)
      return Error(Code::resource_exhausted, Impl::place(request.url) + ": answer is over 1 GiB");
    if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL)
      return Error(Code::invalid_argument, message);
    return Error(result == CURLE_OPERATION_TIMEDOUT ? Code::deadline_exceeded : Code::unavailable, message);
  }
  long status = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  in.response.status = static_cast<int>(status);
  return std::move(in.response);
}

Result<std::string> Client::grpc(const std::string& base_url, const std::string& method,
                                 std::string_view message, const Headers& headers) {
  ClientRequest request;
  request.method = "POST";
  request.url = base_url + method;
  request.http2 = true;
  request.headers = {{"content-type", "application/grpc+proto"}, {"te", "trailers"}};
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  request.body = grpc_frame(message);

  ClientResponse response = TRY(send(request));
  std::string_view status_text = header(response.headers, "grpc-status");
  if (status_text.empty())
    return Error(code_of_http(response.status), Impl::place(base_url) + ": answer is not gRPC, HTTP status " +
                                                    std::to_string(response.status));
  if (status_text != "0") {
    int status =
        status_text.size() <= 2 && status_text.find_first_not_of("0123456789") == std::string_view::npos
            ? std::stoi(std::string(status_text))
            : 2;
    return Error(code_of_grpc(status), percent_decode(header(response.headers, "grpc-message"), false));
  }
  Request answer;  // the same framing in both directions
  answer.body = std::move(response.body);
  answer.headers = {{"grpc-encoding", std::string(header(response.headers, "grpc-encoding"))}};
  return grpc_message(answer, {.output_bytes_max = kAnswerBytesMax});
}

Result<void> Client::websocket(const std::string& url, const Headers& headers,
                               const std::function<bool(std::string_view)>& on_message) {
  return websocket::follow(url, headers, on_message);
}

}  // namespace weft::net
