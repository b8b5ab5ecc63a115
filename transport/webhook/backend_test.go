package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const secret = "0123456789abcdef0123456789abcdef"

// call is a request that a backend got.
type call struct {
	at      time.Time
	url, id string
	body    string
	lost    uint64
	numbers []uint64
}

// backend is a tenant's backend in the same process: it checks each request and answers as it is told.
type backend struct {
	t  *testing.T
	mu sync.Mutex
	// answers are given one by one; then every batch is accepted. An error is a broken connection, a nil response never
	// comes.
	answers []func() (*http.Response, error)
	calls   []call
}

func status(code int, header ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		r := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("said\n"))}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return r, nil
	}
}

func broken() (*http.Response, error) { return nil, errors.New("connection refused") }
func mute() (*http.Response, error)   { return nil, nil }

// RoundTrip implements http.RoundTripper.
func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := b.note(r)
	response, err := answer()
	if response == nil && err == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return response, err
}

func (b *backend) note(r *http.Request) func() (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Error(err)
	}
	var read struct {
		Tenant, Epoch string
		Lost          uint64
		Events        []struct{ Number uint64 }
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil || read.Tenant != "acme" || len(read.Events) == 0 {
		b.t.Errorf("the body %s: %v", body, err)
		return status(200)
	}
	made := call{at: time.Now(), url: r.URL.String(), id: r.Header.Get("Parley-Batch"), body: string(body),
		lost: read.Lost}
	for _, e := range read.Events {
		made.numbers = append(made.numbers, e.Number)
	}
	if made.id != fmt.Sprintf("%s-%d", read.Epoch, made.numbers[0]) {
		b.t.Errorf("the batch %s begins with %d", made.id, made.numbers[0])
	}
	verify(b.t, r.Header, body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, made)
	if len(b.answers) == 0 {
		return status(204)
	}
	answer := b.answers[0]
	b.answers = b.answers[1:]
	return answer
}

// verify does what a backend should do by the package comment.
func verify(t *testing.T, h http.Header, body []byte) {
	t.Helper()
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write([]byte(h.Get("Parley-Timestamp") + "." + string(body)))
	given, found := strings.CutPrefix(h.Get("Parley-Signature"), "v1=")
	if !found || !hmac.Equal([]byte(given), []byte(hex.EncodeToString(sum.Sum(nil)))) {
		t.Errorf("the signature %q does not hold", h.Get("Parley-Signature"))
	}
	seconds, err := strconv.ParseInt(h.Get("Parley-Timestamp"), 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Minute || age > time.Minute {
		t.Errorf("the timestamp is %q, %v", h.Get("Parley-Timestamp"), err)
	}
	if h.Get("Content-Type") != "application/json" {
		t.Errorf("the header is %v", h)
	}
}

func (b *backend) got() []call {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]call(nil), b.calls...)
}

// await waits for a number of calls, for an hour of the bubble.
func (b *backend) await(calls int) {
	for range 3600 {
		if len(b.got()) >= calls {
			return
		}
		time.Sleep(time.Second)
	}
	b.t.Fatalf("there were %d calls in an hour, not %d", len(b.got()), calls)
}

// wantNumbers compares the numbers of all calls, call by call.
func (b *backend) wantNumbers(want string) {
	b.t.Helper()
	var got []string
	for _, c := range b.got() {
		got = append(got, fmt.Sprint(c.numbers))
	}
	if strings.Join(got, " ") != want {
		b.t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}

// tell tells the events from..to of an epoch.
func tell(c *Dispatcher, epoch string, from, to uint64) {
	for n := from; n <= to; n++ {
		c.Emit(epoch, n, fmt.Appendf(nil, `{"number":%d}`, n))
	}
}

// withDispatcher runs a test with a dispatcher and its backend in fake time, and checks that everything ends.
func withDispatcher(t *testing.T, cfg Config, test func(t *testing.T, b *backend, c *Dispatcher, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b, log := &backend{t: t}, &bytes.Buffer{}
		cfg.URL, cfg.Secret, cfg.Transport, cfg.Logger = "https://backend.example/x?key=hidden", secret, b,
			slog.New(slog.NewTextHandler(log, nil))
		c, err := New("acme", cfg)
		if err != nil {
			t.Fatal(err)
		}
		test(t, b, c, log)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c.Close(ctx)
		if strings.Contains(log.String(), "hidden") || strings.Contains(log.String(), secret) {
			t.Errorf("the log tells secrets: %s", log)
		}
	})
}
