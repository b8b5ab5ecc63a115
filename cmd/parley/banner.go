package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/server"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/auth"
)

// banner is what dev mode says to a person. {ADDRESSES}, {LISTEN} and {CONSOLE} are lines of each protocol, and
// {ADDRESS}, {TOKEN}, {OUTPOST} and {PARLEY} are filled in.
const banner = `
Parley in dev mode: loopback alone, keys that everybody knows.

  in browser  http://{ADDRESS}/            a playground, and the console
  HTTP API    http://{ADDRESS}/api/v1/     API key: dev
  health      http://{ADDRESS}/readyz      /metrics  /openapi.json
{ADDRESSES}
A token for user alice, good for a day, for every dialect:

  {TOKEN}

Lines to paste into another terminal:

  publish     curl -s http://{ADDRESS}/api/v1/publish -H 'X-API-Key: dev' -d '` +
	`{"event":{"kind":"project_updated","data":{"project_name":"my-project","trigger":"audit"}}}'
  to all      curl -s http://{ADDRESS}/api/v1/publish -H 'X-API-Key: dev' -d '` +
	`{"all":true,"event":{"kind":"message","data":{"level":"info","title":"Hello","message":"Everyone hears this"}}}'
{LISTEN}
and into the console of a browser (on a page of http://{ADDRESS}, such as /openapi.json):

{CONSOLE}
Ctrl-C ends it.

`

// printBanner prints the banner, with the protocols that are enabled.
func printBanner(out io.Writer, s *server.Server, protocols []config.Protocol) error {
	token, err := s.Token(config.DevTenant, auth.Grant{User: "alice", TTL: 24 * time.Hour})
	if err != nil {
		return err
	}
	var addresses, listen, console strings.Builder
	for i := range protocols {
		if !protocols[i].Settings.On() {
			continue
		}
		for j, made := range protocols[i].Settings.Dialects() {
			d := &protocols[i].Dialects[j]
			if d.Client == nil {
				continue
			}
			bannerLine(&addresses, d, fmt.Sprintf("ws://{ADDRESS}%-14s %s", made.Paths()[0], d.Greeting.Note))
			bannerLine(&listen, d, "{PARLEY} listen --url http://{ADDRESS} --dialect "+d.Name+" "+d.Greeting.Example)
			if d.Greeting.Console != "" {
				bannerLine(&console, d, strings.ReplaceAll(d.Greeting.Console, "{PATH}", made.Paths()[0]))
			}
		}
	}
	text := strings.NewReplacer("{ADDRESSES}", addresses.String(), "{LISTEN}", listen.String(), "{CONSOLE}",
		console.String()).Replace(banner)
	text = strings.NewReplacer("{ADDRESS}", s.Address(), "{TOKEN}", token, "{PARLEY}", programPath(), "{OUTPOST}",
		config.DevOutpost).Replace(text)
	_, err = io.WriteString(out, text)
	return err
}

// bannerLine appends a line about a dialect.
func bannerLine(to *strings.Builder, d *protocol.Description, text string) {
	label := d.Greeting.Label
	if label == "" {
		label = d.Name
	}
	to.WriteString(strings.TrimRight(fmt.Sprintf("  %-11s %s", label, text), " ") + "\n")
}

// programPath is how to call this program from the directory where it was called.
func programPath() string {
	path, err := os.Executable()
	if err != nil {
		return "bin/parley"
	}
	if here, err := os.Getwd(); err == nil {
		if below, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(below, "..") {
			return below
		}
	}
	return path
}
