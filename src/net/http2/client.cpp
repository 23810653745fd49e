#include "net/http2/client.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/server/session.h"

namespace weft::net::http2 {
namespace {

constexpr std::uint32_t kWindowBytes = 16u << 20;
constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 30;
constexpr std::size_t kSendBytes = 256 * 1024;
constexpr std::size_t kHeadersMax = 1000;

}  // namespace

struct Http2Client::Callbacks {
  static Http2Client& self(void* user) { return *static_cast<Http2Client*>(user); }
  static std::string_view view(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                    void* user) noexcept {
    Stream* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr || stream->response.headers.size() >= kHeadersMax) return 0;
    if (view(name, name_size) == ":status") {
      std::string text(view(value, value_size));  // nghttp2 has checked that it is a number
      stream->response.status = std::atoi(text.c_str());
      stream->response.headers.clear();  // what came before was an interim answer
    } else {
      stream->response.headers.emplace_back(view(name, name_size), view(value, value_size));
    }
    return 0;
  }

  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* user) noexcept {
    Stream* stream = self(user).find(id);
    if (stream == nullptr) return 0;
    if (size > self(user).answer_bytes_max_ - stream->response.body.size()) {
      ::nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
      return 0;
    }
    stream->response.body += view(bytes, size);
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) noexcept {
    if (Stream* stream = self(user).find(id)) {
      stream->closed = true;
      stream->error = error;
    }
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* buffer, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) noexcept {
    Stream* stream = self(user).find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    std::size_t n = std::min(size, stream->body.size() - stream->sent);
    std::memcpy(buffer, stream->body.data() + stream->sent, n);
    stream->sent += n;
    if (stream->sent == stream->body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }
};

Http2Client::Http2Client(std::unique_ptr<ClientSocket> socket)
    : socket_(std::move(socket)), answer_bytes_max_(kAnswerBytesMax) {
  nghttp2_session_callbacks* callbacks = nullptr;
  CHECK(::nghttp2_session_callbacks_new(&callbacks) == 0);
  ::nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data);
  ::nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::stream_closed);
  int made = ::nghttp2_session_client_new(&session_, callbacks, this);
  ::nghttp2_session_callbacks_del(callbacks);
  CHECK(made == 0);
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes}};
  CHECK(::nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
  CHECK(::nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindowBytes) == 0);
}

Http2Client::~Http2Client() {
  ::nghttp2_session_del(session_);
}

Result<std::unique_ptr<Http2Client>> Http2Client::connect(const Address& address, std::int64_t deadline_ns) {
  auto socket = std::make_unique<ClientSocket>();
  TRY(socket->connect(address, deadline_ns));
  return std::unique_ptr<Http2Client>(new Http2Client(std::move(socket)));
}

Http2Client::Stream* Http2Client::find(std::int32_t id) {
  auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

Result<std::int32_t> Http2Client::submit(const ClientRequest& request, const std::string& target) {
  std::vector<std::string> names;
  names.reserve(request.headers.size());
  std::vector<nghttp2_nv> fields;
  auto add = [&](std::string_view name, std::string_view value) {
    // nghttp2 copies both; its interface is not const.
    fields.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                      value.size(), NGHTTP2_NV_FLAG_NONE});
  };
  add(":method", request.method);
  add(":scheme", "http");
  add(":authority", socket_->place());
  add(":path", target);
  for (const auto& [name, value] : request.headers) {
    const std::string& lower = names.emplace_back(lower_case(name));
    if (!is_sendable(name, value)) return Error(Code::invalid_argument, "header cannot be sent: " + name);
    if (!is_hop_by_hop(lower) && lower != "host") add(lower, value);
  }
  std::string length = std::to_string(request.body.size());
  bool has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (has_body) add("content-length", length);
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::read_body;
  std::int32_t id = ::nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                             has_body ? &provider : nullptr, nullptr);
  if (id < 0) return Error(Code::unavailable, socket_->place() + ": " + ::nghttp2_strerror(id));
  auto stream = std::make_unique<Stream>();
  stream->body = request.body;
  streams_[id] = std::move(stream);
  return id;
}

void Http2Client::reset(std::int32_t id) {
  ::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

Result<void> Http2Client::flush(std::int64_t deadline_ns) {
  for (;;) {
    std::string out;
    while (out.size() < kSendBytes) {
      const std::uint8_t* bytes = nullptr;
      ssize_t n = ::nghttp2_session_mem_send(session_, &bytes);
      if (n < 0)
        return Error(Code::unavailable, socket_->place() + ": " + ::nghttp2_strerror(static_cast<int>(n)));
      if (n == 0) break;
      out += Callbacks::view(bytes, static_cast<std::size_t>(n));
    }
    if (out.empty()) return {};
    TRY(socket_->send(out, deadline_ns));
  }
}

Result<void> Http2Client::take(std::string_view bytes) {
  ssize_t n =
      ::nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (n < 0)
    return Error(Code::unavailable,
                 socket_->place() + " does not speak HTTP/2: " + ::nghttp2_strerror(static_cast<int>(n)));
  return {};
}

Result<void> Http2Client::run_until(const std::function<bool()>& done, std::int64_t deadline_ns) {
  for (;;) {
    TRY(flush(deadline_ns));
    if (done()) return {};
    if (::nghttp2_session_want_read(session_) == 0)
      return Error(Code::unavailable, socket_->place() + ": the peer ended the connection");
    std::string_view bytes = TRY(socket_->receive(deadline_ns));
    if (bytes.empty()) return Error(Code::deadline_exceeded, socket_->place() + ": no answer in time");
    TRY(take(bytes));
  }
}

Result<ClientResponse> Http2Client::exchange(const ClientRequest& request, const std::string& target,
                                             std::int64_t deadline_ns) {
  std::int32_t id = TRY(submit(request, target));
  Stream& stream = *streams_.at(id);
  auto ran = run_until([&] { return stream.closed; }, deadline_ns);
  if (!ran && !stream.closed) {
    reset(id);
    (void)flush(steady_ns());  // a courtesy: the answer's error is already known
    forget(id);
    return ran.error();
  }
  std::uint32_t error = stream.error;
  ClientResponse response = std::move(stream.response);
  forget(id);
  // NO_ERROR after a whole answer means that the peer did not want the rest of the request.
  if (error != NGHTTP2_NO_ERROR || response.status == 0)
    return Error(Code::unavailable,
                 socket_->place() + ": the peer reset the request: " + ::nghttp2_http2_strerror(error));
  return response;
}

bool Http2Client::usable() {
  for (;;) {
    auto bytes = socket_->receive(0);
    if (!bytes || !take(bytes->empty() ? std::string_view() : *bytes)) return false;
    if (bytes->empty()) break;
  }
  return ::nghttp2_session_check_request_allowed(session_) != 0;
}

}  // namespace weft::net::http2
