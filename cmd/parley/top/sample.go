package top

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
)

// Sample is what a server said at a moment. Connections and Topics are one page of each.
type Sample struct {
	At          time.Time
	Stats       Stats
	Connections []Connection
	Topics      []Topic
	// SweptConnections and SweptTopics say that the page is the last one: the next one is the first again.
	SweptConnections, SweptTopics bool
	// Metrics is nil where the internal address is out of reach.
	Metrics *Metrics
}

// Stats are the counters of a tenant.
type Stats struct {
	Active        int    `json:"activeConnections"`
	Authenticated int    `json:"authenticatedConnections"`
	Received      uint64 `json:"messagesReceived"`
	Sent          uint64 `json:"messagesSent"`
	BytesIn       uint64 `json:"bytesReceived"`
	BytesOut      uint64 `json:"bytesSent"`
}

// Connection is one connection, with its counters.
type Connection struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Dialect string    `json:"dialect"`
	Since   time.Time `json:"since"`
	Remote  string    `json:"remote_address"`
	In      uint64    `json:"in_messages"`
	Out     uint64    `json:"out_messages"`
	Queued  int       `json:"queued_bytes"`
}

// Topic is one topic, with its newest offset.
type Topic struct {
	Name        string `json:"name"`
	Epoch       string `json:"epoch"`
	Subscribers int    `json:"subscribers"`
	Offset      uint64 `json:"offset"`
}

// pageSize is how many connections and topics are asked for at once. Of more, each sample has the next page, so that a
// server with many answers no more a second than one with few.
const pageSize = 1000

// Source takes samples of a server. One goroutine at a time may use it.
type Source struct {
	api, internal       client.API
	connections, topics string // cursors
}

// NewSource makes a source of a tenant of a server; internal is the URL of its metrics.
func NewSource(api client.API, internal string) *Source {
	return &Source{api: api, internal: client.API{Base: internal}}
}

// Sample asks the server. It blocks until that answers or the context ends. Errors are those of client.API.
func (s *Source) Sample(ctx context.Context) (made Sample, err error) {
	if err := s.api.Get(ctx, "/api/v1/stats", nil, &made.Stats); err != nil {
		return made, err
	}
	if err := s.pages(ctx, &made); err != nil {
		return made, err
	}
	if text, err := s.internal.Call(ctx, http.MethodGet, "/metrics", nil, nil); err == nil {
		made.Metrics = parseMetrics(text)
	}
	made.At = time.Now()
	return made, nil
}

// pages takes the next page of each list.
func (s *Source) pages(ctx context.Context, into *Sample) error {
	var told struct {
		Connections []Connection
		Topics      []Topic
		Cursor      string
	}
	if err := s.api.Get(ctx, "/api/v1/connections", page(s.connections), &told); err != nil {
		return err
	}
	s.connections, told.Cursor = told.Cursor, ""
	if err := s.api.Get(ctx, "/api/v1/topics", page(s.topics), &told); err != nil {
		return err
	}
	s.topics = told.Cursor
	into.Connections, into.SweptConnections = told.Connections, s.connections == ""
	into.Topics, into.SweptTopics = told.Topics, s.topics == ""
	return nil
}

func page(cursor string) url.Values {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return query
}
