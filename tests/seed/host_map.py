"""A forward proxy that knows a few host names: programs that are given it as http_proxy reach local
ports under the names of a Kubernetes cluster, without a changed byte."""
import http.client
import http.server
import threading
import urllib.parse


class HostMap:
    def __init__(self, targets):
        """targets: {"tempo.observability.svc.cluster.local:3100": ("127.0.0.1", 41234), ...}. A name
        without port means port 80."""
        outer = self
        self.targets, self.requests = targets, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def forward(self):
                url = urllib.parse.urlsplit(self.path)
                target = outer.targets.get(url.netloc)
                if target is None:
                    self.send_error(502, f"no such host here: {url.netloc}")
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("proxy-connection", "connection", "accept-encoding")}
                connection = http.client.HTTPConnection(*target, timeout=30)
                connection.request(self.command, url.path + ("?" + url.query if url.query else ""), body or None, headers)
                answer = connection.getresponse()
                content = answer.read()
                outer.requests.append((self.command, url.netloc, url.path, answer.status))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                connection.close()

            do_GET = do_POST = forward

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
