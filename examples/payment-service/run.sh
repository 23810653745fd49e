#!/bin/sh
# Builds and runs the payment service against a weft server, ships its logs, sends a few charges, and
# says what to look at. Ctrl-C ends it.
#
#   WEFT_URL=http://127.0.0.1:3100 WEFT_OTLP=http://127.0.0.1:4317 LISTEN=127.0.0.1:8080 ./run.sh
set -eu
cd "$(dirname "$0")"
weft=${WEFT_URL:-http://127.0.0.1:3100}
export OTEL_EXPORTER_OTLP_ENDPOINT="${WEFT_OTLP:-http://127.0.0.1:4317}"
listen=${LISTEN:-127.0.0.1:8080}

command -v go >/dev/null || { echo "run.sh: Go 1.22 or later is needed (https://go.dev/dl)" >&2; exit 1; }
work=$(mktemp -d)
go build -o "$work/payment-service" .
mkfifo "$work/logs"
python3 ./ship_logs --url "$weft" --tee <"$work/logs" & shipper=$!
"$work/payment-service" -listen "$listen" >"$work/logs" & service=$!
# The service first: its end closes the pipe, and the shipper ends once the last line is acknowledged.
trap 'trap - INT TERM EXIT; kill $service 2>/dev/null || true; wait $service $shipper 2>/dev/null || true; rm -rf "$work"' INT TERM EXIT

for _ in $(seq 50); do
  curl -fs "http://$listen/healthz" >/dev/null && break
  sleep 0.1
done
charge() { curl -s -o /dev/null -D - -d "$1" "http://$listen/charge" | tr -d '\r' | sed -n 's/^[Xx]-[Tt]race-[Ii]d: //p'; }
good=$(charge '{"amount": 100.00, "customer_id": "test-123"}')
retried=$(charge '{"amount": 42.50, "customer_id": "flaky-7", "currency": "EUR"}')
declined=$(charge '{"amount": 9000, "customer_id": "test-123"}')
cat <<TEXT

Three charges were made; a second from now they can be looked at:
  a good one       weft trace --url=$weft $good
  one retried      weft trace --url=$weft $retried
  one declined     weft trace --url=$weft $declined
  their logs       weft query --url=$weft '{namespace="production", app="payment-service"} | json'
Send more with
  curl -i -d '{"amount": 5, "customer_id": "me"}' http://$listen/charge
Ctrl-C ends the service.
TEXT
wait $service
