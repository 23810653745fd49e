#include "net/grpc.h"

#include <algorithm>
#include <cstdint>

namespace weft::net {
namespace {

constexpr std::size_t kPrefixBytes = 5;  // compressed flag, length in big endian

Headers answer_headers() {
  return {{"content-type", "application/grpc"},
          {"grpc-accept-encoding", "identity,gzip,deflate,zstd,snappy"}};
}

// gRPC's percent-encoding: printable ASCII but '%' stays as it is. Cut short: clients refuse
// headers of more than some KB altogether.
std::string encode_message(std::string_view text) {
  constexpr std::size_t kBytesMax = 2048;
  std::size_t end = std::min(text.size(), kBytesMax);
  while (end > 0 && end < text.size() && (static_cast<std::uint8_t>(text[end]) & 0xc0) == 0x80) --end;
  text = text.substr(0, end);
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < n ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k <= n; ++k) out += kDigits[group >> (18 - 6 * k) & 63];  // gRPC needs no padding
  }
  return out;
}

Headers error_trailers(const Error& error, std::string_view details) {
  Headers out = {{"grpc-status", std::to_string(grpc_status(error.code()))},
                 {"grpc-message", encode_message(error.message())}};
  if (!details.empty()) out.emplace_back("grpc-status-details-bin", base64(details));
  return out;
}

}  // namespace

std::string grpc_frame(std::string_view message) {
  std::string out;
  out.reserve(kPrefixBytes + message.size());
  out += '\0';  // not compressed
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(message.size() >> shift);
  out += message;
  return out;
}

int grpc_status(Code code) {
  switch (code) {
    case Code::cancelled: return 1;
    case Code::invalid_argument: return 3;
    case Code::deadline_exceeded: return 4;
    case Code::not_found: return 5;
    case Code::already_exists: return 6;
    case Code::permission_denied: return 7;
    case Code::resource_exhausted: return 8;
    case Code::unimplemented: return 12;
    case Code::internal: return 13;
    case Code::unavailable: return 14;
    case Code::corrupted: return 15;
    case Code::unauthenticated: return 16;
  }
  return 13;
}

bool is_grpc(const Request& request) {
  constexpr std::string_view kType = "application/grpc";
  std::string_view type = request.header("content-type");
  if (!request.http2 || request.method != "POST" || !type.starts_with(kType)) return false;
  type.remove_prefix(kType.size());
  return type.empty() || type.starts_with("+proto") || type.starts_with(';');
}

Result<std::string> grpc_message(const Request& request, const DecompressLimits& limits) {
  std::string_view body = request.body;
  if (body.size() < kPrefixBytes)
    return Error(Code::invalid_argument,
                 body.empty() ? "the call carries no message" : "the message is cut short");
  std::size_t length = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i) length = length << 8 | static_cast<std::uint8_t>(body[i]);
  char flag = body[0];
  body.remove_prefix(kPrefixBytes);
  if (length > body.size()) return Error(Code::invalid_argument, "the message is cut short");
  if (length < body.size()) return Error(Code::invalid_argument, "the call carries more than one message");
  if (flag != 0 && flag != 1) return Error(Code::invalid_argument, "unknown flag before the message");
  std::string_view encoding = request.header("grpc-encoding");
  Codec codec = TRY(codec_from_name(encoding, Codec::snappy_framed));
  if (flag == 0) codec = Codec::identity;
  if (flag == 1 && codec == Codec::identity)
    return Error(Code::invalid_argument, "the message is compressed, but grpc-encoding does not say how");
  return decompress(codec, body, limits);
}

void grpc_reply(const Responder& responder, std::string_view message) {
  Response response;
  response.headers = answer_headers();
  response.body = grpc_frame(message);
  response.trailers = {{"grpc-status", "0"}};
  responder.send(std::move(response));
}

void grpc_error(const Responder& responder, const Error& error, std::string_view details) {
  Response response;  // status 200: HTTP worked
  response.headers = answer_headers();
  for (auto& trailer : error_trailers(error, details)) response.headers.push_back(std::move(trailer));
  responder.send(std::move(response));
}

void GrpcStream::begin_once() {
  if (begun_) return;
  begun_ = true;
  responder_.begin(200, answer_headers());
}

bool GrpcStream::message(std::string_view bytes) {
  begin_once();
  return responder_.write(grpc_frame(bytes));
}

void GrpcStream::end() {
  begin_once();
  responder_.end({{"grpc-status", "0"}});
}

void GrpcStream::fail(const Error& error) {
  if (!begun_) return grpc_error(responder_, error);
  responder_.end(error_trailers(error, {}));
}

}  // namespace weft::net
