#!/usr/bin/env python3
"""The way from a trace to its logs and back, with real parts: a weft server that runs with Tempo's and
Loki's configuration files, an instrumented Go service that exports OTLP/gRPC, its JSON logs pushed to
the Loki API, and validation scripts.

  tests/seed/run.py build/release/weft

Configurations and the validation script of the setup guide that weft follows are taken verbatim from
../shared/seed beside the repository where that exists; tests/seed has equivalents. Paths and ports are
overridden by flags, and host names of the cluster are mapped by a proxy.

Exit status: 0 passed or skipped (it says why), 1 failed.
"""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
from host_map import HostMap  # noqa: E402
from weft_process import Weft  # noqa: E402

EXAMPLE = HERE.parent.parent / "examples" / "payment-service"
GUIDE = HERE.parent.parent.parent / "shared" / "seed"


def guide_folder():
    """Where the guide's files are, or None. A linked working tree asks its main one."""
    candidates = [GUIDE]
    asked = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--path-format=absolute", "--git-common-dir"], capture_output=True, text=True)
    if asked.returncode == 0:
        candidates.append(pathlib.Path(asked.stdout.strip()).parent.parent / "shared" / "seed")
    return next((c for c in candidates if (c / "tempo.yaml").is_file()), None)


def say(text):
    print(text, flush=True)


def wait_for_file(path, seconds, process):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.is_file() and path.read_text().strip():
            return path.read_text().strip()
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"{path.name} was not written; the service's status is {process.poll()}")


def build_service(work):
    """The service's binary, or None and the reason."""
    if shutil.which("go") is None:
        return None, "Go is missing"
    binary = work / "payment-service"
    built = subprocess.run(["go", "build", "-o", str(binary), "."], cwd=EXAMPLE, capture_output=True, text=True,
                           env=dict(os.environ, GOFLAGS="-mod=mod", GOTOOLCHAIN="local"))
    if built.returncode != 0:
        offline = any(word in built.stderr for word in ("dial tcp", "no such host", "i/o timeout", "module lookup disabled"))
        if offline:
            return None, "Go's modules cannot be downloaded here: " + built.stderr.strip().splitlines()[-1]
        raise RuntimeError("go build failed:\n" + built.stderr)
    return binary, ""


def run_scripts(weft, service_port, guide):
    """Runs the validation scripts. Returns the names of those that failed."""
    failed = []
    own = [sys.executable, str(HERE / "validate.py"), "--service", f"http://127.0.0.1:{service_port}",
           "--tempo", f"http://127.0.0.1:{weft.http}", "--loki", f"http://127.0.0.1:{weft.http}"]
    say("validate.py: four charges, each followed from X-Trace-Id to trace, logs and back")
    if subprocess.run(own).returncode != 0:
        failed.append("validate.py")
    if guide is None or not (guide / "test_trace_logs_integration.py").is_file():
        return failed
    weft_address = ("127.0.0.1", weft.http)
    names = {"payment-service.production.svc.cluster.local": ("127.0.0.1", service_port),
             "tempo.observability.svc.cluster.local:3100": weft_address,
             "loki.observability.svc.cluster.local:3100": weft_address}
    environment = {k: v for k, v in os.environ.items() if k.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")}
    for stand_in in (False, True):
        if not stand_in and importlib.util.find_spec("requests") is None:
            continue
        say(f"the guide's own script, unchanged, with {'a stand-in for ' if stand_in else ''}the requests package")
        with HostMap(names) as proxy:
            variables = dict(environment, http_proxy=proxy.url)
            if stand_in:
                variables["PYTHONPATH"] = str(HERE / "stand_in")
            script = subprocess.run([sys.executable, str(guide / "test_trace_logs_integration.py")], env=variables)
            for method, host, path, status in proxy.requests:
                say(f"  {method} http://{host}{path} {status}")
        if script.returncode != 0:
            failed.append("the guide's script")
        if importlib.util.find_spec("requests") is None:
            break
    return failed


def run(binary, work):
    """The names of what failed; None when nothing could be run."""
    service_binary, reason = build_service(work)
    if service_binary is None:
        say(f"SKIPPED: {reason}")
        return None
    guide = guide_folder()
    configs = [(guide or HERE) / "tempo.yaml", (guide or HERE) / "loki.yaml"]
    flags = [f"-config.file={path}" for path in configs]
    weft = Weft(binary, work / "data", work / "weft.log", flags)
    say("weft serve " + " ".join(flags))
    weft.start()
    service = shipper = None
    try:
        weft.wait_ready()
        environment = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{weft.otlp_grpc}", POD_NAME="payment-service-7d9c5b-x2v4q")
        service = subprocess.Popen([str(service_binary), "-listen", "127.0.0.1:0", "-port-file", str(work / "port")],
                                   stdout=subprocess.PIPE, env=environment)
        shipper = subprocess.Popen([sys.executable, str(EXAMPLE / "ship_logs"), "--url", f"http://127.0.0.1:{weft.http}", "--wait", "0.2"],
                                   stdin=service.stdout, env=environment)
        service.stdout.close()  # the shipper has it
        port = int(wait_for_file(work / "port", 20, service))
        say(f"payment-service on port {port}, spans by OTLP/gRPC to port {weft.otlp_grpc}, logs to port {weft.http}")
        failed = run_scripts(weft, port, guide)
        service.terminate()
        if service.wait(15) != 0:
            failed.append("the service's own end")
        if shipper.wait(30) != 0:
            failed.append("ship_logs")
        if weft.stop() != 0:
            failed.append("weft's own end")
        if failed:
            say("the end of weft's log:\n" + weft.log_end())
        return failed
    finally:
        for process in (service, shipper, weft.process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_file():
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="weft-seed-") as work:
        try:
            failed = run(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(work))
        except RuntimeError as error:
            failed = [str(error)]
    if failed:
        say("FAILED: " + ", ".join(failed))
        return 1
    if failed is not None:
        say("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
