"""A weft server as a child process, for the tests that need a whole one. Standard library only."""
import ctypes
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.parse


def free_ports(count):
    """Ports that nobody has at this moment. All are held until the last one is found, so they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def end_with_parent():
    """For a child between fork and exec: it ends when its parent does, however that ends. Linux only."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Weft:
    """`weft serve` with its own ports. The log goes to log_path, one after the other over restarts."""

    def __init__(self, binary, storage, log_path, extra=()):
        self.binary, self.storage, self.log_path, self.extra = str(binary), str(storage), pathlib.Path(log_path), list(extra)
        self.http, self.otlp_http, self.otlp_grpc = free_ports(3)
        self.process = None

    def start(self):
        command = [self.binary, "serve", f"--http.port={self.http}", f"--otlp.http-port={self.otlp_http}",
                   f"--otlp.grpc-port={self.otlp_grpc}", f"--storage.path={self.storage}", *self.extra]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=end_with_parent if sys.platform == "linux" else None)

    def wait_ready(self, seconds=60):
        """Seconds until /ready answered 200. Raises RuntimeError with the end of the log otherwise."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            if self.process.poll() is not None:
                raise RuntimeError(f"weft ended with status {self.process.returncode}:\n{self.log_end()}")
            try:
                if self.get("/ready")[0] == 200:
                    return time.monotonic() - begin
            except OSError:
                pass
            time.sleep(0.005)
        raise RuntimeError(f"weft was not ready after {seconds} s:\n{self.log_end()}")

    def log_end(self, lines=30):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def kill(self):
        """kill -9, at once; nothing when it does not run."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=30):
        """A graceful end. Returns the exit status."""
        if self.process is None or self.process.poll() is not None:
            return None if self.process is None else self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"weft did not end within {seconds} s of SIGTERM:\n{self.log_end()}") from None

    def connection(self, port=None, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", port or self.http, timeout=timeout)

    def get(self, path, parameters=None, connection=None, accept="application/json"):
        """(status, body) of a GET. With a connection, over that one."""
        own = connection is None
        connection = connection or self.connection()
        try:
            url = path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
            connection.request("GET", url, headers={"Accept": accept})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            if own:
                connection.close()

    def get_json(self, path, parameters=None, connection=None):
        status, body = self.get(path, parameters, connection)
        if status != 200:
            raise RuntimeError(f"{path} {parameters} answered {status}: {body[:500].decode(errors='replace')}")
        return json.loads(body)


def directory_bytes(path):
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += os.path.getsize(os.path.join(folder, name))
            except OSError:  # it was removed in the meantime
                pass
    return total
