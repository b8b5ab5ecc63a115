package load

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/protocol"
)

// Plan is what to do.
type Plan struct {
	// API publishes, with the key of a tenant.
	API client.API
	// Dialect and Speaks are how the clients speak; Topics are what they ask for. Token is what a client shows.
	Dialect string
	Speaks  *protocol.Client
	Topics  []string
	Token   func(client int) (string, error)
	// Clients is how many there are, at most MaxClients, and Rate how many events are published a second, for so long.
	Clients int
	Rate    float64
	For     time.Duration
	// Publish is an event and its receivers. Its data holds Mark in a text.
	Publish client.PublishRequest
	// Progress is called a few times a second; nil is not.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Phase      string
	Done       float64 // a share of the phase
	Connected  int
	Published  int
	Deliveries int64
}

const (
	// Mark stands in the data of an event for what tells it apart.
	Mark = "{MARK}"
	// MaxClients bounds the clients: each has a connection and two goroutines.
	MaxClients = 20000
	// MaxRate bounds the events a second.
	MaxRate = 50000
)

// Check returns what is wrong with a plan.
func (p *Plan) Check() error {
	switch {
	case p.Clients < 1 || p.Clients > MaxClients:
		return fmt.Errorf("clients must be from 1 to %d", MaxClients)
	case p.Rate <= 0 || p.Rate > MaxRate:
		return fmt.Errorf("the rate must be above 0 and at most %d events a second", MaxRate)
	case p.For <= 0:
		return errors.New("a run has to take some time")
	case !bytes.Contains(p.Publish.Event.Data, []byte(Mark)):
		return errors.New("the payload has to hold " + Mark + " in a text, by which its events are known")
	case !json.Valid(p.Publish.Event.Data):
		return errors.New("the payload is no JSON")
	}
	return nil
}

// Message is an event that every dialect can say, with a text of about so many bytes.
func Message(size int) client.Event {
	data, _ := json.Marshal(map[string]string{"level": "info", "message": Mark + strings.Repeat("x", max(size-40, 0))})
	return client.Event{Kind: "message", Data: data}
}

// marks tell the events of a run apart.
type marks struct{ begin string }

func newMarks() marks { return marks{"parley-bench-" + strings.ToLower(rand.Text()[:8]) + "-"} }

// warmUp is the number of the events before those that count.
const warmUp = 0

// of is the mark of an event; numbers begin with 1.
func (m marks) of(number int) string { return m.begin + strconv.Itoa(number) + "-" }

// find is the number of the event that a frame says, false if it says none of this run.
func (m marks) find(frame []byte) (number int, ok bool) {
	i := bytes.Index(frame, []byte(m.begin))
	if i < 0 {
		return 0, false
	}
	digits, _, ok := bytes.Cut(frame[i+len(m.begin):], []byte("-"))
	if !ok || len(digits) > 12 {
		return 0, false
	}
	number, err := strconv.Atoi(string(digits))
	return number, err == nil
}

// pooled is an HTTP client that keeps a connection for each of some publishers.
func pooled(publishers int) *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: publishers,
		MaxConnsPerHost: publishers}}
}
