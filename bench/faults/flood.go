package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/parley-realtime/parley/bench/faults/client"
	"github.com/parley-realtime/parley/bench/faults/scenario"
	"github.com/parley-realtime/parley/bench/faults/server"
)

// flood lets clients do ten times what they may while others listen. Publishes above the rate of a key get 429, and a
// client that floods with commands is told so and closed with "too many requests" (check 41). Floods of pings, pongs
// and empty fragments, as fast as the socket takes them, are cut off (check 42). Each time the p99 of the others stays
// below twice the undisturbed one, or below 5 ms where that is less.
func flood(r *scenario.Run) {
	const rate = 100
	s := r.Serve(server.Conditions{Env: []string{"PARLEY_API_RATE=100", "PARLEY_API_BURST=100"}})
	f := &flooding{r: r, s: s, readers: connectReaders(r, s, "calm", "flood", r.Size(1000, 100), 1)}
	f.publisher = (&scenario.Publisher{Device: "flood", Publishers: 1, Rate: rate / 4}).Start(s)
	defer f.publisher.Stop()
	span := time.Duration(r.Size(5, 1)) * time.Second // in a brief run, too: all else is compared with it
	f.base = f.p99During(func() { time.Sleep(span) })
	f.publishes(span, rate)
	f.commands()
	f.frames()
	alive(r, s)
	r.Want(42, f.readers.figures().Closed == 0, "%d of the others were closed", f.readers.figures().Closed)
}

// flooding is a server under floods.
type flooding struct {
	r         *scenario.Run
	s         *server.Server
	readers   *readers
	publisher *scenario.Publisher
	base      time.Duration // the others' undisturbed p99
}

// p99During is the p99 of the others while a function runs.
func (f *flooding) p99During(what func()) time.Duration {
	f.readers.reset()
	what()
	time.Sleep(200 * time.Millisecond)
	f.r.Must(f.readers.err())
	return p99(f.readers.figures())
}

// wantUndisturbed wants that the p99 of the others stays low.
func (f *flooding) wantUndisturbed(check int, what string, now time.Duration) {
	f.r.Want(check, now < maxTail(f.r, f.base), "%s: the p99 of the others rose from %s to %s", what, ms(f.base),
		ms(now))
	f.r.Figure(check, "%s: p99 of the others %s, undisturbed %s", what, ms(now), ms(f.base))
}

// publishes publishes ten times as often as the key may.
func (f *flooding) publishes(span time.Duration, rate int) {
	loud := &scenario.Publisher{Device: "loud", Publishers: 10, Rate: float64(rate)}
	f.wantUndisturbed(41, "publishes at 10 times the rate", f.p99During(func() {
		loud.Start(f.s)
		time.Sleep(span)
		loud.Stop()
	}))
	allowed := int(span.Seconds()*float64(rate)) + 2*rate
	f.r.Want(41, len(loud.Acks) <= allowed, "%d publishes were taken, the rate allows %d", len(loud.Acks), allowed)
	f.r.Want(41, loud.Refused[http.StatusTooManyRequests]+len(loud.Acks) == len(loud.Sent),
		"a publish ended otherwise than taken or 429: %v", loud.Refused)
	f.r.Figure(41, "%d sent, %d taken, %d got 429", len(loud.Sent), len(loud.Acks),
		loud.Refused[http.StatusTooManyRequests])
}

// commands sends commands until the server closes the connection.
func (f *flooding) commands() {
	loud, err := client.Dial(f.s.Address, client.Options{User: "commander"})
	f.r.Must(err)
	defer loud.Cut()
	command := []byte(`{"type":"subscribe","channel":"telemetry","device_id":"x"}`)
	burst := strings.Repeat(string(client.Frame(client.Final|client.Text, command)), 100)
	sent := 0
	now := f.p99During(func() { sent = writeUntilClosed(loud, []byte(burst), 100) })
	f.wantUndisturbed(41, "flood of commands", now)
	f.r.Want(41, loud.Code == 1008 && (loud.Why == "rate_limited" || strings.Contains(loud.Why, "too many requests")),
		"a flood of commands ended with %d %q after %d", loud.Code, loud.Why, sent)
	f.r.Figure(41, "a client was closed with %d %s after %d commands were written", loud.Code, loud.Why, sent)
}

// writeUntilClosed writes packets until the server ends the connection, for at most 10 s. It returns how many things it
// wrote.
func writeUntilClosed(c *client.Client, packet []byte, things int) (sent int) {
	go c.Listen()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until) && !c.Over(); {
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := c.Write(packet); err != nil {
			break
		}
		sent += things
	}
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until) && !c.Over(); {
		time.Sleep(time.Millisecond)
	}
	return sent
}

// frames floods with each kind of small frame.
func (f *flooding) frames() {
	for _, kind := range []struct {
		name  string
		frame []byte
	}{
		{"pings", client.Frame(client.Final|client.Ping, nil)},
		{"pongs", client.Frame(client.Final|client.Pong, nil)},
		{"empty fragments", client.Frame(client.Continuation, nil)},
	} {
		loud, err := client.Dial(f.s.Address, client.Options{User: "frames"})
		f.r.Must(err)
		if kind.name == "empty fragments" {
			_, err = loud.Write(client.Frame(client.Text, nil))
			f.r.Must(err)
		}
		sent := 0
		burst := []byte(strings.Repeat(string(kind.frame), 1000))
		now := f.p99During(func() { sent = writeUntilClosed(loud, burst, 1000) })
		f.r.Want(42, loud.Over(), "a flood of %s was not cut off after %d", kind.name, sent)
		f.wantUndisturbed(42, fmt.Sprintf("%s, closed with %d", kind.name, loud.Code), now)
		loud.Cut()
	}
}
