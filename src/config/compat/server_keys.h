#pragma once

#include <string_view>

// The `server` block is the same library in both programs.

namespace weft::config::compat {

inline constexpr std::string_view kServerListener =
    "server.http_listen_address server.http_listen_port server.http_path_prefix ";

inline constexpr std::string_view kServerGrpcPort = "gRPC is answered on the HTTP port";
inline constexpr std::string_view kServerGrpcPortKeys =
    "server.grpc_listen_network server.grpc_listen_address server.grpc_listen_port "
    "server.grpc_listen_conn_limit";

inline constexpr std::string_view kServerTls = "weft does not do TLS yet; put a proxy in front";
inline constexpr std::string_view kServerTlsKeys =
    "server.http_tls_config.** server.grpc_tls_config.** server.tls_cipher_suites server.tls_min_version "
    "server.proxy_protocol_enabled server.cluster_validation.**";

inline constexpr std::string_view kServerOwnBounds = "weft bounds requests by its own http.* settings";
inline constexpr std::string_view kServerOwnBoundsKeys =
    "server.http_server_read_timeout server.http_server_read_header_timeout server.http_server_write_timeout "
    "server.http_listen_network server.grpc_server_*";

inline constexpr std::string_view kServerLogs = "weft's own log has no such option";
inline constexpr std::string_view kServerLogsKeys =
    "server.log_source_ips_* server.log_request_* server.trace_request_* server.register_instrumentation "
    "server.report_grpc_codes_in_instrumentation_label_enabled server.enable_channelz "
    "server.metrics_namespace "
    "server.http_log_closed_connections_without_response_enabled server.external_url "
    "server.profiling_enabled "
    "server.throughput.**";

}  // namespace weft::config::compat
