package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// charge is what a client asks for.
type charge struct {
	Amount     float64 `json:"amount"`
	Currency   string  `json:"currency"`
	CustomerID string  `json:"customer_id"`
}

// receipt is the answer to a charge that went through.
type receipt struct {
	PaymentID string  `json:"payment_id"`
	Status    string  `json:"status"`
	Amount    float64 `json:"amount"`
	Currency  string  `json:"currency"`
	TraceID   string  `json:"trace_id"`
}

// creditLimit is the amount above which the pretended bank declines.
const creditLimit = 5000

var (
	errInvalid  = errors.New("invalid charge")
	errDeclined = errors.New("declined by the bank: insufficient funds")
	errBankDown = errors.New("bank did not answer: 503 service unavailable")
)

// payments takes charges: it looks the customer up, asks the bank, writes the ledger. Database and
// bank are pretended; the spans, events, logs and errors they leave are what real ones would leave.
type payments struct {
	tracer trace.Tracer
	log    *slog.Logger
}

// take carries out one charge. Customers whose id starts with "flaky" see one failed attempt at the
// bank before it works; amounts above creditLimit are declined.
func (p *payments) take(ctx context.Context, c charge) (receipt, error) {
	p.log.InfoContext(ctx, "Processing payment", "amount", c.Amount, "currency", c.Currency, "customer_id", c.CustomerID)
	if c.Amount <= 0 || c.CustomerID == "" {
		err := fmt.Errorf("%w: amount %.2f, customer %q", errInvalid, c.Amount, c.CustomerID)
		p.log.WarnContext(ctx, "Charge refused", "error", err.Error())
		return receipt{}, err
	}
	p.lookUp(ctx, c.CustomerID)
	authorisation, err := p.authorise(ctx, c)
	if err != nil {
		p.log.ErrorContext(ctx, "Payment failed", "amount", c.Amount, "customer_id", c.CustomerID, "error", err.Error())
		return receipt{}, err
	}
	p.writeLedger(ctx, authorisation, c)
	p.log.InfoContext(ctx, "Payment processed successfully", "amount", c.Amount, "payment_id", authorisation)
	return receipt{PaymentID: authorisation, Status: "captured", Amount: c.Amount, Currency: c.Currency,
		TraceID: trace.SpanContextFromContext(ctx).TraceID().String()}, nil
}

func (p *payments) lookUp(ctx context.Context, customer string) {
	_, span := p.tracer.Start(ctx, "SELECT customers", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system", "postgresql"),
		attribute.String("db.name", "payments"),
		attribute.String("db.statement", "SELECT id, country, risk FROM customers WHERE id = $1"),
		attribute.String("customer.id", customer)))
	defer span.End()
	time.Sleep(2 * time.Millisecond)
	span.SetAttributes(attribute.Int("db.rows", 1))
}

// authorise asks the bank, twice at most: a bank that is down for a moment is not the customer's fault.
func (p *payments) authorise(ctx context.Context, c charge) (string, error) {
	ctx, span := p.tracer.Start(ctx, "authorise")
	defer span.End()
	const attempts = 2
	for attempt := 1; ; attempt++ {
		id, err := p.askBank(ctx, c, attempt)
		if err == nil {
			span.SetAttributes(attribute.Int("payment.attempts", attempt))
			return id, nil
		}
		if !errors.Is(err, errBankDown) || attempt == attempts {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
			return "", err
		}
		p.log.WarnContext(ctx, "Bank unavailable, trying again", "attempt", attempt, "error", err.Error())
		span.AddEvent("retry", trace.WithAttributes(attribute.Int("attempt", attempt)))
		time.Sleep(20 * time.Millisecond)
	}
}

func (p *payments) askBank(ctx context.Context, c charge, attempt int) (string, error) {
	ctx, span := p.tracer.Start(ctx, "POST /v1/authorisations", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", "POST"),
		attribute.String("server.address", "bank.example"),
		attribute.String("peer.service", "bank"),
		attribute.Int("http.request.resend_count", attempt-1)))
	defer span.End()
	time.Sleep(8 * time.Millisecond)
	fail := func(status int, err error) (string, error) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		return "", err
	}
	if len(c.CustomerID) >= 5 && c.CustomerID[:5] == "flaky" && attempt == 1 {
		return fail(503, errBankDown)
	}
	if c.Amount > creditLimit {
		return fail(402, errDeclined)
	}
	span.SetAttributes(attribute.Int("http.response.status_code", 200))
	span.AddEvent("card.authorised", trace.WithAttributes(attribute.Float64("amount", c.Amount)))
	hash := fnv.New64a()
	fmt.Fprint(hash, trace.SpanContextFromContext(ctx).TraceID(), c.CustomerID, c.Amount)
	return fmt.Sprintf("pay_%016x", hash.Sum64()), nil
}

func (p *payments) writeLedger(ctx context.Context, payment string, c charge) {
	ctx, span := p.tracer.Start(ctx, "INSERT ledger", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system", "postgresql"),
		attribute.String("db.name", "payments"),
		attribute.String("db.statement", "INSERT INTO ledger (payment, amount, currency) VALUES ($1, $2, $3)"),
		attribute.String("payment.id", payment)))
	defer span.End()
	time.Sleep(3 * time.Millisecond)
	p.log.InfoContext(ctx, "Ledger entry written", "payment_id", payment, "currency", c.Currency)
}
