package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type whyCommand struct {
	serverFlags
	terminal.Output
	Last int    `default:"10" placeholder:"N" help:"How many ended connections and refusals of a user at most."`
	What string `arg:"" name:"id|user|request" help:"${why_what}"`
}

// record is an ended connection or a refusal, as the API tells it.
type record struct {
	State, ID, Connection, User, Dialect, Origin, By, Reason, Why, Rule string

	Address   string    `json:"remote_address"`
	RequestID string    `json:"request_id"`
	Since     time.Time // of a connection
	Closed    time.Time
	Time      time.Time // of a refusal
	Seconds   float64
	Code      int
	Status    int
	In        uint64 `json:"in_messages"`
	InBytes   uint64 `json:"in_bytes"`
	Out       uint64 `json:"out_messages"`
	OutBytes  uint64 `json:"out_bytes"`
	Queued    uint64 `json:"queued_frames"`
	Waiting   uint64 `json:"queued_bytes"`
	Last      []struct {
		Direction, Kind string
		Bytes           int
	} `json:"last_frames"`
}

// Run tells the records of what is named, the newest first.
func (c *whyCommand) Run() error {
	api, err := c.api()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	found, err := c.find(ctx, api)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("nothing is remembered of a connection, user or request %.100q", c.What)
	}
	p := c.Printer(os.Stdout)
	for i, raw := range found {
		if p.JSON() {
			err = p.Raw(raw)
		} else {
			if i > 0 {
				err = p.Line("")
			}
			err = cmp.Or(err, tell(p, raw))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// find asks the server for what may be meant: a connection, else what a user or a request has left.
func (c *whyCommand) find(ctx context.Context, api client.API) (found []json.RawMessage, err error) {
	if connectionID.MatchString(c.What) {
		answer, err := api.Call(ctx, http.MethodGet, "/api/v1/connections/"+url.PathEscape(c.What), nil, nil)
		if refused, ok := errors.AsType[*client.Refusal](err); !ok || refused.Status != http.StatusNotFound {
			return []json.RawMessage{answer}, err
		}
	}
	limit := fmt.Sprint(c.Last)
	for _, by := range []string{"user", "request_id"} {
		ended, err := c.list(ctx, api, "connections", url.Values{by: {c.What}, "state": {"closed"}, "limit": {limit}})
		if err != nil {
			return nil, err
		}
		refused, err := c.list(ctx, api, "refusals", url.Values{by: {c.What}, "limit": {limit}})
		if err != nil {
			return nil, err
		}
		found = append(append(found, ended...), refused...)
	}
	return found, nil
}

// list gets one page of ended connections or of refusals.
func (c *whyCommand) list(
	ctx context.Context, api client.API, what string, query url.Values,
) ([]json.RawMessage, error) {
	page := map[string]json.RawMessage{}
	if err := api.Get(ctx, "/api/v1/"+what, query, &page); err != nil {
		return nil, err
	}
	var all []json.RawMessage
	return all, json.Unmarshal(page[what], &all)
}

// tell prints a record in words.
func tell(p *terminal.Printer, raw json.RawMessage) error {
	var s record
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("the answer is not understood: %w", err)
	}
	if err := s.title(p); err != nil {
		return err
	}
	for _, fact := range s.facts() {
		if err := p.Line("  %s", fact); err != nil {
			return err
		}
	}
	return nil
}

// title prints what it is about, and the sentence that says why.
func (s *record) title(p *terminal.Printer) error {
	at, what := s.Closed, "connection "+s.ID
	switch {
	case s.State == "" && s.ID != "":
		return p.Line("connection %s is open", s.ID)
	case s.State == "" && s.Connection != "":
		at, what = s.Time, "login of connection "+s.Connection
	case s.State == "":
		at, what = s.Time, "handshake"
	}
	when := p.Paint(terminal.Dim, at.Local().Format(time.DateTime))
	return cmp.Or(p.Line("%s %s", when, what), p.Line("  %s", s.Why))
}

// facts are the lines below the sentence.
func (s *record) facts() (lines []string) {
	add := func(format string, values ...any) { lines = append(lines, fmt.Sprintf(format, values...)) }
	add("of user %s from %s, dialect %s", cmp.Or(s.User, "(none)"), s.Address, cmp.Or(s.Dialect, "(none)"))
	if s.Origin != "" {
		add("of a page of %s", s.Origin)
	}
	if s.State == "" && s.ID != "" {
		return lines
	}
	if s.Rule != "" {
		add("reason %s, decided by %s", s.Reason, s.Rule)
	} else {
		add("reason %s", s.Reason)
	}
	if s.Status != 0 {
		add("answered with HTTP status %d", s.Status)
	}
	if s.State != "" {
		lasted := time.Duration(s.Seconds * float64(time.Second))
		add("open for %s, since %s", lasted, s.Since.Local().Format(time.DateTime))
		add("%d messages (%d bytes) in, %d (%d bytes) out, %d (%d bytes) waited", s.In, s.InBytes, s.Out, s.OutBytes,
			s.Queued, s.Waiting)
	}
	for _, f := range s.Last {
		add("last %s: %s, %d bytes", f.Direction, f.Kind, f.Bytes)
	}
	add("request %s", s.RequestID)
	return lines
}
