package dialecttest

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Stage is where a transcript is played: sessions alone, or a whole node. Time on it is not real. Every method returns
// only when all that it causes has happened, as far as no time has to pass for it.
type Stage interface {
	// Set gives a setting of the dialect another value, by its key. It comes before the first Open.
	Set(key, value string) error
	// Token makes a token.
	Token(Token) string
	// Open connects a client. A refused upgrade is a Status.
	Open(path string, header http.Header) (Client, error)
	// Publish does what POST /api/v1/publish does with this body.
	Publish(body []byte) error
	// Advance lets time pass.
	Advance(time.Duration)
}

// Client is one connection, seen from outside.
type Client interface {
	// Send sends a frame. On a connection that is closed it does nothing.
	Send(data []byte, binary bool)
	// Receive returns what arrives next, which may take so long. ok is false if nothing did.
	Receive(within time.Duration) (arrived Arrival, ok bool)
	// Leave closes from the client's side. Nothing is received afterwards.
	Leave()
}

// Arrival is a message or a close.
type Arrival struct {
	Data   []byte
	Binary bool
	// Closed says that it is a close, with code and reason.
	Closed bool
	Code   int
	Reason string
}

// String tells it as a line of a transcript.
func (a Arrival) String() string {
	switch {
	case a.Closed:
		return fmt.Sprintf("E %d %s", a.Code, a.Reason)
	case a.Binary:
		return fmt.Sprintf("binary %x", a.Data)
	}
	return "S " + string(a.Data)
}

// Status is the HTTP status of a refused upgrade.
type Status int

// Error implements error.
func (s Status) Error() string {
	return fmt.Sprintf("the upgrade was refused with HTTP status %d", int(s))
}

// patience is how long a client waits for what should come. It bridges the tick of a node's clock and nothing more, so
// that a heartbeat that is early or late by more than this fails its transcript.
const patience = time.Second

// Play plays a transcript.
func Play(t testing.TB, transcript Transcript, stage Stage) {
	t.Helper()
	p := &play{t: t, transcript: transcript, stage: stage, clients: map[string]Client{}, name: "1",
		caught: map[string]matcher{}}
	for i, step := range transcript.Steps {
		p.step = step
		if err := p.do(step, i); err != nil {
			t.Fatalf("%s:%d: %v", transcript.File, step.Line, err)
		}
	}
	for name, client := range p.clients {
		if client == nil {
			continue
		}
		if more, ok := client.Receive(0); ok {
			t.Fatalf("%s: at the end client %s got more than the transcript tells: %s", transcript.File, name, more)
		}
		client.Leave()
	}
}

type play struct {
	t          testing.TB
	transcript Transcript
	stage      Stage
	step       Step
	header     http.Header        // of the next path
	clients    map[string]Client  // nil for one that left or was refused
	name       string             // whom the lines are about
	caught     map[string]matcher // by the name of the client
}

func (p *play) do(step Step, i int) error {
	switch step.Verb {
	case Set:
		return p.stage.Set(step.Text, step.Value)
	case As:
		p.name = step.Text
		return nil
	case Wait:
		p.stage.Advance(step.Time)
		return nil
	case Publish:
		return p.stage.Publish([]byte(step.Text))
	case Header:
		return p.addHeader(step)
	case Open:
		return p.open(step.Text, i)
	case Refused:
		return nil // seen by open
	}
	client := p.clients[p.name]
	if client == nil {
		return fmt.Errorf("client %s is not connected", p.name)
	}
	return p.act(client, step)
}

func (p *play) act(client Client, step Step) error {
	switch step.Verb {
	case Text:
		text, err := p.sign(step.Text)
		if err == nil {
			text, err = substitute(text, p.stage)
		}
		if err != nil {
			return err
		}
		client.Send([]byte(text), false)
	case Binary:
		client.Send([]byte(step.Text), true)
	case Leave:
		client.Leave()
		p.clients[p.name] = nil
	case Hears:
		return hear(client, step.Text, p.caught[p.name])
	case Ends:
		if err := end(client, step); err != nil {
			return err
		}
		client.Leave()
		p.clients[p.name] = nil
	case Silence:
		if got, ok := client.Receive(step.Time); ok {
			return fmt.Errorf("there should be silence, but there came %s", got)
		}
	}
	return nil
}

func (p *play) addHeader(step Step) error {
	value, err := substitute(step.Value, p.stage)
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Add(step.Text, value)
	return err
}

func (p *play) open(path string, i int) error {
	path, err := substitute(path, p.stage)
	if err != nil {
		return err
	}
	if p.clients[p.name] != nil {
		return fmt.Errorf("client %s is connected already", p.name)
	}
	want := 101
	if i+1 < len(p.transcript.Steps) && p.transcript.Steps[i+1].Verb == Refused {
		want = p.transcript.Steps[i+1].Code
	}
	client, err := p.stage.Open(path, p.header)
	p.header = nil
	if status, ok := errors.AsType[Status](err); ok && int(status) == want {
		return nil
	}
	if err != nil {
		return err
	}
	p.clients[p.name], p.caught[p.name] = client, matcher{}
	if want != 101 {
		return fmt.Errorf("the upgrade succeeded and should have been refused with HTTP status %d", want)
	}
	return nil
}

func hear(client Client, pattern string, into matcher) error {
	got, ok := client.Receive(patience)
	if !ok {
		return fmt.Errorf("nothing came, and there should have come %s", pattern)
	}
	if got.Closed || got.Binary {
		return fmt.Errorf("there came %s, not %s", got, pattern)
	}
	if err := into.match(pattern, got.Data); err != nil {
		return fmt.Errorf("%w\nit came: %s", err, got)
	}
	return nil
}

func end(client Client, step Step) error {
	got, ok := client.Receive(patience)
	if !ok {
		return fmt.Errorf("nothing came, and the close %d should have come", step.Code)
	}
	if !got.Closed || got.Code != step.Code || step.Text != "" && got.Reason != step.Text {
		return fmt.Errorf("there came %s, not the close %d %s", got, step.Code, step.Text)
	}
	return nil
}
