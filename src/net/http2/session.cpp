#include "net/http2/session.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "net/server/target.h"

namespace weft::net::http2 {
namespace {

// Uploads of a few MB run at full speed over any path; with it one connection of many streams has
// at most this much in flight, on top of the budget for whole bodies.
constexpr std::uint32_t kStreamWindowBytes = 4u << 20;
constexpr std::int32_t kConnectionWindowBytes = 16 << 20;
// Frames are made while less than this waits for the socket.
constexpr std::size_t kOutputBytesMax = 256 * 1024;
// Rapid reset (CVE-2023-44487): resets allowed at once, and refilled per second.
constexpr std::uint64_t kResetBurst = 1000;
constexpr std::uint64_t kResetsPerSecond = 33;
constexpr std::size_t kHeadersMax = 256;

nghttp2_nv header_field(std::string_view name, std::string_view value) {
  // nghttp2 copies both; its interface is not const.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Calls `f`; what it throws must not pass through C.
template <class F>
int guarded(F f) noexcept {
  try {
    f();
    return 0;
  } catch (const std::exception&) {  // no memory: the connection ends
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

}  // namespace

struct Http2Session::Stream {
  std::int32_t id = 0;
  Request request;
  std::string target;
  std::size_t header_bytes = 0;
  std::int64_t begun_ns = 0;
  bool refused = false;   // answered before the request was whole; its rest is dropped
  bool received = false;  // the request is whole
  std::size_t charged = 0;
  Refusal refusal{};
  int refusal_status = 0;  // to be answered at the end of the headers

  AnswerPtr answer;
  std::deque<std::string> body;  // what waits to be sent
  std::size_t offset = 0;        // into body.front()
  std::size_t waiting = 0;       // bytes of body
  std::int64_t progress_ns = 0;  // when some of them last went out, or began to wait
  bool ended = false;
  bool waits_for_data = false;  // nghttp2 has deferred the stream
  Headers trailers;

  void push(std::string&& bytes, std::int64_t now) {
    if (waiting == 0) progress_ns = now;
    waiting += bytes.size();
    body.push_back(std::move(bytes));
  }

  void add_trailers(Headers&& more) {
    for (auto& [name, value] : more)
      if (is_sendable(name, value)) trailers.emplace_back(lower_case(name), std::move(value));
  }
};

struct Http2Session::Callbacks {
  static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }

  static bool is_request(const nghttp2_frame& frame) {
    return frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (!is_request(*frame)) return 0;
    return guarded([&] { self(user).open(frame->hd.stream_id); });
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                    void* user) {
    Stream* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr || !is_request(*frame)) return 0;  // trailers are dropped
    return guarded([&] { self(user).take_header(*stream, view(name, name_size), view(value, value_size)); });
  }

  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
    Stream* stream = self(user).find(id);
    if (stream == nullptr) return 0;
    return guarded([&] { self(user).take_data(*stream, view(bytes, size)); });
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = self(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    return guarded([&] {
      if (stream->refusal_status != 0 && !stream->refused)
        self(user).refuse(*stream, stream->refusal_status, stream->refusal, "request headers are too large");
      if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) self(user).take_end(*stream);
    });
  }

  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return ends ? guarded([&] { self(user).sent_end(frame->hd.stream_id); }) : 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    return guarded([&] { self(user).close(id); });
  }

  // nghttp2 asks for the next piece of an answer's body.
  static ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* buffer, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Stream* stream = self(user).find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    std::size_t copied = 0;
    stream->progress_ns = self(user).host_.now_ns();
    while (copied < size && stream->waiting > 0) {
      std::string& front = stream->body.front();
      std::size_t n = std::min(size - copied, front.size() - stream->offset);
      std::memcpy(buffer + copied, front.data() + stream->offset, n);
      copied += n;
      stream->offset += n;
      stream->waiting -= n;
      if (stream->offset == front.size()) {
        stream->body.pop_front();
        stream->offset = 0;
      }
    }
    if (stream->waiting > 0) return static_cast<ssize_t>(copied);
    if (!stream->ended) {
      if (copied > 0) return static_cast<ssize_t>(copied);
      stream->waits_for_data = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!stream->trailers.empty()) {
      int failed = guarded([&] {
        std::vector<nghttp2_nv> fields;
        for (const auto& [name, value] : stream->trailers) fields.push_back(header_field(name, value));
        if (::nghttp2_submit_trailer(session, id, fields.data(), fields.size()) == 0)
          *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      });
      if (failed != 0) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return static_cast<ssize_t>(copied);
  }
};

Http2Session::Http2Session(Host& host, const ServerOptions& options, const std::string& prefix)
    : host_(host), options_(options), prefix_(prefix), since_ns_(host.now_ns()) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  CHECK(::nghttp2_session_callbacks_new(&callbacks) == 0);
  CHECK(::nghttp2_option_new(&option) == 0);
  ::nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
  ::nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data);
  ::nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame_received);
  ::nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::frame_sent);
  ::nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::stream_closed);
  ::nghttp2_option_set_stream_reset_rate_limit(option, kResetBurst, kResetsPerSecond);
  ::nghttp2_option_set_no_closed_streams(option, 1);
  int made = ::nghttp2_session_server_new2(&session_, callbacks, this, option);
  ::nghttp2_session_callbacks_del(callbacks);
  ::nghttp2_option_del(option);
  CHECK(made == 0);

  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<std::uint32_t>(options.http2_streams_max)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options.header_bytes_max)},
  };
  CHECK(::nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
  CHECK(::nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes) == 0);
}

Http2Session::~Http2Session() {
  lost();
  ::nghttp2_session_del(session_);
}

Http2Session::Stream* Http2Session::find(std::int32_t id) const {
  auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

void Http2Session::input(std::string_view bytes) {
  if (over_) return;
  ssize_t taken =
      ::nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {  // not HTTP/2 at all, or a flood; a violation of the protocol has queued its GOAWAY
    host_.count(Refusal::malformed);
    over_ = true;
    produce();
    host_.finish();
    return;
  }
  close_when_over();
}

// A client that has closed its half waits for answers at most as long as they take to begin.
void Http2Session::end_of_input() {
  for (auto& [id, stream] : streams_)
    if (stream->answer) stream->answer->gone = true;
  over_ = true;
  host_.finish();
}

void Http2Session::close_when_over() {
  if (over_) return;
  bool done = stopping_ && streams_.empty();
  if (!done && (::nghttp2_session_want_read(session_) != 0 || ::nghttp2_session_want_write(session_) != 0))
    return;
  over_ = true;
  host_.finish();
}

void Http2Session::produce() {
  while (host_.output().size() < kOutputBytesMax) {
    const std::uint8_t* bytes = nullptr;
    ssize_t n = ::nghttp2_session_mem_send(session_, &bytes);
    if (n < 0) return host_.abort();
    if (n == 0) break;
    host_.output().append(view(bytes, static_cast<std::size_t>(n)));
  }
  close_when_over();
}

void Http2Session::open(std::int32_t id) {
  auto stream = std::make_unique<Stream>();
  stream->id = id;
  stream->begun_ns = host_.now_ns();
  stream->request.http2 = true;
  streams_[id] = std::move(stream);
}

void Http2Session::take_header(Stream& stream, std::string_view name, std::string_view value) {
  if (stream.refusal_status != 0) return;
  constexpr std::size_t kEntryOverhead = 32;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts
  stream.header_bytes += name.size() + value.size() + kEntryOverhead;
  if (stream.header_bytes > options_.header_bytes_max || stream.request.headers.size() >= kHeadersMax) {
    stream.refusal_status = 431;
    stream.refusal = Refusal::headers;
    return;
  }
  if (name == ":method") {
    stream.request.method = value;
  } else if (name == ":path") {
    stream.target = value;
  } else if (name == ":authority") {
    stream.request.headers.emplace_back("host", value);
  } else if (!name.starts_with(':')) {
    stream.request.headers.emplace_back(name, value);
  }
}

void Http2Session::take_data(Stream& stream, std::string_view bytes) {
  if (stream.refused || stream.received) return;
  if (bytes.size() > options_.body_bytes_max - stream.request.body.size())
    return refuse(stream, 413, Refusal::body, "request body is too large");
  if (!host_.charge(bytes.size()))
    return refuse(stream, 503, Refusal::memory, "too many request bodies at once; try again later");
  stream.charged += bytes.size();
  stream.request.body += bytes;
}

void Http2Session::take_end(Stream& stream) {
  if (stream.received) return;
  stream.received = true;
  if (stream.refused) return;
  Target target;
  if (!split_target(stream.target, prefix_, target))
    return refuse(stream, 400, Refusal::malformed, "malformed request target");
  Request& request = stream.request;
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  auto answer = std::make_shared<Answer>();
  answer->head = request.method == "HEAD";
  answer->stream = stream.id;
  answer->grpc = request.header("content-type").starts_with("application/grpc");
  stream.answer = answer;
  std::size_t charged = std::exchange(stream.charged, 0);
  if (host_.dispatch(std::move(request), answer, charged)) return;
  stream.charged = charged;
  refuse(stream, 503, Refusal::queue, "too many requests wait; try again later");
}

// Answers at once; what is still to come of the request is dropped.
void Http2Session::refuse(Stream& stream, int status, Refusal reason, std::string_view text) {
  host_.count(reason);
  stream.refused = true;
  if (stream.charged > 0) host_.release(std::exchange(stream.charged, 0));
  bool grpc = stream.request.header("content-type").starts_with("application/grpc") ||
              (stream.answer && stream.answer->grpc);
  bool head = stream.request.method == "HEAD";
  stream.request = {};
  stream.answer = std::make_shared<Answer>();
  stream.answer->settled = true;  // there is no Responder
  stream.answer->grpc = grpc;
  stream.answer->head = head;
  stream.answer->stream = stream.id;
  send(*stream.answer, plain_response(status, text, grpc));
}

void Http2Session::close(std::int32_t id) {
  auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Stream& stream = *found->second;
  if (stream.charged > 0) host_.release(stream.charged);
  if (stream.answer) {
    if (!stream.ended) stream.answer->gone = true;
    host_.settle(*stream.answer);
  }
  streams_.erase(found);
  since_ns_ = host_.now_ns();
}

// An answer is out before its request was whole: tells the client to stop sending (RFC 9113, 8.1).
void Http2Session::sent_end(std::int32_t id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->received) return;
  ::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
}

void Http2Session::lost() {
  over_ = true;
  for (auto& [id, stream] : streams_) {
    if (stream->charged > 0) host_.release(std::exchange(stream->charged, 0));
    if (!stream->answer) continue;
    stream->answer->gone = true;
    host_.settle(*stream->answer);
  }
  streams_.clear();
}

void Http2Session::stop() {
  if (stopping_ || over_) return;
  stopping_ = true;
  ::nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, ::nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
}

bool Http2Session::idle() const {
  return streams_.empty();
}

std::int64_t Http2Session::stream_deadline_ns(const Stream& stream) const {
  // A peer that gives no window does not read.
  if (stream.waiting > 0) return stream.progress_ns + options_.idle_timeout_ns;
  if (stream.received || stream.refused) return kNever;
  double earned_s = static_cast<double>(stream.request.body.size()) /
                    static_cast<double>(std::max<std::size_t>(options_.body_bytes_per_second_min, 1));
  constexpr double kDayNs = 86'400e9;
  return stream.begun_ns + options_.header_timeout_ns +
         static_cast<std::int64_t>(std::min(earned_s * 1e9, kDayNs));
}

std::int64_t Http2Session::deadline_ns() const {
  if (over_) return kNever;
  if (streams_.empty()) return since_ns_ + options_.idle_timeout_ns;
  std::int64_t first = kNever;
  for (const auto& [id, stream] : streams_) first = std::min(first, stream_deadline_ns(*stream));
  return first;
}

void Http2Session::timeout() {
  std::int64_t now = host_.now_ns();
  if (streams_.empty()) {
    stop();
    return;
  }
  for (auto& [id, stream] : streams_) {
    if (stream_deadline_ns(*stream) > now) continue;
    if (!stream->answer) {
      refuse(*stream, 408, Refusal::slow, "the request came too slowly");
      continue;
    }
    host_.count(Refusal::slow);
    stream->progress_ns = now;  // once is enough
    ::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
}

void Http2Session::submit(Stream& stream, int status, const Headers& headers, bool with_length,
                          std::size_t length) {
  std::string status_text = std::to_string(status);
  std::string length_text = std::to_string(length);
  std::vector<std::string> names;
  names.reserve(headers.size());
  std::vector<nghttp2_nv> fields;
  fields.reserve(headers.size() + 3);
  fields.push_back(header_field(":status", status_text));
  fields.push_back(header_field("date", http_date()));
  for (const auto& [name, value] : headers) {
    const std::string& lower = names.emplace_back(lower_case(name));
    if (is_hop_by_hop(lower) || lower == "date" || (with_length && lower == "content-length")) continue;
    if (!is_sendable(name, value)) continue;
    fields.push_back(header_field(lower, value));
  }
  if (with_length) fields.push_back(header_field("content-length", length_text));
  bool only_headers = stream.ended && stream.waiting == 0 && stream.trailers.empty();
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::read_body;
  int failed = ::nghttp2_submit_response(session_, stream.id, fields.data(), fields.size(),
                                         only_headers ? nullptr : &provider);
  if (failed != 0)
    ::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_INTERNAL_ERROR);
}

void Http2Session::send(Answer& answer, Response&& response) {
  Stream* stream = find(answer.stream);
  if (stream == nullptr || answer.begun) return;
  answer.begun = true;
  bool has_body = status_has_body(response.status);
  std::size_t length = response.body.size();
  // A gRPC answer without body ends with its headers; a length would only be in the way.
  bool with_length = has_body && response.trailers.empty() && !(answer.grpc && length == 0);
  if (has_body && !answer.head && length > 0) {
    stream->push(std::move(response.body), host_.now_ns());
  }
  stream->ended = true;
  if (!answer.head) stream->add_trailers(std::move(response.trailers));
  submit(*stream, response.status, response.headers, with_length, length);
  host_.settle(answer);
}

void Http2Session::begin(Answer& answer, int status, const Headers& headers) {
  Stream* stream = find(answer.stream);
  if (stream == nullptr || answer.begun) return;
  answer.begun = true;
  submit(*stream, status, headers, false, 0);
}

void Http2Session::write(Answer& answer, std::string&& bytes) {
  Stream* stream = find(answer.stream);
  if (stream == nullptr || !answer.begun || answer.head || bytes.empty()) return;
  stream->push(std::move(bytes), host_.now_ns());
  if (std::exchange(stream->waits_for_data, false)) ::nghttp2_session_resume_data(session_, stream->id);
}

void Http2Session::end(Answer& answer, Headers&& trailers) {
  Stream* stream = find(answer.stream);
  if (stream == nullptr || !answer.begun) return;
  stream->add_trailers(std::move(trailers));
  stream->ended = true;
  host_.settle(answer);
  if (std::exchange(stream->waits_for_data, false)) ::nghttp2_session_resume_data(session_, stream->id);
}

void Http2Session::break_off(Answer& answer) {
  host_.settle(answer);
  answer.gone = true;
  ::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, answer.stream, NGHTTP2_INTERNAL_ERROR);
}

std::size_t Http2Session::backlog(const Answer& answer) const {
  Stream* stream = find(answer.stream);
  return stream == nullptr ? 0 : stream->waiting;
}

}  // namespace weft::net::http2
