package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
)

// quickNode answers every publish at once, so that the API alone is measured.
type quickNode struct{ *fakeNode }

func (quickNode) Publish(_ context.Context, _ string, to actors.Target, ev *protocol.Event) (actors.Receipt, error) {
	return actors.Receipt{ID: ev.ID, Topic: to.Topic, Position: protocol.Position{Epoch: "b5Yk2", Offset: 123456},
		Delivered: 1000}, nil
}

func (n quickNode) PublishAll(
	ctx context.Context, tenant string, to actors.Target, events []*protocol.Event, answer func(actors.Receipt, error),
) {
	for _, ev := range events {
		answer(n.Publish(ctx, tenant, to, ev))
	}
}

// payload is an event of 160 bytes, as in the measurements of the design.
var payload = []byte(`{"topic":"telemetry/7","event":{"id":"01JJX5V7Q2M8Z","kind":"telemetry",` +
	`"data":{"device_id":7,"telemetry":{` +
	`"temperature":{"value":23.5,"unit":"C","timestamp":"2026-01-31T12:00:00Z"},"humidity":{"value":41,"unit":"%",` +
	`"timestamp":"2026-01-31T12:00:00Z"}}}}}`)

// BenchmarkPublish_Handler is one publish through the handler, without a socket.
func BenchmarkPublish_Handler(b *testing.B) {
	for _, cfg := range []Config{{}, {Rate: 1 << 30}} {
		b.Run(fmt.Sprintf("rate=%d", cfg.Rate), func(b *testing.B) {
			handler := New(cfg, quickNode{newFakeNode()}, fakeKeys{"k1": "acme"}).Public()
			r := request("POST", publishPath, "x")
			body := bytes.NewReader(payload)
			r.Body, r.ContentLength = io.NopCloser(body), int64(len(payload))
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				body.Reset(payload)
				clear(w.header)
				handler.ServeHTTP(w, r)
			}
			if w.status != 200 {
				b.Fatal(w.status)
			}
		})
	}
}

// BenchmarkPublish_Parse parses a publish, and does no more.
func BenchmarkPublish_Parse(b *testing.B) {
	a := New(Config{}, newFakeNode(), fakeKeys{})
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if err := checkBody(payload); err != nil {
			b.Fatal(err)
		}
		if _, err := a.parsePublish("the body", payload); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublish_KeepAlive is a publish over a loopback socket that stays open; the client's part is in it.
func BenchmarkPublish_KeepAlive(b *testing.B) {
	server := httptest.NewServer(New(Config{}, quickNode{newFakeNode()}, fakeKeys{"k1": "acme"}).Public())
	defer server.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequest("POST", server.URL+publishPath, bytes.NewReader(payload))
			r.Header.Set("Authorization", "Bearer k1")
			answer, err := server.Client().Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
	})
}

// BenchmarkPublish_Connection is a publish over a loopback socket that stays open, by net/http and by the fast path.
// The client is a bare socket and allocates nothing.
func BenchmarkPublish_Connection(b *testing.B) {
	for _, fast := range []bool{false, true} {
		b.Run(fmt.Sprintf("fastpath=%v", fast), func(b *testing.B) {
			a := New(Config{}, quickNode{newFakeNode()}, fakeKeys{"k1": "acme"})
			server := httptest.NewUnstartedServer(a.Public())
			if fast {
				server.Listener = a.FastPath(server.Listener, server.Config)
			}
			server.Start()
			defer server.Close()
			client, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			says := []byte(post(publishPath, string(payload), "X-API-Key: k1"))
			answer := make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				client.Write(says)
				if n, err := client.Read(answer); err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
					b.Fatalf("%v %s", err, answer[:n])
				}
			}
		})
	}
}

// BenchmarkBatch is a batch of 1,000 through the handler.
func BenchmarkBatch(b *testing.B) {
	handler := New(Config{}, quickNode{newFakeNode()}, fakeKeys{"k1": "acme"}).Public()
	body := append([]byte(`{"publish":[`), bytes.Repeat(append(bytes.Clone(payload), ','), 1000)...)
	body = append(body[:len(body)-1], "]}"...)
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{header: http.Header{}}
		handler.ServeHTTP(w, request("POST", "/api/v1/batch", string(body)))
		if w.status != 200 {
			b.Fatal(w.status)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

// discard is a ResponseWriter that keeps nothing but the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
