#!/usr/bin/env python3
"""What the program itself promises on the command line: help, exit statuses, the peers' names, ports, signals.

  tests/commands/run.py build/release/weft

Exit status: 0 all of it held, 1 something did not.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from weft_process import Weft  # noqa: E402

SEED = HERE.parent / "seed"


def run(*command, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def check(condition, what):
    if not condition:
        raise AssertionError(what)
    print("ok", what, flush=True)


def help_and_usage(weft):
    status, out, _ = run(weft, "help")
    check(status == 0 and "weft serve" in out, "help lists the commands")
    status, _, err = run(weft)
    check(status == 2 and "weft serve" in err, "no command: help, exit 2")
    status, _, err = run(weft, "nosuch")
    check(status == 2 and "nosuch" in err, "an unknown command is named, exit 2")
    for command in ("serve", "demo", "query", "trace", "tail", "bench", "check-config"):
        status, out, err = run(weft, command, "--help")
        check(status == 0 and f"weft {command}" in out, f"weft {command} --help teaches")
    status, out, _ = run(weft, "version")
    check(status == 0 and out.startswith("weft "), "version")


def configuration(weft, scratch):
    for name in ("tempo", "loki"):
        link = scratch / name
        link.symlink_to(weft)
        status, _, err = run(link, f"-config.file={SEED / name}.yaml", "-config.verify")
        check(status == 0, f"started under the name {name} it takes {name}.yaml")
    status, _, err = run(weft, "serve", f"-config.file={SEED / 'tempo.yaml'}", f"-config.file={SEED / 'loki.yaml'}", "-print-config-stderr", "-config.verify")
    check(status == 0 and "48h" in err, "both files together are obeyed: traces are kept 48h")
    wrong = scratch / "wrong.yaml"
    wrong.write_text("auth_enabled: false\nlimits_config:\n  reject_old_sample: true\nschema_config: {}\n")
    status, _, err = run(weft, "serve", f"-config.file={wrong}", "-config.verify")
    check(status == 1 and "wrong.yaml:3" in err and "reject_old_samples" in err, "an unknown key is named with file, line and the nearest known one")
    expanded = scratch / "weft.yaml"
    expanded.write_text("http:\n  port: ${WEFT_TEST_PORT:3777}\n")
    for env, port in (({}, "3777"), ({"WEFT_TEST_PORT": "3778"}, "3778")):
        status, _, err = run(weft, "serve", f"-config.file={expanded}", "-print-config-stderr", "-config.verify", env=env)
        check(status == 0 and f"port: {port}" in err, f"${{VAR:default}} gives {port}")


def a_running_server(weft, scratch):
    server = Weft(weft, scratch / "data", scratch / "weft.log")
    server.start()
    try:
        server.wait_ready()
        status, _, err = run(weft, "serve", f"--http.port={server.http}", "--otlp.grpc-port=0", "--otlp.http-port=0", f"--storage.path={scratch / 'other'}")
        check(status == 1 and str(server.http) in err, "a port that is taken is named")
        status, _, err = run(weft, "serve", "--http.port=0", "--otlp.grpc-port=0", "--otlp.http-port=0", f"--storage.path={scratch / 'data'}")
        check(status == 1 and str(scratch / "data") in err, "storage that another weft has is named")
        status, body = server.get("/metrics")
        check(status == 200 and b"process_cpu_seconds_total" in body and b"weft_wal_frames_total" in body, "/metrics")
        status, body = server.get("/config")
        check(status == 200 and b"storage:" in body, "/config")
        status, body = server.get("//loki//api/v1/labels/")
        check(status == 200, "doubled slashes and a slash at the end are tolerated")
    finally:
        ended = server.stop()
    check(ended == 0, "SIGTERM ends it cleanly, in time")


def main():
    weft = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="weft-commands-") as scratch:
        try:
            help_and_usage(weft)
            configuration(weft, pathlib.Path(scratch))
            a_running_server(weft, pathlib.Path(scratch))
        except AssertionError as failed:
            print("FAILED", failed)
            return 1
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
