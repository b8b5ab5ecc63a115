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
// client that floods with commands is told so and closed with "too many requests" (check 41). Floods of pings, pongs and
// empty fragments, as fast as the socket takes them, are cut off (check 42). Each time the p99 of the others stays below
// twice the undisturbed one, or below 5 ms where that is less.
func flood(d *scenario.Run) {
	const rate = 100
	s := d.Serve(server.Conditions{Env: []string{"PARLEY_API_RATE=100", "PARLEY_API_BURST=100"}})
	f := &flooding{d: d, s: s, herd: gather(d, s, "calm", "flood", d.Size(1000, 100), 1)}
	f.source = (&scenario.Publisher{Device: "flood", Publishers: 1, Rate: rate / 4}).Start(s)
	defer f.source.Stop()
	span := time.Duration(d.Size(5, 1)) * time.Second // in a brief run, too: all else is compared with it
	f.base = f.during(func() { time.Sleep(span) })
	f.publishes(span, rate)
	f.commands()
	f.frames()
	alive(d, s)
	d.Want(42, f.herd.figures().Closed == 0, "%d of the others were closed", f.herd.figures().Closed)
}

// flooding is a server under floods.
type flooding struct {
	d      *scenario.Run
	s      *server.Server
	herd   *herd
	source *scenario.Publisher
	base   time.Duration // the others' undisturbed p99
}

// during is the others' p99 while something happens.
func (f *flooding) during(what func()) time.Duration {
	f.herd.reset()
	what()
	time.Sleep(200 * time.Millisecond)
	f.d.Must(f.herd.fault())
	return p99(f.herd.figures())
}

// calm wants that the others notice nothing.
func (f *flooding) calm(check int, what string, now time.Duration) {
	f.d.Want(check, now < bearable(f.d, f.base), "%s: the p99 of the others rose from %s to %s", what, ms(f.base), ms(now))
	f.d.Figure(check, "%s: p99 of the others %s, undisturbed %s", what, ms(now), ms(f.base))
}

// publishes publishes ten times as often as the key may.
func (f *flooding) publishes(span time.Duration, rate int) {
	loud := &scenario.Publisher{Device: "loud", Publishers: 10, Rate: float64(rate)}
	f.calm(41, "publishes at 10 times the rate", f.during(func() {
		loud.Start(f.s)
		time.Sleep(span)
		loud.Stop()
	}))
	allowed := int(span.Seconds()*float64(rate)) + 2*rate
	f.d.Want(41, len(loud.Acks) <= allowed, "%d publishes were taken, the rate allows %d", len(loud.Acks), allowed)
	f.d.Want(41, loud.Refused[http.StatusTooManyRequests]+len(loud.Acks) == len(loud.Sent), "a publish ended otherwise than taken or 429: %v", loud.Refused)
	f.d.Figure(41, "%d sent, %d taken, %d got 429", len(loud.Sent), len(loud.Acks), loud.Refused[http.StatusTooManyRequests])
}

// commands sends commands until the server has enough of it.
func (f *flooding) commands() {
	loud, err := client.Dial(f.s.Address, client.Options{User: "commander"})
	f.d.Must(err)
	defer loud.Cut()
	burst := strings.Repeat(string(client.Frame(client.Final|client.Text, []byte(`{"type":"subscribe","channel":"telemetry","device_id":"x"}`))), 100)
	sent := 0
	now := f.during(func() { sent = pour(loud, []byte(burst), 100) })
	f.calm(41, "flood of commands", now)
	f.d.Want(41, loud.Code == 1008 && (loud.Why == "rate_limited" || strings.Contains(loud.Why, "too many requests")), "a flood of commands ended with %d %q after %d", loud.Code, loud.Why, sent)
	f.d.Figure(41, "a client was closed with %d %s after %d commands were written", loud.Code, loud.Why, sent)
}

// pour writes packets until the server ends the connection, for at most 10 s, and returns how many things were written.
func pour(c *client.Client, packet []byte, things int) (sent int) {
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
		f.d.Must(err)
		if kind.name == "empty fragments" {
			_, err = loud.Write(client.Frame(client.Text, nil))
			f.d.Must(err)
		}
		sent := 0
		now := f.during(func() { sent = pour(loud, []byte(strings.Repeat(string(kind.frame), 1000)), 1000) })
		f.d.Want(42, loud.Over(), "a flood of %s was not cut off after %d", kind.name, sent)
		f.calm(42, fmt.Sprintf("%s, closed with %d", kind.name, loud.Code), now)
		loud.Cut()
	}
}
