package webhook

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestConfig_EveryProblemIsNamedWithoutItsValue(t *testing.T) {
	good := Config{URL: "https://x.example/y", Secret: secret}
	for want, change := range map[string]func(*Config){
		"":             func(*Config) {},
		"url":          func(c *Config) { c.URL = "ftp://hunter2" },
		"url ":         func(c *Config) { c.URL = "https://me:hunter2@x.example" },
		"url  ":        func(c *Config) { c.URL = "hunter2" },
		"secret":       func(c *Config) { c.Secret = "hunter2" },
		"timeout":      func(c *Config) { c.Timeout = time.Hour },
		"batch":        func(c *Config) { c.Batch = 1001 },
		"batch ":       func(c *Config) { c.Batch = -1 },
		"queue_events": func(c *Config) { c.QueueEvents = 1e7 },
		"queue_bytes":  func(c *Config) { c.QueueBytes = 1 },
	} {
		cfg := good.withDefaults()
		change(&cfg)
		var keys []string
		for _, p := range cfg.Problems() {
			keys = append(keys, p.Key)
			if strings.Contains(p.Text, "hunter2") {
				t.Errorf("%s repeats what is wrong: %s", p.Key, p.Text)
			}
		}
		if got := strings.Join(keys, ","); got != strings.TrimSpace(want) {
			t.Errorf("%q is complained about, want %q", got, want)
		}
		if _, err := New("acme", cfg); (err == nil) != (want == "") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := New("acme", Config{}); err == nil {
		t.Error("made a dispatcher without a URL")
	}
	if said := fmt.Sprintf("%v %+v %#v", good, good, good); strings.Contains(said, secret) {
		t.Errorf("it says %s", said)
	}
}

// A test vector for authors of a backend.
func TestSign_Vector(t *testing.T) {
	const want = "v1=b51fccd24913bb968140fecb18b72148b0847d7a055f1c83ad89e7bd439d9a65"
	got := sign("0123456789abcdef", "1700000000", []byte(`{"tenant":"acme","epoch":"E","lost":0,"events":[]}`))
	if got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestQueue_IsBoundedByNumberAndBytesAndKeepsTheOrder(t *testing.T) {
	q := queue{maxEvents: 50, maxBytes: 40 * (eventSize + 10)}
	next, taken, lost := uint64(0), uint64(0), uint64(0)
	var said, dropped int
	for range 20_000 {
		if rand.IntN(60) > 0 {
			next++
			dropped += q.push(event{"E", next, make([]byte, rand.IntN(20))})
		} else if batch, gap := q.take(1 + rand.IntN(20)); batch != nil {
			for _, e := range batch {
				if e.number <= taken {
					t.Fatalf("%d came after %d", e.number, taken)
				}
				lost += e.number - taken - 1
				taken = e.number
			}
			said += int(gap)
			if uint64(said) != lost {
				t.Fatalf("said %d, lost %d", said, lost)
			}
		}
		if q.len() > q.maxEvents || q.bytes > q.maxBytes || len(q.events) > 4*q.maxEvents+64 {
			t.Fatalf("%d events with %d bytes in %d places", q.len(), q.bytes, len(q.events))
		}
	}
	for q.len() > 0 {
		_, gap := q.take(100)
		said += int(gap)
	}
	if said != dropped || dropped == 0 || q.bytes != 0 || q.events != nil {
		t.Errorf("said %d, dropped %d, %d bytes", said, dropped, q.bytes)
	}
}

func TestQueue_ABatchIsBoundedInBytesButOneEventAlwaysGoes(t *testing.T) {
	q := queue{maxEvents: 10, maxBytes: 10 << 20}
	for n := range uint64(3) {
		q.push(event{"E", n + 1, make([]byte, maxBody)})
	}
	for range 3 {
		if batch, _ := q.take(10); len(batch) != 1 {
			t.Errorf("%d in one batch", len(batch))
		}
	}
	if batch, lost := q.take(10); batch != nil || lost != 0 {
		t.Errorf("took %d from an empty queue, lost %d", len(batch), lost)
	}
}
