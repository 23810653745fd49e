"""Starts and stops a real weft for tests that speak to it over HTTP. Standard library only."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request


class Server:
    """A `weft serve` on free ports of 127.0.0.1. Use as a context manager, or start() and stop()/kill().

    .http, .otlp_http are base URLs, .otlp_grpc is host:port. `data` is kept between start() calls, so that a
    test can kill the process and start it again on the same storage.
    """

    def __init__(self, binary, *args, data=None, log=None, env=None):
        self.binary = os.path.abspath(binary)
        self.args = list(args)
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="weft-test-")
        self.log_path = log or os.path.join(self.data, "weft.log")
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.http = self.otlp_http = self.otlp_grpc = None

    def start(self, timeout=60):
        command = [self.binary, "serve", *self.args, "--http.address=127.0.0.1", "--http.port=0", "--otlp.grpc-port=0",
                   "--otlp.http-port=0", f"--storage.path={os.path.join(self.data, 'store')}"]
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=self.env, text=True)
        log.close()
        # Ports are printed once everything listens; reading them is the synchronisation.
        watchdog = threading.Timer(timeout, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                found = re.match(r"\s*(http|otlp http|otlp grpc)\s+(?:http://)?(127\.0\.0\.1:\d+)", line)
                if found and found[1] == "http" and self.http is None:
                    self.http = "http://" + found[2]
                elif found and found[1] == "otlp http":
                    self.otlp_http = "http://" + found[2]
                elif found and found[1] == "otlp grpc":
                    self.otlp_grpc = found[2]
                if line.startswith("ready"):
                    break
            else:
                raise RuntimeError(f"weft ended with {self.process.wait()} before it was ready:\n{self.log_tail()}")
        finally:
            watchdog.cancel()
        # Nobody reads the pipe from here on, and nothing more is printed to it.
        return self

    def log_tail(self, lines=30):
        with open(self.log_path, errors="replace") as f:
            return "".join(f.readlines()[-lines:])

    def request(self, path, data=None, headers=None, base=None, timeout=60):
        """(status, body bytes); an HTTP error is an answer too."""
        req = urllib.request.Request((base or self.http) + path, data=data, headers=headers or {})
        try:
            with urllib.request.urlopen(req, timeout=timeout) as f:
                return f.status, f.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    def kill(self):
        """kill -9."""
        self._end(signal.SIGKILL, 30)

    def stop(self, timeout=30):
        """SIGTERM; returns the exit status, fails when it takes longer than the 30 s that are promised."""
        return self._end(signal.SIGTERM, timeout)

    def _end(self, sig, timeout):
        if self.process is None:
            return None
        self.process.send_signal(sig)
        status = self.process.wait(timeout)
        self.process.stdout.close()
        self.process = None
        self.http = self.otlp_http = self.otlp_grpc = None
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if self.process is not None:
            if exc[0] is None:
                status = self.stop()
                assert status == 0, f"weft ended with status {status}:\n{self.log_tail()}"
            else:
                print(self.log_tail())
                self.kill()
        self.remove()

    def remove(self):
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)


def wait_until(condition, what, timeout=30.0):
    """Polls until condition() is true; fails with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"gave up waiting for {what}")
