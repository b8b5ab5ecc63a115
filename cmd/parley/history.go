package main

import (
	"os"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/terminal"
)

type historyCommand struct {
	serverFlags
	terminal.Output
	After string `placeholder:"EPOCH:OFFSET" help:"${history_after}"`
	Last  uint64 `placeholder:"N" help:"The last N events alone."`
	Topic string `arg:"" help:"The topic, such as telemetry/1."`
}

// Run prints the history, the oldest event first.
func (c *historyCommand) Run() error {
	api, err := c.api()
	if err != nil {
		return err
	}
	var after client.Position
	if c.After != "" {
		if after, err = client.ParsePosition(c.After); err != nil {
			return err
		}
	}
	ctx, stop := untilSignal()
	defer stop()
	p := c.Printer(os.Stdout)
	return api.History(ctx, c.Topic, after, c.Last, func(e client.Retained) error {
		if p.JSON() {
			return p.Value(e)
		}
		at := p.Paint(terminal.Dim, e.Time.Local().Format("2006-01-02 15:04:05.000"))
		return p.Line("%s %s:%d %s %s", at, e.Epoch, e.Offset, e.Kind, e.Data)
	})
}
