package main

import (
	"net/url"
	"os"
	"strings"

	"github.com/parley-realtime/parley/cmd/parley/client"
	"github.com/parley-realtime/parley/cmd/parley/config"
)

type listenCommand struct {
	URL     string   `name:"url" default:"http://127.0.0.1:8000" env:"PARLEY_URL" help:"The server (${default}); a path of its own wins over the dialect's."`
	Token   string   `env:"PARLEY_TOKEN" help:"The token to show; for a server on this machine, one for dev mode is made."`
	Dialect string   `default:"valtronics" enum:"${dialects}" help:"The protocol to speak: ${enum} (${default})."`
	Topics  []string `arg:"" optional:"" name:"topic" help:"What to hear, such as telemetry/1; by default all that the dialect has."`
}

// Run listens until a signal or the server ends it.
func (c *listenCommand) Run() error {
	token := c.Token
	if token == "" && local(c.URL) {
		var err error
		if token, err = devToken("listener"); err != nil {
			return err
		}
		if c.Dialect == "authentik_outpost" {
			token = config.DevOutpostToken
			if len(c.Topics) == 0 {
				c.Topics = []string{config.DevOutpost}
			}
		}
	}
	ctx, stop := untilSignal()
	defer stop()
	return client.Listen(ctx, os.Stdout, c.URL, c.Dialect, token, c.Topics)
}

// local reports whether a URL leads to this machine, where dev mode may run.
func local(base string) bool {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := u.Host
	if u.Port() == "" {
		host += ":80"
	}
	return config.Loopback(host)
}
