package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type faultsCommand struct {
	List faultsListCommand `cmd:"" help:"Print the faults that last, with what they have hit."`
	Add  faultsAddCommand  `cmd:"" help:"Begin a fault: cut, refuse, delay, drop, duplicate or mute."`
	End  faultsEndCommand  `cmd:"" help:"End a fault before its time."`
}

// injected is a fault as the server tells of it.
type injected struct {
	ID, Kind, User, Topic, Connection, Dialect string
	Percent                                    int
	Hits                                       uint64
	Ends                                       time.Time
}

// print prints a line.
func (f *injected) print(p *terminal.Printer) error {
	target := []string{}
	for _, t := range [][2]string{{"user", f.User}, {"topic", f.Topic}, {"connection", f.Connection},
		{"dialect", f.Dialect}} {
		if t[1] != "" {
			target = append(target, t[0]+" "+t[1])
		}
	}
	if len(target) == 0 {
		target = append(target, "everybody")
	}
	left := max(0, time.Until(f.Ends).Round(time.Second))
	return p.Line("%s %s %d%% of %s, %d hit, %s left", f.ID, f.Kind, f.Percent, strings.Join(target, " and "), f.Hits,
		left.String())
}

// printFault prints the answer of a call that is about one fault.
func printFault(p *terminal.Printer, answer []byte) error {
	if p.JSON() {
		return p.Raw(answer)
	}
	var f injected
	if err := json.Unmarshal(answer, &f); err != nil {
		return err
	}
	return f.print(p)
}

type faultsListCommand struct {
	serverFlags
	terminal.Output
}

// Run prints the faults.
func (c *faultsListCommand) Run() error {
	return c.call(func(ctx context.Context, api client.API) error {
		answer, err := api.Call(ctx, http.MethodGet, "/api/v1/faults", nil, nil)
		if err != nil {
			return err
		}
		p := c.Printer(os.Stdout)
		if p.JSON() {
			return p.Raw(answer)
		}
		var told struct{ Faults []injected }
		if err := json.Unmarshal(answer, &told); err != nil {
			return err
		}
		for i := range told.Faults {
			if err := told.Faults[i].print(p); err != nil {
				return err
			}
		}
		return nil
	})
}

type faultsAddCommand struct {
	serverFlags
	terminal.Output
	User       string        `placeholder:"U" help:"The connections of this user alone."`
	Topic      string        `placeholder:"T" help:"Events of this topic and those below it alone."`
	Connection string        `placeholder:"ID" help:"This connection alone, such as ws-7."`
	Dialect    string        `placeholder:"D" help:"Clients of this protocol alone."`
	Percent    int           `default:"100" help:"How many of the events, or of the connections, are hit."`
	Delay      time.Duration `help:"Of delay: how late events come, at most 1m."`
	Status     int           `help:"Of refuse: 401, 403, 404, 429, 500 or 503."`
	For        time.Duration `default:"1m" help:"When it ends by itself, at most 1h."`
	Kind       string        `arg:"" enum:"cut,refuse,delay,drop,duplicate,mute" help:"What happens."`
}

// Run begins a fault.
func (c *faultsAddCommand) Run() error {
	body := map[string]any{"kind": c.Kind, "percent": c.Percent, "for": c.For.String()}
	for name, value := range map[string]string{"user": c.User, "topic": c.Topic, "connection": c.Connection,
		"dialect": c.Dialect} {
		if value != "" {
			body[name] = value
		}
	}
	if c.Delay != 0 {
		body["delay"] = c.Delay.String()
	}
	if c.Status != 0 {
		body["status"] = c.Status
	}
	return c.call(func(ctx context.Context, api client.API) error {
		answer, err := api.Call(ctx, http.MethodPut, "/api/v1/faults", nil, body)
		if err != nil {
			return err
		}
		return printFault(c.Printer(os.Stdout), answer)
	})
}

type faultsEndCommand struct {
	serverFlags
	terminal.Output
	ID string `arg:"" help:"Its id, such as fault-1."`
}

// Run ends a fault.
func (c *faultsEndCommand) Run() error {
	return c.call(func(ctx context.Context, api client.API) error {
		answer, err := api.Call(ctx, http.MethodDelete, "/api/v1/faults/"+url.PathEscape(c.ID), nil, nil)
		if err != nil {
			return err
		}
		return printFault(c.Printer(os.Stdout), answer)
	})
}
