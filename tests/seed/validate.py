#!/usr/bin/env python3
"""Makes a charge and follows it: from the answer's X-Trace-Id to the trace, from the trace to its
logs, and from every log line back to a span of that trace.

  tests/seed/validate.py --service http://127.0.0.1:8080 --tempo http://127.0.0.1:3100 --loki http://127.0.0.1:3100

Standard library only. Exit status: 0 everything fits, 1 something does not (it says what).
"""
import argparse
import base64
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def http(method, url, body=None, accept="application/json"):
    """(status, headers, body)"""
    request = urllib.request.Request(url, body, {"Accept": accept, "Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Wrong(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Wrong(message)


def until(what, seconds, attempt):
    """Asks until `attempt` gives something; data arrives a moment after the request."""
    end = time.monotonic() + seconds
    while True:
        result = attempt()
        if result:
            return result
        expect(time.monotonic() < end, f"{what} did not arrive within {seconds} s")
        time.sleep(0.1)


def spans_of(options, trace_id, enough):
    """{span id in hex: span} of a trace once it has `enough` spans."""
    def attempt():
        status, _, body = http("GET", f"{options.tempo}/api/traces/{trace_id}")
        expect(status in (200, 404), f"trace lookup answered {status}: {body[:300]!r}")
        if status == 404:
            return None
        spans = {}
        for batch in json.loads(body)["batches"]:
            resource = {a["key"]: a["value"] for a in batch["resource"]["attributes"]}
            for scope in batch["scopeSpans"]:
                for span in scope["spans"]:
                    expect(base64.b64decode(span["traceId"]).hex() == trace_id, "a span of another trace")
                    spans[base64.b64decode(span["spanId"]).hex()] = dict(span, resource=resource)
        return spans if len(spans) >= enough else None
    return until(f"trace {trace_id} with {enough} spans", options.seconds, attempt)


def lines_of(options, query, enough):
    """[(labels, time, line)] of a LogQL query once there are `enough`."""
    def attempt():
        url = f"{options.loki}/loki/api/v1/query_range?" + urllib.parse.urlencode({"query": query, "limit": 100})
        status, _, body = http("GET", url)
        expect(status == 200, f"query {query} answered {status}: {body[:300]!r}")
        lines = [(stream["stream"], int(v[0]), v[1]) for stream in json.loads(body)["data"]["result"] for v in stream["values"]]
        return lines if len(lines) >= enough else None
    return until(f"{enough} lines of {query}", options.seconds, attempt)


def charge(options, body, status):
    answered, headers, text = http("POST", options.service + "/charge", json.dumps(body).encode())
    expect(answered == status, f"charge {body} answered {answered} instead of {status}: {text[:300]!r}")
    trace_id = headers.get("X-Trace-Id", "")
    expect(len(trace_id) == 32, f"X-Trace-Id is {trace_id!r}")
    return trace_id


def follow(options, what, body, status, spans, lines, errors):
    trace_id = charge(options, body, status)
    found = spans_of(options, trace_id, spans)
    expect(len(found) == spans, f"{len(found)} spans instead of {spans}")
    failed = [s for s in found.values() if s.get("status", {}).get("code") == "STATUS_CODE_ERROR"]
    expect(len(failed) == errors, f"{len(failed)} failed spans instead of {errors}")
    roots = [s for s in found.values() if not s.get("parentSpanId")]
    expect(len(roots) == 1 and roots[0]["name"] == "POST /charge", f"roots are {[s['name'] for s in roots]}")
    for span in found.values():
        expect(span["resource"]["service.name"]["stringValue"] == "payment-service", "a span of another service")
        if span.get("parentSpanId"):
            expect(base64.b64decode(span["parentSpanId"]).hex() in found, "a span without its parent")

    selector = '{namespace="production", app="payment-service"}'
    of_trace = lines_of(options, f'{selector} | json | trace_id="{trace_id}"', lines)
    expect(len(of_trace) == lines, f"{len(of_trace)} lines instead of {lines}")
    for labels, _, line in of_trace:
        parsed = json.loads(line)
        expect(parsed["trace_id"] == trace_id and parsed["trace_sampled"] is True, f"line of another trace: {line}")
        expect(parsed["span_id"] in found, f"line of no span: {line}")
        expect(labels.get("pod") and labels.get("container"), f"labels are {labels}")
    # What Grafana asks when a span's "logs for this span" is clicked: one span of it alone.
    span_id = json.loads(of_trace[0][2])["span_id"]
    of_span = lines_of(options, f'{selector} | json | trace_id="{trace_id}" | span_id="{span_id}"', 1)
    expected = sum(json.loads(line)["span_id"] == span_id for _, _, line in of_trace)
    expect(len(of_span) == expected, f"{len(of_span)} lines of span {span_id} instead of {expected}")
    # The same lines by full text, and as the regular expression of a derived field reads them.
    by_text = lines_of(options, f'{selector} |= "{trace_id}"', lines)
    expect(sorted(t for _, t, _ in by_text) == sorted(t for _, t, _ in of_trace), "full text finds other lines")
    print(f"  {what}: trace {trace_id}, {spans} spans ({errors} failed), {lines} lines, each of one of its spans")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", default="http://127.0.0.1:8080")
    parser.add_argument("--tempo", default="http://127.0.0.1:3100")
    parser.add_argument("--loki", default="http://127.0.0.1:3100")
    parser.add_argument("--seconds", type=float, default=20, help="how long data may take to arrive")
    options = parser.parse_args()
    try:
        follow(options, "a good charge", {"amount": 100.0, "customer_id": "test-123"}, 200, spans=5, lines=3, errors=0)
        follow(options, "a retried one", {"amount": 10, "customer_id": "flaky-1", "currency": "EUR"}, 200, spans=6, lines=4, errors=1)
        follow(options, "a declined one", {"amount": 9000, "customer_id": "test-123"}, 402, spans=4, lines=2, errors=2)
        follow(options, "a refused one", {"amount": 0, "customer_id": "test-123"}, 400, spans=1, lines=2, errors=0)
    except Wrong as problem:
        print(f"FAILED: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
