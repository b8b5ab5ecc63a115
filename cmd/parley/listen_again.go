package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
)

// reconnection says on stderr what becomes of a client whose connection broke. Its functions are called one after the
// other.
type reconnection struct {
	dialect, token string
	api            client.API
	to             *messages

	since time.Time // when the connection broke; zero if it did not
}

// broken is client.ListenOptions.Retry.
func (r *reconnection) broken(cause error, in time.Duration) {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	fmt.Fprintf(os.Stderr, "parley: %s; connecting again in %s\n", oneLine(fmt.Errorf("%s: %w", r.dialect, cause)),
		in.Round(100*time.Millisecond))
}

// admitted is client.ListenOptions.Admitted.
func (r *reconnection) admitted() {
	if r.since.IsZero() {
		return
	}
	r.to.mu.Lock()
	r.to.of(r.dialect).reconnects++
	r.to.mu.Unlock()
	after := time.Since(r.since).Round(100 * time.Millisecond)
	r.to.asking.Go(func() {
		fmt.Fprintf(os.Stderr, "parley: %s: connected again after %s; %s\n", r.dialect, after, r.resumed())
	})
	r.since = time.Time{}
}

// askTimeout bounds the question what was missed.
const askTimeout = 2 * time.Second

// resumedConnection is what the API tells of a connection here.
type resumedConnection struct {
	Since   time.Time
	Resumed *struct{ Replayed, Missed int }
}

// resumed says what the server gave back to the newest connection of this user and dialect, in words.
func (r *reconnection) resumed() string {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	query := url.Values{"dialect": {r.dialect}, "limit": {"1000"}}
	if user := subject(r.token); user != "" {
		query.Set("user", user)
	}
	var page struct{ Connections []resumedConnection }
	if r.api.Get(ctx, "/api/v1/connections", query, &page) != nil || len(page.Connections) == 0 {
		return "what was missed meanwhile is known to the server alone (--key lets this command ask)"
	}
	newest := slices.MaxFunc(page.Connections, func(a, b resumedConnection) int { return a.Since.Compare(b.Since) })
	if newest.Resumed == nil {
		return "what was published meanwhile is lost to this client (engine.linger keeps it)"
	}
	return fmt.Sprintf("events replayed %d, missed %d", newest.Resumed.Replayed, newest.Resumed.Missed)
}

// subject is the user that a token names, "" if it does not say so in the usual place. The token is not verified.
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	_ = json.Unmarshal(payload, &claims) // what is no text names nobody here
	return claims.Subject
}
