package auth_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/protocol"
	airlaywire "github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/authentik"
	"github.com/parley-realtime/parley/protocol/dashboard"
	"github.com/parley-realtime/parley/protocol/notify"
	valtronicswire "github.com/parley-realtime/parley/protocol/valtronics"
	"github.com/parley-realtime/parley/transport/auth"
)

var update = flag.Bool("update", false, "write the table of rights anew")

// The tenant of the table: keys for each system, as X.6 wants it, a backend, and the existing users.
func tableTenant() auth.TenantKeys {
	there := &backend{knows: map[string]string{
		"session acme s-1 alice":                    `{"allow":true}`,
		"access acme " + objectUser + " " + dataset: `{"allow":true}`,
		"access acme alice " + dataset:              `{"allow":true}`,
	}}
	keys := there.with(withOutposts())
	keys.Keys = []auth.Key{
		{Secret: secret},
		{PEM: publicPEM(rsaKey().Public()), Issuer: "dev.airlay.ru"},
		{ID: "host", Secret: strings.ToUpper(secret), Issuer: "https://endurain.example",
			Audience: "https://endurain.example"},
	}
	keys.Cookie.Secrets = []string{secretKey}
	keys.Users = []string{"alice", "7", objectUser}
	keys.Introspection.Ask = []string{"session"}
	return keys
}

const (
	objectUser  = "5dad615eae019570fb4647ed"
	parseClaims = "610217e481f6fc54736209e0"
)

// tableTokens are the tokens that clients of the table show, in its order.
func tableTokens(b *fixture, t *testing.T) [][2]string {
	rs := func(claims string) string {
		return compact(jwt.SigningMethodRS256, rsaKey(), `{"typ":"JWT","alg":"RS256"}`, claims)
	}
	host, endurainClaims := hostToken, seedClaims(endurain)
	spent := b.issue(t, "acme", alice())
	b.admits(t, "acme", ticket(spent))
	b.revoke(t, "acme", auth.Revocation{TokenID: "revoked"})
	return [][2]string{
		{"nothing", ""},
		{"garbage", "garbage"},
		{"alice", alice()},
		{"alice-of-telemetry", hs(live(`"sub":"alice"`, `"topics":["telemetry"]`))},
		{"alice-of-telemetry-1", hs(live(`"sub":"alice"`, `"topics":["telemetry/1"]`))},
		{"alice-below-devices", hs(live(`"sub":"alice"`, `"topics":["devices/*","issueUpdate/*"]`))},
		{"alice-of-nothing", hs(live(`"sub":"alice"`, `"topics":[]`))},
		{"alice-refresh", hs(live(`"sub":"alice"`, `"type":"refresh"`))},
		{"alice-expired", hs(fmt.Sprintf(`{"sub":"alice","exp":%d}`, unix(-time.Hour)))},
		{"alice-too-early", hs(live(`"sub":"alice"`, fmt.Sprintf(`"nbf":%d`, unix(time.Hour))))},
		{"alice-revoked", hs(live(`"sub":"alice"`, `"jti":"revoked"`))},
		{"alice-forged", compact(jwt.SigningMethodHS256, []byte(otherSecret), `{"alg":"HS256"}`,
			live(`"sub":"alice"`))},
		{"alice-unsigned", b64(`{"alg":"none"}`) + "." + b64(live(`"sub":"alice"`)) + "."},
		{"alice-by-public-key", compact(jwt.SigningMethodHS256, publicPEM(rsaKey().Public()), `{"alg":"HS256"}`,
			live(`"sub":"alice"`))},
		{"stranger", hs(live(`"sub":"stranger"`))},
		{"endurain", host(endurainClaims)},
		{"endurain-without-sid", host(strings.Replace(endurainClaims, `"sid"`, `"dis"`, 1))},
		{"endurain-other-host", host(strings.Replace(endurainClaims, `"iss":"https://`, `"iss":"http://`, 1))},
		{"endurain-other-audience", host(strings.Replace(endurainClaims, `"aud":"https://`, `"aud":"http://`, 1))},
		{"airlay", rs(seedClaims(airlay))},
		{"airlay-other-issuer", rs(strings.Replace(seedClaims(airlay), "dev.", "", 1))},
		{"airlay-unknown-user", rs(strings.Replace(seedClaims(airlay), objectUser, "000000000000000000000000", 1))},
		{"cookie", baked(secretKey, session("s-1", "alice", true))},
		{"cookie-ended", baked(secretKey, session("s-2", "alice", true))},
		{"cookie-anonymous", baked(secretKey, session("s-1", "anonymous", false))},
		{"cookie-forged", baked(otherSecret, session("s-1", "alice", true))},
		{"outpost-a", "token-of-a"},
		{"outpost-b", "token-of-b"},
		{"ticket", "a ticket, fresh for each row"},
		{"ticket-by-other-rules", "the same, made by rules that are not the dialect's"},
		{"ticket-spent", spent},
	}
}

// hostToken is signed with the key of the tenant's own backend.
func hostToken(claims string) string {
	return compact(jwt.SigningMethodHS256, []byte(strings.ToUpper(secret)), `{"alg":"HS256","kid":"host"}`, claims)
}

// endurainToken is a token that the backend gives its pages.
func endurainToken() string { return hostToken(seedClaims(endurain)) }

// request is how a client of a dialect connects and what it asks for.
type request struct {
	dialect protocol.Dialect
	action  string // connect, subscribe
	topic   string // "-" for none
	hello   func(token string) protocol.Handshake
	frames  func(token string) []string
}

func tableRequests() []request {
	header := func(name, value string) func(string) string {
		return func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
	}
	none := func(string) protocol.Handshake { return protocol.Handshake{Header: header("", "")} }
	board := dashboard.DefaultConfig()
	board.MultiTenant = true
	all := []request{
		{dashboard.New(board), "subscribe", "projects", func(token string) protocol.Handshake {
			return protocol.Handshake{Path: "/api/v2/dashboard/ws", Query: url.Values{"token": {token}},
				Header: header("", "")}
		}, func(string) []string { return []string{"ping"} }},
		{notify.New(notify.DefaultConfig()), "connect", "-", func(token string) protocol.Handshake {
			name := "access_token"
			if !strings.Contains(token, ".") && token != "" && token != "garbage" {
				name = "ticket"
			}
			return protocol.Handshake{Path: notify.Path, Query: url.Values{name: {token}}, Header: header("", "")}
		}, nil},
		{authentik.NewPage(authentik.DefaultConfig()), "connect", "-", func(token string) protocol.Handshake {
			return protocol.Handshake{Path: "/ws/client/", Header: header("Cookie", "authentik_session="+token)}
		}, nil},
	}
	for _, id := range []string{outpostA, outpostB} {
		all = append(all, request{authentik.NewOutpost(authentik.DefaultConfig()), "subscribe", "outposts/" + id,
			func(token string) protocol.Handshake {
				return protocol.Handshake{
					Path: "/ws/outpost/" + id + "/", Pattern: "/ws/outpost/{uuid}/",
					Header: header("Authorization", "Bearer "+token),
				}
			}, nil})
	}
	for _, topic := range []string{"telemetry", "telemetry/1", "devices/2"} {
		channel, device, _ := strings.Cut(topic, "/")
		if device != "" {
			device = `,"device_id":` + device
		}
		all = append(all, request{valtronicswire.New(valtronicswire.DefaultConfig()), "subscribe", topic, none,
			func(token string) []string {
				return []string{`{"type":"auth","token":"` + token + `"}`,
					`{"type":"subscribe","channel":"` + channel + `"` + device + `}`}
			}})
	}
	for _, topic := range []string{"issueUpdate/" + parseClaims, "datasetUpdate/" + parseClaims,
		"uploadFile/" + parseClaims} {
		kind, id, _ := strings.Cut(topic, "/")
		all = append(all, request{airlaywire.New(airlaywire.DefaultConfig()), "subscribe", topic, none,
			func(token string) []string {
				return []string{`{"auth":"` + token + `","action":"attach","event":{"type":"` + kind + `","id":"` + id +
					`"}}`}
			}})
	}
	return all
}

// client logs in: it does the engine's part by hand, one command after the other.
type client struct {
	b       *fixture
	session protocol.Session
	id      *protocol.Identity
	topics  []string
	refused protocol.Reason
}

// outcome says how a request ends.
func (v *request) outcome(b *fixture, token string) string {
	hello := v.hello(token)
	opened, refusal := v.dialect.Open(hello)
	if refusal != nil {
		return "deny " + string(refusal.Reason)
	}
	s := opened.Session
	g := &client{b: b, session: s}
	if opened.Credential != nil {
		if g.id, refusal = g.authenticate(*opened.Credential); refusal != nil {
			return "deny " + string(refusal.Reason)
		}
	}
	g.do(s.OnOpen(b.now, 1))
	if v.frames != nil {
		for _, frame := range v.frames(token) {
			if g.refused == "" {
				_, commands := s.Receive(b.now, protocol.ClientMessage{Data: []byte(frame)})
				g.do(commands)
			}
		}
	}
	switch {
	case g.refused != "":
		return "deny " + string(g.refused)
	case g.id == nil:
		return "deny unauthorized" // the connection waits, and hears nothing
	case v.topic != "-" && !slices.Contains(g.topics, v.topic):
		return "deny forbidden"
	}
	return "allow"
}

func (g *client) authenticate(credential protocol.Credential) (*protocol.Identity, *protocol.Refusal) {
	id, err := g.b.show("acme", credential)
	return id, protocol.AsRefusal(err)
}

func (g *client) do(commands []protocol.Command) {
	for len(commands) > 0 {
		command := commands[0]
		commands = commands[1:]
		outcome := protocol.Outcome{Now: g.b.now}
		switch c := command.(type) {
		case protocol.Authenticate:
			if outcome.Identity, outcome.Err = g.authenticate(c.Credential); outcome.Err == nil {
				g.id = outcome.Identity
			}
		case protocol.Verify:
			outcome.Identity, outcome.Err = g.authenticate(c.Credential)
		case protocol.Subscribe:
			if outcome.Err = g.subscribe(c); outcome.Err == nil {
				g.topics = append(g.topics, c.Topic)
			}
		case protocol.CountConnections, protocol.Unsubscribe:
		default:
			continue
		}
		if outcome.Err != nil {
			g.refused = cmp.Or(g.refused, outcome.Err.Reason)
		}
		commands = append(g.session.Answer(command, outcome), commands...)
	}
}

// subscribe asks for a topic, as the engine does.
func (g *client) subscribe(c protocol.Subscribe) *protocol.Refusal {
	id := cmp.Or(c.As, g.id)
	if id == nil {
		return &protocol.Refusal{Reason: protocol.Unauthorized}
	}
	return protocol.AsRefusal(g.b.Authorize(context.Background(), "acme", id, c.Topic))
}

// Every token of the table, in every dialect, for every topic: exactly allowed or exactly denied. The file is for
// people to read; go test ./transport/auth -run TestRights -update writes it anew, and git diff shows what that
// changes.
func TestRights_EveryTokenDialectAndTopicIsAsTheTableSays(t *testing.T) {
	b := one(t, tableTenant())
	var out strings.Builder
	fmt.Fprintf(&out, "%-24s %-18s %-10s %-47s %s\n", "# token", "dialect", "action", "topic", "outcome")
	rows := 0
	for _, token := range tableTokens(b, t) {
		for _, v := range tableRequests() {
			text := token[1]
			switch token[0] {
			case "ticket":
				text = b.issueBy(t, "acme", endurainToken(), notify.New(notify.DefaultConfig()).TicketClaims())
			case "ticket-by-other-rules": // F19
				text = b.issue(t, "acme", endurainToken())
			}
			fmt.Fprintf(&out, "%-24s %-18s %-10s %-47s %s\n", token[0], v.dialect.Name(), v.action, v.topic,
				v.outcome(b, text))
			rows++
		}
	}
	if rows < 200 {
		t.Errorf("%d rows, wanted are 200", rows)
	}
	golden := filepath.Join("testdata", "rights.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	wanted, got := strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")
	for i := range max(len(wanted), len(got)) {
		var w, g string
		if i < len(wanted) {
			w = wanted[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			t.Errorf("row %d\nwant %s\ngot  %s", i, w, g)
		}
	}
}
