// Command payment-service is a small instrumented HTTP service: it charges customers, exports its
// spans over OTLP/gRPC and writes JSON logs that carry trace and span ids to standard output.
//
//	OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 payment-service -listen 127.0.0.1:8080
//	curl -i -d '{"amount": 100, "customer_id": "test-123"}' http://127.0.0.1:8080/charge
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"weft.example/payment-service/logging"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to serve /charge and /healthz at; port 0 takes a free one")
	portFile := flag.String("port-file", "", "write the port that was taken to this `file`")
	flag.Parse()
	log := logging.New(os.Stdout, slog.LevelInfo)
	if err := run(*listen, *portFile, log); err != nil {
		log.Error("Service ended", "error", err.Error())
		os.Exit(1)
	}
}

func run(listen, portFile string, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	provider, err := newTracerProvider(ctx)
	if err != nil {
		return err
	}
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("Telemetry was not exported", "error", err.Error()) }))

	tracer := otel.Tracer("weft.example/payment-service")
	server := &http.Server{
		Handler:           routes(tracer, log, &payments{tracer: tracer, log: log}),
		ReadHeaderTimeout: 5 * time.Second,
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if portFile != "" {
		if err := os.WriteFile(portFile, []byte(fmt.Sprintln(port)), 0o644); err != nil {
			return err
		}
	}
	log.Info("Listening", "address", listener.Addr().String())

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Info("Stopping")
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(last), provider.Shutdown(last)) // the latter sends what waits
}

// newTracerProvider exports every span over OTLP/gRPC, to where the standard variable
// OTEL_EXPORTER_OTLP_ENDPOINT says. A batch waits half a second at most, so that a trace can be
// looked at right after its request.
func newTracerProvider(ctx context.Context) (*sdktrace.TracerProvider, error) {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure())
	if err != nil {
		return nil, err
	}
	namespace, pod, container := env("POD_NAMESPACE", "production"), env("POD_NAME", "payment-service-0"), "payment"
	attributes, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "payment-service"),
		attribute.String("service.version", "1.4.2"),
		attribute.String("k8s.namespace.name", namespace),
		attribute.String("k8s.pod.name", pod),
		attribute.String("k8s.container.name", container),
		// The names of the log labels: what "logs for this span" looks for.
		attribute.String("app", "payment-service"),
		attribute.String("namespace", namespace),
		attribute.String("pod", pod),
		attribute.String("container", container),
	), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(500*time.Millisecond)),
		sdktrace.WithResource(attributes),
	), nil
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func routes(tracer trace.Tracer, log *slog.Logger, p *payments) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("POST /charge", func(w http.ResponseWriter, r *http.Request) {
		ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, "POST /charge", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", r.Method),
			attribute.String("http.route", "/charge"),
			attribute.String("url.path", r.URL.Path),
			attribute.String("user_agent.original", r.UserAgent())))
		defer span.End()
		w.Header().Set("X-Trace-Id", span.SpanContext().TraceID().String())

		status, body := chargeFor(ctx, p, w, r)
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if failure, is := body.(problem); is && status >= 500 {
			span.SetStatus(codes.Error, failure.Error)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			log.WarnContext(ctx, "Answer was not read", "error", err.Error())
		}
	})
	return mux
}

// problem is the answer to a charge that did not go through.
type problem struct {
	Error string `json:"error"`
}

func chargeFor(ctx context.Context, p *payments, w http.ResponseWriter, r *http.Request) (int, any) {
	c := charge{Currency: "USD"}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&c); err != nil {
		return http.StatusBadRequest, problem{"body is not a charge: " + err.Error()}
	}
	done, err := p.take(ctx, c)
	switch {
	case errors.Is(err, errInvalid):
		return http.StatusBadRequest, problem{err.Error()}
	case errors.Is(err, errDeclined):
		return http.StatusPaymentRequired, problem{err.Error()}
	case err != nil:
		return http.StatusBadGateway, problem{err.Error()}
	}
	return http.StatusOK, done
}
