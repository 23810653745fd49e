#!/usr/bin/env python3
"""Kills a weft server under load, again and again, and looks for every row afterwards.

  tests/crash/kill_test.py build/release/weft --rounds 100

A round: several senders push numbered log lines (Loki JSON) and spans (OTLP/JSON) at once; at a
random moment the server gets kill -9; it is started again, in some rounds killed once more while it
recovers. Then
  - every acknowledged row must be there exactly once,
  - every row that was sent and not acknowledged must be there at most once,
  - what was not acknowledged is sent again, after which every row must be there exactly once.
At the end the server is stopped gracefully, started once more, and all rounds are looked at again.

Exit status: 0 all of it held, 1 a row was lost or doubled (which ones, and where the data is, is
printed), 2 wrong usage. The seed is printed; the same seed kills at the same moments.
"""
import argparse
import base64
import collections
import http.client
import json
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from weft_process import Weft, directory_bytes  # noqa: E402

PAGE = 5000
SPANS_PER_TRACE = 5


class Batch:
    """Rows that are sent, and hence acknowledged, together."""

    def __init__(self, kind, rows, path, body):
        self.kind, self.rows, self.path, self.body, self.acknowledged = kind, rows, path, body, False


def log_batch(base_ns, round_number, sender, senders, first, count):
    """Lines first .. first + count of this sender; times are unique within a round, so pages of a
    query never end within one time."""
    rows, values = [], []
    for i in range(first, first + count):
        row = f"{round_number}-{sender}-{i}"
        rows.append(row)
        values.append([str(base_ns + (i * senders + sender) * 1000), f"row={row} level=info msg=\"crash test line\" {'x' * (i % 97)}"])
    stream = {"job": "crash", "round": str(round_number), "sender": str(sender)}
    return Batch("log", rows, "/loki/api/v1/push", json.dumps({"streams": [{"stream": stream, "values": values}]}).encode())


def trace_id(round_number, sender, number):
    return f"{0xC4A5:04x}{round_number:08x}{sender:04x}{number * 0x9E3779B97F4A7C15 % 2**64:016x}"


def span_id(round_number, sender, number, index):
    return f"{(round_number * 65599 + sender * 257 + number) % 2**48 + 1:012x}{index + 1:04x}"


def span_batch(base_ns, round_number, sender, first, count):
    rows, spans = [], []
    for number in range(first, first + count):
        for index in range(SPANS_PER_TRACE):
            rows.append((trace_id(round_number, sender, number), span_id(round_number, sender, number, index)))
            start = base_ns + number * 10_000 + index * 1000
            spans.append({"traceId": rows[-1][0], "spanId": rows[-1][1], "name": f"operation {index}", "kind": 2 if index == 0 else 1,
                          "parentSpanId": "" if index == 0 else span_id(round_number, sender, number, 0),
                          "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 900),
                          "attributes": [{"key": "round", "value": {"intValue": str(round_number)}}]})
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": f"crash-{round_number}"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "crash"}, "spans": spans}]}]}
    return Batch("span", rows, "/v1/traces", json.dumps(body).encode())


def post(connection, batch):
    connection.request("POST", batch.path, batch.body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


class Load:
    """Sends until the server is gone."""

    def __init__(self, weft, number, seed, options):
        self.weft, self.number, self.options = weft, number, options
        self.base_ns = time.time_ns()
        self.batches, self.lock, self.refusals = [], threading.Lock(), collections.Counter()
        self.over = threading.Event()
        jobs = [("log", i) for i in range(options.senders)] + [("span", i) for i in range(options.senders)]
        self.threads = [threading.Thread(target=self.send, args=(kind, i, random.Random(f"{seed}/{number}/{kind}/{i}"))) for kind, i in jobs]

    def start(self):
        for thread in self.threads:
            thread.start()

    def join(self):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def send(self, kind, sender, rng):
        port = self.weft.http if kind == "log" else self.weft.otlp_http
        connection, first = self.weft.connection(port, timeout=10), 0
        while not self.over.is_set():
            if kind == "log":
                count = rng.randint(1, 400)
                batch = log_batch(self.base_ns, self.number, sender, self.options.senders, first, count)
            else:
                count = rng.randint(1, 40)
                batch = span_batch(self.base_ns, self.number, sender, first, count)
            first += count
            with self.lock:
                self.batches.append(batch)
            try:
                status, body = post(connection, batch)
            except (OSError, http.client.HTTPException):
                break  # killed
            if status // 100 == 2:
                batch.acknowledged = True
            else:
                with self.lock:
                    self.refusals[f"{status} {body[:200].decode(errors='replace').strip()}"] += 1
                time.sleep(0.02)
        connection.close()


def stored_logs(weft, load):
    """How often each line of a round is there."""
    found, start, end = collections.Counter(), load.base_ns, load.base_ns + 600 * 10**9
    query = f'{{job="crash", round="{load.number}"}}'
    connection = weft.connection()
    while True:
        answer = weft.get_json("/loki/api/v1/query_range", {"query": query, "start": start, "end": end, "limit": PAGE,
                                                            "direction": "forward"}, connection)
        times = []
        for stream in answer["data"]["result"]:
            for value in stream["values"]:
                times.append(int(value[0]))
                found[value[1].split(" ", 1)[0].removeprefix("row=")] += 1
        if len(times) < PAGE:
            connection.close()
            return found
        # A row that is there twice shares its time with itself: begin the next page at the last
        # time, and take away what this page had of it.
        last = max(times)
        for stream in answer["data"]["result"]:
            for value in stream["values"]:
                if int(value[0]) == last:
                    found[value[1].split(" ", 1)[0].removeprefix("row=")] -= 1
        start = last


def stored_spans(weft, load):
    """How often each span of a round is there, by looking up every trace that was sent."""
    found, connection = collections.Counter(), weft.connection()
    for trace in sorted({row[0] for batch in load.batches if batch.kind == "span" for row in batch.rows}):
        status, body = weft.get("/api/traces/" + trace, connection=connection)
        if status == 404:
            continue
        if status != 200:
            raise RuntimeError(f"/api/traces/{trace} answered {status}: {body[:300]!r}")
        for resource in json.loads(body)["batches"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    found[(trace, base64.b64decode(span["spanId"]).hex())] += 1
    connection.close()
    return found


def counted_spans(weft, load):
    """The number of spans of a round as TraceQL metrics counts them, which no lookup by id has
    merged; None where the server does not count."""
    status, body = weft.get("/api/metrics/query_range", {"q": f'{{resource.service.name="crash-{load.number}"}} | count_over_time()',
                                                         "start": load.base_ns // 10**9 - 60, "end": load.base_ns // 10**9 + 600, "step": "60s"})
    if status != 200:
        return None
    return round(sum(float(sample.get("value", 0)) for series in json.loads(body).get("series", []) for sample in series.get("samples", [])))


def problems(load, found, everything):
    """What is wrong with a round, as text lines. `everything`: every row has to be there."""
    out = []
    for batch in load.batches:
        missing = [row for row in batch.rows if found[row] == 0]
        doubled = [row for row in batch.rows if found[row] > 1]
        if missing and (batch.acknowledged or everything):
            out.append(f"{batch.kind}: {len(missing)} of {len(batch.rows)} rows lost, acknowledged={batch.acknowledged}, first {missing[0]}")
        if doubled:
            out.append(f"{batch.kind}: {len(doubled)} of {len(batch.rows)} rows doubled ({found[doubled[0]]} times), "
                       f"acknowledged={batch.acknowledged}, first {doubled[0]}")
    known = {row for batch in load.batches for row in batch.rows}
    strangers = [row for row in found if found[row] > 0 and row not in known]
    if strangers:
        out.append(f"{len(strangers)} rows that were never sent, first {strangers[0]}")
    return out


def check(weft, load, everything):
    found = stored_logs(weft, load)
    found.update(stored_spans(weft, load))
    out = problems(load, found, everything)
    spans = sum(len(b.rows) for b in load.batches if b.kind == "span")
    if everything and spans:
        counted = counted_spans(weft, load)
        if counted is not None and counted != spans:
            out.append(f"span: TraceQL counts {counted}, {spans} were sent")
    return out, found


def send_again(weft, load):
    """Every batch without acknowledgement, until it has one. Returns how many there were."""
    connections = {"log": weft.connection(weft.http), "span": weft.connection(weft.otlp_http)}
    again = [b for b in load.batches if not b.acknowledged]
    for batch in again:
        for _ in range(200):
            status, body = post(connections[batch.kind], batch)
            if status // 100 == 2:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"a retry is refused for good: {status} {body[:300]!r}")
    for connection in connections.values():
        connection.close()
    return len(again)


def run(options, work):
    weft = Weft(options.weft, work / "data", work / "weft.log", options.flag)
    try:
        return run_rounds(options, work, weft)
    finally:
        weft.kill()


def run_rounds(options, work, weft):
    rng = random.Random(options.seed)
    weft.start()
    weft.wait_ready()
    loads, ready_seconds, failures, rows_total, unacknowledged = [], [], [], 0, 0
    for number in range(1, options.rounds + 1):
        load = Load(weft, number, options.seed, options)
        load.start()
        time.sleep(rng.uniform(0.02, options.seconds))
        weft.kill()
        load.join()
        loads.append(load)
        kills_while_recovering = 1 if rng.random() < 0.25 else 0
        for _ in range(kills_while_recovering):
            weft.start()
            time.sleep(rng.uniform(0.0, 0.4))
            weft.kill()
        size = directory_bytes(work / "data")
        weft.start()
        ready_seconds.append(weft.wait_ready())
        found_problems, found = check(weft, load, everything=False)
        rows = sum(len(b.rows) for b in load.batches)
        acknowledged = sum(len(b.rows) for b in load.batches if b.acknowledged)
        kept = sum(1 for b in load.batches if not b.acknowledged for row in b.rows if found[row])
        partly = sum(1 for b in load.batches if not b.acknowledged and 0 < sum(1 for row in b.rows if found[row]) < len(b.rows))
        again = send_again(weft, load)
        found_problems += ["after the retry: " + p for p in check(weft, load, everything=True)[0]]
        rows_total += rows
        unacknowledged += rows - acknowledged
        print(f"round {number}: {rows} rows sent, {acknowledged} acknowledged, {rows - acknowledged} not ({kept} of them kept"
              f"{f', {partly} batches in part' if partly else ''}), {again} batches sent again; "
              f"{size / 1e6:.1f} MB on disk, ready after {ready_seconds[-1] * 1000:.0f} ms"
              f"{', killed while recovering too' if kills_while_recovering else ''}"
              f"{f', refused: {dict(load.refusals)}' if load.refusals else ''}", flush=True)
        for problem in found_problems:
            print(f"  FAILED {problem}", flush=True)
        failures += [f"round {number}: {p}" for p in found_problems]
        if len(failures) > 20:
            break

    status = weft.stop()
    if status != 0:
        failures.append(f"graceful stop: exit status {status}")
    weft.start()
    weft.wait_ready()
    for load in loads:
        failures += [f"at the end, round {load.number}: {p}" for p in check(weft, load, everything=True)[0]]
    weft.stop()
    print(f"{len(loads)} kills, {rows_total} rows, {unacknowledged} of them unacknowledged at the kill; ready again after "
          f"{min(ready_seconds) * 1000:.0f} / {statistics.median(ready_seconds) * 1000:.0f} / {max(ready_seconds) * 1000:.0f} ms (min / median / max)")
    recovery = [line for line in weft.log_path.read_text(errors="replace").splitlines() if "recover" in line]
    for line in recovery[-3:]:
        print("  " + line)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weft", type=pathlib.Path, help="the binary")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=None, help="default: from the clock")
    parser.add_argument("--senders", type=int, default=3, help="for each of the two signals")
    parser.add_argument("--seconds", type=float, default=0.8, help="the longest time until the kill")
    parser.add_argument("--flag", action="append", default=[], help="one more flag for weft serve; may be repeated")
    options = parser.parse_args()
    if not options.weft.is_file():
        parser.error(f"{options.weft} is not a file")
    options.seed = options.seed if options.seed is not None else time.time_ns() % 10**9
    print(f"seed {options.seed}", flush=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="weft-crash-"))
    try:
        failures = run(options, work)
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        failures = [f"{type(error).__name__}: {error}"]
    if failures:
        print("\n".join(["FAILED:", *failures]) + f"\nseed {options.seed}; data and log are in {work}")
        return 1
    shutil.rmtree(work, ignore_errors=True)
    print("passed: every acknowledged row is there exactly once")
    return 0


if __name__ == "__main__":
    sys.exit(main())
