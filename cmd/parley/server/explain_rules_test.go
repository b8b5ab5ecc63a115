package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/grant"
	"github.com/parley-realtime/parley/cmd/parley/config"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
)

// explained is a server that is asked, with its configuration file.
type explained struct {
	*world
	text string
}

const baseRules = `listen: 127.0.0.1:0
internal_listen: 127.0.0.1:0
websocket:
  origins: ["https://app.example"]
  max_sockets: 1000
engine:
  topics: 1000
  unauthenticated: 400
  unauthenticated_per_address: 300
valtronics:
  enabled: true
  connections: 200
  connects_per_minute: 100000
  connections_per_user: 50
  subscriptions: 40
notify:
  strict_claims: true
rates:
  user: {subscribes: 100, connects: 100}
topic_rules:
  - pattern: devices
    slow: conflate
  - pattern: telemetry/*
tenants:
  - name: other
    api_keys: [others-key-for-backends]
    hosts: [other.test]
    keys: [{alg: HS256, secret: "99999999999999999999999999999999999999999"}]
  - name: acme
    api_keys: [acme-key-for-backends]
    hosts:
      - acme.test
    keys:
      - alg: HS256
        kid: first
        secret: "0123456789012345678901234567890123456789"
    issuer: "me"
    audience: "parley"
    leeway: 1s
    never_expire: false
    user_claim: [sub]
    users:
      - u1
    topics:
      - telemetry/*
      - alerts
    connections: 100
    lobby: false
    rates:
      tenant: {messages: 1000}
`

// withExplained plays with a server in a bubble, whose configuration is changed as a replacer does.
func withExplained(t *testing.T, change []string, play func(t *testing.T, e *explained)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newExplained(t, change...)
		defer e.end()
		play(t, e)
	})
}

func newExplained(t *testing.T, change ...string) *explained {
	text := strings.NewReplacer(change...).Replace(baseRules)
	w := &world{t: t, file: filepath.Join(t.TempDir(), "parley.yaml"), pipes: map[string]*pipes{}}
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Server = assemble(t, w.load())
	return &explained{w, text}
}

// load reads the configuration file.
func (w *world) load() config.Config {
	loaded := config.Load(config.Sources{Protocols: everyProtocol, File: w.file,
		Environ: []string{"PARLEY_ENGINE_BACKLOG=65536"}})
	if len(loaded.Problems) > 0 {
		w.t.Fatal(loaded.Problems)
	}
	return loaded.Config
}

// place is file and line of a text of the configuration.
func (e *explained) place(marker string) string {
	before, _, found := strings.Cut(e.text, marker)
	if !found {
		e.t.Fatalf("no %q in the configuration", marker)
	}
	return fmt.Sprintf("%s:%d", e.file, 1+strings.Count(before, "\n"))
}

// token signs a token with all that the tenant demands.
func (e *explained) token(change func(*auth.Grant)) string {
	g := auth.Grant{User: "u1", Claims: `{"sid":"s","scope":"x","nbf":1}`}
	if change != nil {
		change(&g)
	}
	text, err := e.verifier.Sign("acme", g)
	if err != nil {
		e.t.Fatal(err)
	}
	return text
}

// claims are further claims of a token.
func claims(json string) func(*auth.Grant) { return func(g *auth.Grant) { g.Claims = json } }

func connecting(q api.Question) api.Question {
	q.Action = api.Connect
	if q.Dialect == "" {
		q.Dialect = "valtronics"
	}
	if q.User+q.Token == "" {
		q.User = "u1"
	}
	return q
}

func subscribing(user, topic string) api.Question {
	return api.Question{Action: api.Subscribe, User: user, Target: actors.Target{Topic: topic}, Dialect: "valtronics"}
}

func publishing(e *explained, topic string) api.Question {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: []byte(`{"a":1}`)})
	if err != nil {
		e.t.Fatal(err)
	}
	return api.Question{Action: api.Publish, Target: actors.Target{Topic: topic}, Event: ev}
}

// explainCase is a question whose answer a rule decides. at is the text of the configuration where the rule stands, or
// the place itself; "" if the rule is no setting.
type explainCase struct {
	rule, at string
	ask      func(e *explained) api.Question
	change   []string
}

var explainCases = []explainCase{
	{"host", "hosts:\n      - acme", func(*explained) api.Question {
		return connecting(api.Question{Host: "other.test"})
	}, nil},
	{"path", "enabled: false", func(*explained) api.Question { return connecting(api.Question{}) },
		[]string{"enabled: true", "enabled: false", "webSocketEvents", "webSocketEvents",
			"notify:\n", "webSocketEvents: {enabled: false}\nnotify:\n"}},
	{"origin", "origins:", func(*explained) api.Question {
		return connecting(api.Question{Origin: "https://evil.example"})
	}, nil},
	{"max_sockets", "max_sockets:", func(e *explained) api.Question { e.let("u1"); return connecting(api.Question{}) },
		[]string{"max_sockets: 1000", "max_sockets: 1"}},
	{"draining", "", func(e *explained) api.Question {
		_ = e.node.Drain(e.t.Context())
		return connecting(api.Question{})
	}, nil},
	{"suspended", "", func(e *explained) api.Question {
		_ = e.node.SuspendTenant("acme", true)
		return connecting(api.Question{})
	}, nil},
	{"connections", "connections: 1\n    lobby", func(e *explained) api.Question {
		e.let("u1")
		return connecting(api.Question{})
	}, []string{"connections: 100\n    lobby", "connections: 1\n    lobby"}},
	{"dialect_connections", "connections: 1\n  connects", func(e *explained) api.Question {
		e.let("u1")
		return connecting(api.Question{})
	}, []string{"connections: 200", "connections: 1"}},
	{"user_connections", "connections_per_user:", func(e *explained) api.Question {
		e.let("u1")
		return connecting(api.Question{})
	}, []string{"connections_per_user: 50", "connections_per_user: 1"}},
	{"user_connects", "connects_per_minute:", func(e *explained) api.Question {
		e.let("u1")
		return connecting(api.Question{})
	}, []string{"connects_per_minute: 100000", "connects_per_minute: 1"}},
	{"rate", "user: {subscribes", func(e *explained) api.Question {
		e.let("u1")
		return connecting(api.Question{})
	}, []string{"connects: 100}", "connects: 1}"}},
	{"rate", "tenant: {messages", func(e *explained) api.Question {
		q := publishing(e, "alerts")
		_, _ = e.node.Publish(e.t.Context(), "acme", q.Target, q.Event)
		return q
	}, []string{"messages: 1000", "messages: 1"}},
	{"token_size", "", func(*explained) api.Question {
		return connecting(api.Question{Token: strings.Repeat("x", 9000), Dialect: "notify"})
	}, nil},
	{"token_syntax", "", func(*explained) api.Question { return connecting(api.Question{Token: "a.b.c"}) }, nil},
	{"token_key", "keys:\n      - alg", func(*explained) api.Question {
		return connecting(api.Question{Token: "eyJhbGciOiJIUzI1NiIsImtpZCI6Im5vIn0.e30.AAAA"})
	}, nil},
	{"token_signature", "- alg: HS256", func(e *explained) api.Question {
		text := e.token(nil)
		return connecting(api.Question{Token: text[:strings.LastIndex(text, ".")] + ".AAAA"})
	}, nil},
	{"token_issuer", "issuer:", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"iss":"you"}`))})
	}, nil},
	{"token_times", "never_expire:", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"exp":"never"}`))})
	}, nil},
	{"token_expiry", "leeway:", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(func(g *auth.Grant) { g.TTL = -time.Hour })})
	}, nil},
	{"token_not_before", "leeway:", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"nbf":99999999999}`))})
	}, nil},
	{"token_audience", "audience:", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"aud":"others"}`))})
	}, nil},
	{"token_purpose", "", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"type":"refresh"}`))})
	}, nil},
	{"token_claims", "", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"sid":null}`)), Dialect: "notify"})
	}, nil},
	{"token_user", "user_claim:", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"sub":1.5}`))})
	}, nil},
	{"token_id", "", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"jti":[]}`))})
	}, nil},
	{"token_topics", "topics:\n      - telemetry", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(claims(`{"topics":"all"}`))})
	}, nil},
	{"token_revoked", "", func(e *explained) api.Question {
		text := e.token(nil)
		if _, _, err := e.node.Revoke(e.t.Context(), "acme", grant.Revocation{User: "u1"}); err != nil {
			e.t.Fatal(err)
		}
		return connecting(api.Question{Token: text})
	}, nil},
	{"user_known", "users:", func(*explained) api.Question {
		return connecting(api.Question{User: "u2", Dialect: "airlay"})
	}, nil},
	{"login", "", func(*explained) api.Question {
		return api.Question{Action: api.Connect, Dialect: "valtronics"}
	}, nil},
	{"dialect_rules", "", func(e *explained) api.Question {
		return connecting(api.Question{Token: e.token(nil), Dialect: "dashboard"})
	}, []string{"notify:\n", "dashboard: {multi_tenant: true}\nnotify:\n"}},
	{"dialect_topics", "", func(*explained) api.Question { return subscribing("u1", "orders") }, nil},
	{"grant", "topics:\n      - telemetry", func(*explained) api.Question {
		return subscribing("u1", "devices/1")
	}, nil},
	{"subscriptions", "subscriptions:", func(e *explained) api.Question {
		return api.Question{Action: api.Subscribe, Connection: e.let("u1", "alerts"),
			Target: actors.Target{Topic: "telemetry/1"}}
	}, []string{"subscriptions: 40", "subscriptions: 1"}},
	{"topics", "topics: 1\n", func(e *explained) api.Question {
		q := publishing(e, "alerts")
		_, _ = e.node.Publish(e.t.Context(), "acme", q.Target, q.Event)
		return subscribing("u1", "telemetry/1")
	}, []string{"topics: 1000", "topics: 1"}},
	{"topic_name", "", func(e *explained) api.Question { return publishing(e, "a//b") }, nil},
	{"topic_reserved", "", func(e *explained) api.Question { return publishing(e, "$lifecycle") }, nil},
	{"target", "", func(e *explained) api.Question {
		q := publishing(e, "alerts")
		q.Target.All = true
		return q
	}, nil},
	{"unauthenticated", "unauthenticated: 1\n", func(e *explained) api.Question {
		e.let("")
		return connecting(api.Question{})
	}, []string{"unauthenticated: 400", "unauthenticated: 1"}},
	{"unauthenticated_per_address", "unauthenticated_per_address:", func(e *explained) api.Question {
		e.let("")
		return connecting(api.Question{Address: "192.0.2.1"})
	}, []string{"unauthenticated_per_address: 300", "unauthenticated_per_address: 1"}},
}

// let lets a client in, which stays, and returns its id; "" is one that does not log in.
func (e *explained) let(user string, topics ...string) string {
	e.t.Helper()
	q := connecting(api.Question{User: user, Address: "192.0.2.1", Host: "acme.test"})
	token := ""
	if user != "" {
		token = e.world.mustSign("acme", auth.Grant{User: user})
	}
	v := e.connect(q, token)
	if v == nil {
		e.t.Fatal("the client was not let in")
	}
	e.open = append(e.open, v)
	if len(topics) > 0 {
		frames, err := e.explainer.clients[q.Dialect].Subscribe(token, topics)
		if err != nil {
			e.t.Fatal(err)
		}
		e.say(v, frames)
	}
	all, _, err := e.node.Connections(e.t.Context(), "acme", actors.ConnectionQuery{Limit: 10})
	if err != nil || len(all) != 1 {
		e.t.Fatal(all, err)
	}
	return all[0].ID
}

func (w *world) mustSign(tenant string, g auth.Grant) string {
	text, err := w.verifier.Sign(tenant, g)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func TestExplain_NamesEachRuleAndWhereItStands(t *testing.T) {
	for _, c := range explainCases {
		t.Run(c.rule, func(t *testing.T) { withExplained(t, c.change, c.play) })
	}
}

// play asks, and looks which rule decided.
func (c explainCase) play(t *testing.T, e *explained) {
	answer, refusal := e.ask("acme", c.ask(e))
	if answer.Allowed || refusal == nil || answer.Decided < 0 {
		t.Fatalf("%+v", answer)
	}
	step, want := answer.Trail[answer.Decided], ""
	if c.at != "" {
		want = e.place(c.at)
	}
	if step.Rule.String() != c.rule || step.At != want || step.Verdict != "refused" {
		t.Errorf("decided by %s at %q, want %s at %q; %s", step.Rule, step.At, c.rule, want, answer.Advice)
	}
	if answer.Advice == "" {
		t.Error("no advice")
	}
}

// What comes from the environment or is left open says so, and a reload moves the lines of what it replaces alone.
func TestExplain_KnowsWhereSettingsCameFromAlsoBehindAReload(t *testing.T) {
	withExplained(t, nil, func(t *testing.T, e *explained) {
		provenance := func(q api.Question) map[string]string {
			answer, _ := e.ask("acme", q)
			all := map[string]string{}
			for _, step := range answer.Trail {
				all[step.Rule.String()] = step.At
			}
			return all
		}
		published := provenance(publishing(e, "telemetry/1"))
		if published["backpressure"] != "environment PARLEY_ENGINE_BACKLOG" || published["memory"] != "default" ||
			published["topic_rule"] != e.place("- pattern: telemetry/*") {
			t.Errorf("%v", published)
		}
		origins := e.place("origins:")
		e.text = "# a line more\n" + e.text
		if err := os.WriteFile(e.file, []byte(e.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := e.Reload(e.load()); err != nil {
			t.Fatal(err)
		}
		after := provenance(connecting(api.Question{}))
		if after["origin"] != origins || after["connections"] != e.place("connections: 100") ||
			after["user_connections"] != e.place("connections_per_user:") {
			t.Errorf("%v", after)
		}
	})
}

// A question is no use: what is asked does not count, and a ticket stays good.
func TestExplain_UsesNothingUp(t *testing.T) {
	change := []string{"connects_per_minute: 100000", "connects_per_minute: 1", "messages: 1000", "messages: 1"}
	withExplained(t, change, func(t *testing.T, e *explained) {
		before := e.verifier.Stats().Outcomes
		for range 20 {
			for _, q := range []api.Question{connecting(api.Question{}), publishing(e, "alerts"),
				subscribing("u1", "alerts"), connecting(api.Question{Token: e.token(nil)})} {
				if answer, _ := e.ask("acme", q); !answer.Allowed {
					t.Fatalf("%+v", answer)
				}
			}
		}
		if after := e.verifier.Stats().Outcomes; !equalCounts(before["acme"], after["acme"]) {
			t.Errorf("logins counted: %v, then %v", before, after)
		}
		if n := e.connections(); n != 0 {
			t.Errorf("%d connections", n)
		}
	})
}

func equalCounts(a, b map[string]uint64) bool {
	for name, n := range a {
		if b[name] != n {
			return false
		}
	}
	return len(a) == len(b)
}

// A tenant that asks learns nothing of another tenant's tokens, keys and hosts.
func TestExplain_TellsNothingOfOtherTenants(t *testing.T) {
	change := []string{"hosts: [other.test]", "lobby: true", "lobby: false", "lobby: true"}
	withExplained(t, change, func(t *testing.T, e *explained) {
		foreign := []string{e.mustSign("other", auth.Grant{User: "x"}),
			e.mustSign("other", auth.Grant{User: "x", TTL: -1}),
			e.mustSign("other", auth.Grant{User: "x", Claims: `{"iss":"me","aud":"parley"}`})}
		for _, token := range foreign {
			answer, _ := e.ask("acme", connecting(api.Question{Token: token, Host: "elsewhere.test"}))
			if answer.Allowed {
				t.Fatalf("%+v", answer)
			}
			if rule := answer.Trail[answer.Decided].Rule.String(); rule != "token_signature" {
				t.Errorf("decided by %s, which another tenant's keys or rules said", rule)
			}
			if i := slices.IndexFunc(answer.Trail, func(r api.ExplainedRule) bool {
				return strings.Contains(r.Setting, "tenants[0]")
			}); i >= 0 {
				t.Errorf("%+v is the other tenant's", answer.Trail[i])
			}
		}
	})
}

// The server's own page is one that came by TLS where the server speaks TLS.
func TestExplain_KnowsThatTheServerSpeaksTLS(t *testing.T) {
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	selfSigned(t, certificate, key)
	change := []string{"websocket:\n",
		fmt.Sprintf("tls: {certificate: %s, key: %s}\nwebsocket:\n", certificate, key)}
	withExplained(t, change, func(t *testing.T, e *explained) {
		for origin, want := range map[string]bool{"http://acme.test": false, "https://acme.test": true} {
			answer, _ := e.ask("acme", connecting(api.Question{Origin: origin, Host: "acme.test"}))
			if answer.Allowed != want {
				t.Errorf("%s: %+v", origin, answer)
			}
		}
	})
}
