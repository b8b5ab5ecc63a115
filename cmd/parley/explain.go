package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type explainCommand struct {
	serverFlags
	terminal.Output
	User       string `placeholder:"U" help:"Who acts or receives, as with a good token that names no topics."`
	Token      string `placeholder:"JWT" help:"What the client shows."`
	Connection string `placeholder:"ID" help:"The connection that acts or receives, such as ws-7."`
	Topic      string `placeholder:"T" help:"The topic of subscribe, publish or receive."`
	Event      string `placeholder:"JSON" help:"The event of publish or receive: {\"kind\":...,\"data\":{...}}."`
	Origin     string `placeholder:"URL" help:"The Origin of the web page that connects."`
	Address    string `placeholder:"IP" help:"The client's address."`
	Dialect    string `placeholder:"D" help:"${explain_dialect}"`
	Host       string `placeholder:"NAME" help:"The host that the client asks for."`
	Action     string `arg:"" enum:"connect,subscribe,publish,receive" help:"connect, subscribe, publish or receive."`
}

// explanation is the server's answer.
type explanation struct {
	Allowed bool
	Trail   []explainedRule
	Decided int
	Advice  string
}

type explainedRule struct{ Rule, Setting, At, Value, Verdict string }

// Run asks, and prints a line for each rule; the status is 1 if it is refused.
func (c *explainCommand) Run() error {
	api, err := c.api()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	answer, err := api.Call(ctx, http.MethodPost, "/api/v1/explain", nil, c.question())
	if err != nil {
		return err
	}
	var told explanation
	if err := json.Unmarshal(answer, &told); err != nil {
		return err
	}
	p := c.Printer(os.Stdout)
	if p.JSON() {
		err = p.Raw(answer)
	} else {
		err = told.print(p)
	}
	if err == nil && !told.Allowed {
		err = &terminal.Exit{Status: terminal.Failed}
	}
	return err
}

// question is the body of the call.
func (c *explainCommand) question() map[string]any {
	q := map[string]any{"action": c.Action}
	for name, value := range map[string]string{"user": c.User, "token": c.Token, "connection": c.Connection,
		"topic": c.Topic, "origin": c.Origin, "address": c.Address, "dialect": c.Dialect, "host": c.Host} {
		if value != "" {
			q[name] = value
		}
	}
	if c.Event != "" {
		q["event"] = json.RawMessage(c.Event)
	}
	return q
}

// print prints a line for each rule, with an arrow at the one that decided, then the outcome and the advice.
func (e *explanation) print(p *terminal.Printer) error {
	for i := range e.Trail {
		if err := e.Trail[i].print(p, i == e.Decided); err != nil {
			return err
		}
	}
	outcome := p.Paint(terminal.Green, "allowed")
	if !e.Allowed {
		outcome = p.Paint(terminal.Red, "refused")
	}
	if e.Advice == "" {
		return p.Line("%s", outcome)
	}
	return p.Line("%s: %s", outcome, e.Advice)
}

func (r *explainedRule) print(p *terminal.Printer, decided bool) error {
	mark, colour, arrow := "+", terminal.Green, " "
	switch r.Verdict {
	case "refused":
		mark, colour = "-", terminal.Red
	case "changed":
		mark, colour = "~", terminal.Yellow
	}
	words := fmt.Sprintf("%-27s %s", r.Rule, r.Value)
	if r.Setting != "" {
		words = strings.TrimRight(words, " ") + fmt.Sprintf("  (%s, %s)", r.Setting, r.At)
	}
	line := p.Paint(terminal.Dim, words)
	if decided {
		arrow, line = ">", p.Paint(terminal.Bold, words)
	}
	return p.Line("%s %s %s", arrow, p.Paint(colour, mark), line)
}
