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

// greeting is what dev mode says to a person. {ADDRESS}, {TOKEN}, {OUTPOST} and {PARLEY} are filled in.
const greeting = `
Parley in dev mode: loopback alone, keys that everybody knows.

  HTTP API    http://{ADDRESS}/api/v1/     API key: dev
  health      http://{ADDRESS}/readyz      /metrics  /openapi.json
  dashboard   ws://{ADDRESS}/api/v2/dashboard/ws
  valtronics  ws://{ADDRESS}/ws            /ws/telemetry  /ws/alerts  /ws/system  /ws/devices
  airlay      ws://{ADDRESS}/ws            the first message says which of the two is spoken
  notify      ws://{ADDRESS}/api/v1/ws     ?access_token=  or  ?ticket=  from POST /api/v1/ws/ticket
  authentik   ws://{ADDRESS}/ws/client/    /ws/outpost/UUID/  where the token of any outpost is: dev

A token for user alice, good for a day, for every dialect:

  {TOKEN}

Lines to paste into another terminal:

  publish     curl -s http://{ADDRESS}/api/v1/publish -H 'X-API-Key: dev' -d '{"event":{"kind":"project_updated","data":{"project_name":"my-project","trigger":"audit"}}}'
  to all      curl -s http://{ADDRESS}/api/v1/publish -H 'X-API-Key: dev' -d '{"all":true,"event":{"kind":"message","data":{"level":"info","title":"Hello","message":"Everyone hears this"}}}'
  dashboard   {PARLEY} listen --url http://{ADDRESS} --dialect dashboard
  valtronics  {PARLEY} listen --url http://{ADDRESS} --dialect valtronics telemetry/1 alerts
  notify      {PARLEY} listen --url http://{ADDRESS} --dialect notify
  authentik   {PARLEY} listen --url http://{ADDRESS} --dialect authentik
  outpost     {PARLEY} listen --url http://{ADDRESS} --dialect authentik_outpost {OUTPOST}
  airlay      {PARLEY} listen --url http://{ADDRESS} --dialect airlay issueUpdate/610217e481f6fc54736209e0 notification

and into the console of a browser (on a page of http://{ADDRESS}, such as /openapi.json):

  dashboard   new WebSocket("ws://{ADDRESS}/api/v2/dashboard/ws").onmessage = (e) => console.log(e.data)
  valtronics  ws = new WebSocket("ws://{ADDRESS}/ws/telemetry"); ws.onmessage = (e) => console.log(e.data); ws.onopen = () => ws.send(JSON.stringify({type: "auth", token: "{TOKEN}"}))
  notify      new WebSocket("ws://{ADDRESS}/api/v1/ws?access_token={TOKEN}").onmessage = (e) => console.log(e.data)
  authentik   document.cookie = "authentik_session={TOKEN}"; new WebSocket("ws://{ADDRESS}/ws/client/").onmessage = (e) => console.log(e.data)
  airlay      ws = new WebSocket("ws://{ADDRESS}/ws"); ws.onmessage = (e) => console.log(e.data); ws.onopen = () => ws.send(JSON.stringify({auth: "{TOKEN}", action: "attach", event: {type: "notification"}}))

Ctrl-C ends it.

`

// greet prints the greeting.
func greet(out io.Writer, s *server.Server) error {
	token, err := s.Token(config.DevTenant, auth.Grant{User: "alice", TTL: 24 * time.Hour})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, strings.NewReplacer("{ADDRESS}", s.Address(), "{TOKEN}", token, "{PARLEY}", me(), "{OUTPOST}", config.DevOutpost).Replace(greeting))
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
