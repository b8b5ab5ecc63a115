package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type tapCommand struct {
	serverFlags
	terminal.Output
	Internal string        `placeholder:"URL" help:"${top_internal}"`
	User     bool          `help:"What is named is a user, whatever it looks like." xor:"what"`
	Topic    bool          `help:"What is named is a topic." xor:"what"`
	Tenant   string        `placeholder:"T" help:"The tenant; a server with one alone needs none."`
	For      time.Duration `default:"10m" help:"How long, at most 1h."`
	Whom     string        `arg:"" name:"id|user|topic" help:"${tap_whom}"`
}

// tapped is a frame as the server shows it.
type tapped struct {
	Time                 time.Time
	Direction, Kind, Raw string
	Connection, Dialect  string
}

// Run prints frames until the tap ends. Its key is an operator's.
func (c *tapCommand) Run() error {
	at, err := c.target()
	if err != nil {
		return err
	}
	if c.Internal != "" {
		at.internal = c.Internal
	}
	query := url.Values{"for": {c.For.String()}}
	if c.Tenant != "" {
		query.Set("tenant", c.Tenant)
	}
	ctx, stop := untilSignal()
	defer stop()
	p := c.Printer(os.Stdout)
	return client.API{Base: at.internal, Key: at.key}.Events(ctx, c.path(), query,
		func(name string, data []byte) error { return printTapped(p, name, data) })
}

// path is that of the call.
func (c *tapCommand) path() string {
	of := "users"
	switch {
	case c.Topic:
		of = "topics"
	case !c.User && connectionID.MatchString(c.Whom):
		of = "connections"
	}
	return "/api/v1/" + of + "/" + url.PathEscape(c.Whom) + "/tap"
}

// printTapped prints one event of a tap: a frame, or what happened to the tap itself.
func printTapped(p *terminal.Printer, name string, data []byte) error {
	if p.JSON() {
		if name == "" {
			return p.Raw(data)
		}
		return p.Raw(fmt.Appendf(nil, `{"event":%q,"data":%s}`, name, data))
	}
	if name != "" {
		return p.Line("%s", p.Paint(terminal.Yellow, name+" "+string(data)))
	}
	var f tapped
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	arrow, colour := "<-", terminal.Green
	if f.Direction == "in" {
		arrow, colour = "->", terminal.Bold
	}
	from := f.Dialect
	if f.Connection != "" {
		from = f.Connection + " " + from
	}
	return p.Line("%s %s %s %s %s", p.Paint(terminal.Dim, f.Time.Local().Format("15:04:05.000")),
		p.Paint(colour, arrow), from, f.Kind, f.Raw)
}
