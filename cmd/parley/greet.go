package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/cmd/parley/server"
	"github.com/parley-realtime/parley/transport/auth"
)

// greeting is what dev mode says to a person. {ADDRESS}, {TOKEN} and {PARLEY} are filled in.
const greeting = `
Parley in dev mode: loopback alone, keys that everybody knows.

  HTTP API    http://{ADDRESS}/api/v1/     API key: dev
  health      http://{ADDRESS}/readyz      /metrics  /openapi.json
  dashboard   ws://{ADDRESS}/api/v2/dashboard/ws
  valtronics  ws://{ADDRESS}/ws            /ws/telemetry  /ws/alerts  /ws/system  /ws/devices

A token for user alice, good for a day, for every dialect:

  {TOKEN}

Lines to paste into another terminal:

  publish     curl -s http://{ADDRESS}/api/v1/publish -H 'X-API-Key: dev' -d '{"event":{"kind":"project_updated","data":{"project_name":"my-project","trigger":"audit"}}}'
  dashboard   {PARLEY} listen --url http://{ADDRESS} --dialect dashboard
  valtronics  {PARLEY} listen --url http://{ADDRESS} --dialect valtronics telemetry/1 alerts

and into the console of a browser (on a page of http://{ADDRESS}, such as /openapi.json):

  dashboard   new WebSocket("ws://{ADDRESS}/api/v2/dashboard/ws").onmessage = (e) => console.log(e.data)
  valtronics  ws = new WebSocket("ws://{ADDRESS}/ws/telemetry"); ws.onmessage = (e) => console.log(e.data); ws.onopen = () => ws.send(JSON.stringify({type: "auth", token: "{TOKEN}"}))

Ctrl-C ends it.

`

// greet prints the greeting.
func greet(out io.Writer, s *server.Server) error {
	token, err := s.Token(config.DevTenant, auth.Grant{User: "alice", TTL: 24 * time.Hour})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, strings.NewReplacer("{ADDRESS}", s.Address(), "{TOKEN}", token, "{PARLEY}", me()).Replace(greeting))
	return err
}

// me is how to call this program from the directory where it was called.
func me() string {
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
