package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

func logged(t *testing.T, ctx context.Context) map[string]any {
	t.Helper()
	var out bytes.Buffer
	New(&out, slog.LevelInfo).With("service", "payment").InfoContext(ctx, "hello", "amount", 5)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("not JSON: %v: %s", err, out.String())
	}
	return line
}

func TestLineOfASpanCarriesItsIds(t *testing.T) {
	traceID, _ := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	spanID, _ := trace.SpanIDFromHex("00f067aa0ba902b7")
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled}))
	line := logged(t, ctx)
	want := map[string]any{"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7",
		"trace_sampled": true, "service": "payment", "msg": "hello", "level": "INFO"}
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s = %v, want %v", key, line[key], value)
		}
	}
}

func TestLineWithoutASpanHasNoIds(t *testing.T) {
	line := logged(t, context.Background())
	for _, key := range []string{"trace_id", "span_id", "trace_sampled"} {
		if _, there := line[key]; there {
			t.Errorf("%s is there without a span", key)
		}
	}
}
