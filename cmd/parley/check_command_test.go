package main

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/transport/auth"
)

// hostileJSON are commands of an attacker.
var hostileJSON = map[string]string{
	"1 MiB":              `{"type":"nonsense","x":"` + strings.Repeat("x", 1<<20) + `"}`,
	"1 MiB of brackets":  strings.Repeat("[", 1<<20),
	"60 KiB":             `{"type":"nonsense","x":"` + strings.Repeat("x", 60<<10) + `"}`,
	"60 KiB of brackets": strings.Repeat("[", 60<<10),
	"60 KiB of members":  `{` + strings.Repeat(`"a":1,`, 60<<10/6) + `"b":1}`,
	"100 deep": `{"type":"subscribe","filters":` + strings.Repeat(`{"a":`, 100) + `1` +
		strings.Repeat(`}`, 101),
	"10,000 deep": `{"action":"attach","event":` + strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000) +
		`}`,
	"member twice":        `{"type":"nonsense","type":"nonsense2"}`,
	"member twice, deep":  `{"action":"attach","event":{"type":"x","type":"y"}}`,
	"trailing garbage":    `{"type":"nonsense"}x`,
	"trailing NUL":        `{"type":"nonsense"}` + "\x00",
	"NaN":                 `{"type":"nonsense","x":NaN}`,
	"lone surrogate":      `{"type":"\ud800"}`,
	"surrogate as member": `{"\udc00":"ping"}`,
	"invalid UTF-8":       `{"type":"` + "\xc3\x28" + `"}`,
	"huge number":         `{"instruction":` + strings.Repeat("9", 10_000) + `}`,
	"unterminated":        `{"auth":"`,
	"nothing":             "",
}

// silentByDocument are the dialects whose documents have them say nothing to what they cannot read: it is ignored, and
// the connection goes on. The others answer with an error or close.
var silentByDocument = []string{"dashboard", "notify"}

// reliability.md check 19: hostile JSON over the sockets of every protocol is an error, a close, or (where the document
// wants so) ignored; it costs less than 50 ms of processor time and harms nobody.
func TestCommands_HostileJSONIsAnErrorAndCheap(t *testing.T) {
	t.Parallel()
	r, token := serveDev(t), devTokens(t)(auth.Grant{User: "alice"})
	open := map[string]func() *websocket.Conn{
		"dashboard":  func() *websocket.Conn { return r.dial("/api/v2/dashboard/ws") },
		"valtronics": func() *websocket.Conn { return r.logged(token) },
		"stranger":   func() *websocket.Conn { return r.dial("/ws") },
		"notify":     func() *websocket.Conn { return r.dial("/api/v1/ws?access_token=" + token) },
		"authentik": func() *websocket.Conn {
			return r.dialWith("/ws/client/", http.Header{"Cookie": {"authentik_session=" + token}})
		},
		"outpost": func() *websocket.Conn {
			return r.dialWith("/ws/outpost/"+config.DevOutpost+"/",
				http.Header{"Authorization": {"Bearer " + config.DevOutpostToken}})
		},
	}
	before, measured := r.processor()
	sent := 0
	for who, connect := range open {
		for _, name := range slices.Sorted(maps.Keys(hostileJSON)) {
			answer, err := provoke(t, connect(), who, hostileJSON[name])
			sent++
			code := websocket.CloseStatus(err)
			closed := code == websocket.StatusMessageTooBig || code == websocket.StatusInvalidFramePayloadData ||
				code == websocket.StatusPolicyViolation ||
				// as their document's consumers do
				code == websocket.StatusNormalClosure && (who == "authentik" || who == "outpost")
			refused := strings.Contains(answer, `"type":"error"`) || strings.Contains(answer, `"status":400`)
			ignored := answer == ignoredMark && (slices.Contains(silentByDocument, who) || who == "authentik")
			acknowledged := who == "outpost" && strings.Contains(answer, `"instruction":0`) // it is, whatever was said
			if !closed && !refused && !ignored && !acknowledged {
				t.Errorf("%s says %s: %.200q %v", who, name, answer, err)
			}
		}
	}
	if after, _ := r.processor(); measured {
		each := (after - before) / time.Duration(sent)
		if t.Logf("%d messages, %s of processor time each, connecting included", sent,
			each); each > 50*time.Millisecond {
			t.Errorf("each cost %s", each)
		}
	}
	r.alive()
}

// ignoredMark is what provoke returns for a message after which the connection goes on as if nothing had been said.
const ignoredMark = "(ignored)"

// provoke sends a text and returns the answer. Where a dialect does not answer, a ping of the socket follows.
func provoke(t *testing.T, conn *websocket.Conn, who, text string) (string, error) {
	t.Helper()
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if who == "dashboard" {
		if hello, err := next(t, conn); err != nil || !strings.Contains(hello, "connected") {
			t.Fatalf("%s %v", hello, err)
		}
	}
	ignored := make(chan error, 1)
	_ = conn.Write(ctx, websocket.MessageText, []byte(text)) // it may be cut off in the midst of it
	if who == "dashboard" || who == "notify" || who == "authentik" {
		go func() {
			ignored <- conn.Ping(ctx)
			cancel()
		}()
	}
	_, answer, err := conn.Read(ctx)
	if err != nil && ctx.Err() != nil {
		select {
		case pinged := <-ignored:
			if pinged == nil {
				return ignoredMark, nil
			}
		default:
		}
	}
	return string(answer), err
}

// reliability.md check 26: no protocol has words for a client that publishes; whatever it tries is refused or ignored,
// and subscribers, users and backends' figures see nothing of it.
func TestCommands_NobodyPublishesOverASocket(t *testing.T) {
	t.Parallel()
	r, sign := serveDev(t), devTokens(t)
	clients := r.five(sign(auth.Grant{User: "alice"}))
	say(t, clients["valtronics"], `{"type":"batch","messages":[{"type":"subscribe","channel":"telemetry"},`+
		`{"type":"subscribe","channel":"alerts"}]}`)
	r.subscribed(1, "alerts")
	tries := []string{
		`{"type":"publish","channel":"alerts","data":` + anAlert + `}`, `{"type":"alert",` + anAlert[1:],
		`{"type":"telemetry_update",` + aTelemetry[1:],
		`{"event":"project_updated","project_name":"forged","trigger":"audit"}`,
		`{"event":{"kind":"json","data":{}},"all":true}`, `{"topic":"alerts","event":{"kind":"json","data":{}}}`,
		`{"auth":"` + sign(auth.Grant{User: "mallory"}) +
			`","action":"publish","event":{"type":"notification","data":{}}}`,
		`{"type":"notification","id":"","data":{"message":"forged"}}`,
		`{"message_type":"message","level":"info","message":"forged","tags":""}`,
		`{"instruction":2,"args":{"forged":true}}`, `{"publish":[{"all":true,"event":{"kind":"json","data":{}}}]}`,
	}
	mallory := sign(auth.Grant{User: "mallory"})
	for who, connect := range map[string]func() *websocket.Conn{
		"dashboard":  func() *websocket.Conn { return r.dial("/api/v2/dashboard/ws") },
		"stranger":   func() *websocket.Conn { return r.dial("/ws") },
		"valtronics": func() *websocket.Conn { return r.logged(mallory) },
		"notify":     func() *websocket.Conn { return r.dial("/api/v1/ws?access_token=" + mallory) },
	} {
		for _, what := range tries {
			answer, err := provoke(t, connect(), who, what)
			if answer != ignoredMark && !strings.Contains(answer, `"error"`) &&
				!strings.Contains(answer, `"status":400`) {
				t.Errorf("%s answers %s with %s %v", who, what, answer, err)
			}
		}
	}
	for _, topic := range []string{"alerts", "alerts%2F1", "telemetry%2F1", "projects", "projects%2Fforged"} {
		if status, body := r.ask(http.MethodGet, "/api/v1/topics/"+topic+"/history?offset=0",
			""); strings.Contains(body, `"kind"`) {
			t.Errorf("in %s there is %d %s", topic, status, body)
		}
	}
	// The next that subscribers hear is what a backend publishes.
	if status, answer := r.post("dev", `{"all":true,"event":{"kind":"message","data":{"level":"info","title":"true",`+
		`"message":"true"}}}`); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	for who, conn := range clients {
		if heard, err := next(t, conn); err != nil || !strings.Contains(heard, `"true"`) {
			t.Errorf("%s hears %s %v", who, heard, err)
		}
	}
}

// reliability.md check 35: what would close a subscriber's socket is refused to who publishes it, and subscribers of
// every protocol stay and hear the next event.
func TestCommands_WhatCannotBeSaidIsRefusedToThePublisherAlone(t *testing.T) {
	t.Parallel()
	r := serveDev(t)
	clients := r.five(devTokens(t)(auth.Grant{User: "alice"}))
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"invalid UTF-8": {`{"all":true,"event":{"kind":"message","data":{"level":"info","message":"` + "\xc3\x28" +
			`"}}}`, 400},
		"invalid UTF-8 id": {`{"all":true,"event":{"kind":"json","id":"` + "\xff" + `","data":{}}}`, 400},
		"overlong":         {`{"all":true,"event":{"kind":"json","data":{"x":"` + "\xc0\xaf" + `"}}}`, 400},
		"lone surrogate":   {`{"all":true,"event":{"kind":"json","data":{"x":"\ud800"}}}`, 400},
		"65,537 bytes": {`{"all":true,"event":{"kind":"json","data":{"x":"` + strings.Repeat("x", 65_537) + `"}}}`,
			413},
		"9 MiB": {`{"all":true,"event":{"kind":"json","data":{"x":"` + strings.Repeat("x", 9<<20) + `"}}}`,
			413},
		"message too large": {`{"all":true,"event":{"kind":"message","data":{"level":"info","message":"` +
			strings.Repeat("x", 70_000) + `"}}}`, 413},
	} {
		if status, answer := r.post("dev", c.body); status != c.status || !strings.Contains(answer, `"error"`) {
			t.Errorf("%s: %d %.200s, want %d", name, status, answer, c.status)
		}
	}
	if status, answer := r.post("dev", `{"all":true,"event":{"kind":"message","data":{"level":"info","title":"next",`+
		`"message":"next"}}}`); status != http.StatusOK || !strings.Contains(answer, `"delivered":5`) {
		t.Errorf("the next: %d %s", status, answer)
	}
	for who, conn := range clients {
		if heard, err := next(t, conn); err != nil || !strings.Contains(heard, "next") {
			t.Errorf("%s hears %s %v", who, heard, err)
		}
	}
}
