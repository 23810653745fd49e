#!/usr/bin/env python3
"""weft's answers against those recorded from Grafana Loki 3.7 and Grafana Tempo 3.0.

  run.py WEFT_BINARY             # fails when a case of passing.txt fails: what passed once must go on passing
  run.py WEFT_BINARY --update    # adds the cases that pass now to passing.txt
  run.py WEFT_BINARY -v [--group logql.json]

Starts a server on free ports, loads the data set, asks every case, stops the server, starts it again on what it
stored, and asks once more: the answers after a restart must be the same.
"""
import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import conformance  # noqa: E402
from weft_process import Weft  # noqa: E402

CASES = [os.path.join(HERE, "cases-traceql.jsonl"), os.path.join(HERE, "cases-logql.jsonl")]
PASSING = os.path.join(HERE, "passing.txt")


def ask(server, case):
    """"" when the answer agrees, else why not."""
    try:
        status, raw = conformance.request(f"http://127.0.0.1:{server.http}", case["path"], case.get("headers"))
        if status != case["status"]:
            return f"status {case['status']} expected, {status} came: {raw[:300]!r}"
        if status < 300:
            got = json.loads(json.dumps(conformance.normalise(case["kind"], raw)))
            if not conformance.same(case["body"], got):
                return conformance.first_difference(case["body"], got)
        return ""
    except Exception as e:  # a refused connection or a broken answer fails the case, not the run
        return f"{type(e).__name__}: {e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--group", default="")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()

    cases = [json.loads(line) for name in CASES for line in open(name, encoding="utf-8")]
    cases = [c for c in cases if c["group"].startswith(args.group)]
    must = {line.split()[0] for line in open(PASSING)} if os.path.exists(PASSING) else set()
    failures = {}  # id -> why, of either round
    with tempfile.TemporaryDirectory() as scratch:
        dataset = os.path.join(scratch, "dataset")
        subprocess.run([sys.executable, os.path.join(HERE, "make_dataset.py"), dataset], check=True)
        # The data set has a fixed date, which lies further back with every day.
        server = Weft(args.binary, os.path.join(scratch, "store"), os.path.join(scratch, "weft.log"),
                      ["--limits.reject-old-samples=false", "--retention.traces=0s"])
        for round_name in ("fresh", "restarted"):
            server.start()
            try:
                server.wait_ready()
                if round_name == "fresh":
                    with contextlib.redirect_stdout(io.StringIO()):
                        conformance.load(argparse.Namespace(dataset=dataset, otlp=f"http://127.0.0.1:{server.otlp_http}",
                                                            loki=f"http://127.0.0.1:{server.http}"))
                for case in cases:
                    if why := ask(server, case):
                        failures.setdefault(case["id"], f"[{round_name}] {why}")
            finally:
                status = server.stop()
            if status != 0:
                print(f"weft ended with status {status}:\n{server.log_end()}")
                return 1

    groups = {}
    for case in cases:
        groups.setdefault(case["group"], [0, 0])[case["id"] in failures] += 1
        if case["id"] in failures and (args.verbose or case["id"] in must):
            print(f"FAIL {case['id']} [{case['group']}] {case.get('query') or case['path']}\n     {failures[case['id']]}")
    for group, (good, bad) in sorted(groups.items()):
        print(f"{group:28} {good:4}/{good + bad}")
    passed = [c for c in cases if c["id"] not in failures]
    lost = [c for c in cases if c["id"] in failures and c["id"] in must]
    new = [c for c in passed if c["id"] not in must]
    print(f"{len(passed)} of {len(cases)} cases agree with the peers; {len(must)} are required, {len(lost)} of them fail")
    if new:
        print(f"{len(new)} cases pass that passing.txt does not name yet" + ("" if args.update else "; --update adds them"))
    if args.update:
        keep = must | {c["id"] for c in passed}
        with open(PASSING, "w") as f:
            for case in sorted(cases, key=lambda c: (c["group"], c["id"])):
                if case["id"] in keep:
                    f.write(f"{case['id']} {case['group']}\n")
    return 1 if lost and not args.update else 0


if __name__ == "__main__":
    sys.exit(main())
