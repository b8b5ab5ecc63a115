package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/parley-realtime/parley/transport/auth"
)

// reliability.md check 25: 50 clients subscribe and unsubscribe as fast as they can; what each asked last is what it
// hears, and when they have gone nothing is left of them.
func TestSubscriptions_TheLastAnswerHoldsAndNothingIsLeftOver(t *testing.T) {
	t.Parallel()
	r, sign := serve(t, []string{"PARLEY_INTERNAL_LISTEN=", "PARLEY_VALTRONICS_MESSAGES_PER_SECOND=10000000"}, "--dev",
		"--feed=false"), devTokens(t)
	base := goroutines(t, r)
	const clients = 50
	rounds, want := scale(40, 200), atomic.Int64{}
	conns := make([]*websocket.Conn, clients)
	var toggling sync.WaitGroup
	for i := range conns {
		conns[i] = r.logged(sign(auth.Grant{User: fmt.Sprint("toggler-", i)}))
		toggling.Go(func() {
			if toggle(t, conns[i], uint64(i), rounds) {
				want.Add(1)
			}
		})
	}
	toggling.Wait()
	r.publish(int(want.Load()), "telemetry", aTelemetry)
	if status, body := r.ask(http.MethodGet, "/api/v1/topics?prefix=telemetry/1", ""); !strings.Contains(body,
		fmt.Sprintf(`"subscribers":%d,`, want.Load())) {
		t.Errorf("%d %s, want %d subscribers", status, body, want.Load())
	}
	for _, conn := range conns {
		conn.CloseNow()
	}
	for i := range conns {
		r.gone(fmt.Sprint("toggler-", i))
	}
	for late := r.patient(); goroutines(t, r) > base+3; late() {
	}
	r.publish(0, "telemetry", aTelemetry)
	if status, body := r.ask(http.MethodGet, "/api/v1/topics?prefix=telemetry/1", ""); !strings.Contains(body,
		`"subscribers":0,`) {
		t.Errorf("%d %s, want no subscriber", status, body)
	}
	t.Logf("%d subscriptions and ends of them by %d clients; %d stayed", clients*rounds, clients, want.Load())
}

// toggle subscribes and unsubscribes in any order, hears that all was done, and returns what it asked for last.
func toggle(t *testing.T, conn *websocket.Conn, seed uint64, rounds int) (subscribed bool) {
	random := rand.New(rand.NewPCG(seed, 25))
	for range rounds {
		word := "unsubscribe"
		if subscribed = random.IntN(2) == 0; subscribed {
			word = "subscribe"
		}
		if err := conn.Write(t.Context(), websocket.MessageText,
			[]byte(`{"type":"`+word+`","channel":"telemetry","device_id":1}`)); err != nil {
			t.Error(err)
			return false
		}
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"ping"}`)); err != nil {
		t.Error(err)
	}
	if answer, err := next(t, conn); err != nil || !strings.Contains(answer, "pong") {
		t.Errorf("instead of a pong comes %s %v", answer, err)
	}
	return subscribed
}

// member is a client of one of two tenants that have the same users and topics.
func (r *running) member(host, token string) *websocket.Conn {
	r.t.Helper()
	conn, _, err := websocket.Dial(r.t.Context(), r.base+"/ws", &websocket.DialOptions{Host: host})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.CloseNow() })
	say(r.t, conn, `{"type":"auth","token":"`+token+`"}`)
	say(r.t, conn, `{"type":"subscribe","channel":"alerts"}`)
	say(r.t, conn, `{"type":"ping"}`)
	for _, want := range []string{`"success":true`, "pong"} {
		if answer, err := next(r.t, conn); err != nil || !strings.Contains(answer, want) {
			r.t.Fatalf("%s: %s %v", host, answer, err)
		}
	}
	return conn
}

// reliability.md check 23: two tenants with the same users and topics on one server: of many publishes to topics, users
// and all no message, history item, presence or count crosses over, and neither can look at or end what is the other's.
func TestTenants_NothingCrossesOver(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	rewrite(t, file, "valtronics: {connects_per_minute: 0}\ntenants:\n"+
		"  - {name: one, hosts: [one.test], api_keys: ["+firstAPIKey+"], keys: [{secret: "+firstKey+"}]}\n"+
		"  - {name: two, hosts: [two.test], api_keys: ["+secondAPIKey+"], keys: [{secret: "+secondKey+"}]}\n")
	r := serve(t, nil, "--config", file)
	keys := map[string]string{"one": firstAPIKey, "two": secondAPIKey}
	each := scale(300, 50_000)
	var heard, strays [2]atomic.Int64
	var reading, publishing sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for i, tenant := range []string{"one", "two"} {
		sign := tokens(t, tenant, []string{firstKey, secondKey}[i])
		for _, user := range []string{"ann", "bob"} {
			conn := r.member(tenant+".test", sign(auth.Grant{User: user}))
			reading.Go(func() {
				for {
					_, message, err := conn.Read(ctx)
					if err != nil {
						return
					}
					if heard[i].Add(1); !strings.Contains(string(message), `"of `+tenant+`"`) {
						strays[i].Add(1)
					}
				}
			})
		}
	}
	delivered := [2]int64{}
	for i, tenant := range []string{"one", "two"} {
		publishing.Go(func() {
			for n := range each {
				delivered[i] += r.send(keys[tenant], []string{`"topic":"alerts/1"`, `"user":"ann"`, `"all":true`}[n%3],
					strings.Replace(anAlert, "High Temperature Alert", "of "+tenant, 1))
			}
		})
	}
	publishing.Wait()
	for late := r.patient(); heard[0].Load() < delivered[0] || heard[1].Load() < delivered[1]; late() {
		time.Sleep(time.Millisecond)
	}
	want := int64(each + (each+2)/3 + each/3) // what goes to the topic and to all has two hearers
	for i, tenant := range []string{"one", "two"} {
		if strays[i].Load() != 0 || heard[i].Load() != delivered[i] || delivered[i] != want {
			t.Errorf("%s: %d delivered, want %d; %d heard, %d of the other", tenant, delivered[i], want,
				heard[i].Load(), strays[i].Load())
		}
		r.seesOnly(keys[tenant], tenant, int64(each), delivered[i])
	}
	r.endsOnlyItsOwn(keys["one"], keys["two"])
	cancel()
	reading.Wait()
	t.Logf("%d publishes of two tenants, %d and %d deliveries, none crossed over", 2*each, delivered[0], delivered[1])
}

// send publishes an alert and returns how often it was delivered.
func (r *running) send(key, to, alert string) int64 {
	status, answer := r.askAs(key, http.MethodPost, "/api/v1/publish", `{`+to+`,"event":{"kind":"alert","data":`+alert+
		`}}`)
	var receipt struct{ Delivered int64 }
	if err := json.Unmarshal([]byte(answer), &receipt); err != nil || status != http.StatusOK {
		r.t.Errorf("%d %s", status, answer)
	}
	return receipt.Delivered
}

// seesOnly wants that everything that a tenant may look at is its own.
func (r *running) seesOnly(key, tenant string, published, delivered int64) {
	r.t.Helper()
	var known struct{ Epoch string }
	_, first := r.askAs(key, http.MethodGet, "/api/v1/topics/alerts%2F1/history?limit=1", "")
	if err := json.Unmarshal([]byte(first), &known); err != nil {
		r.t.Fatal(err, first)
	}
	newest := fmt.Sprintf("/api/v1/topics/alerts%%2F1/history?epoch=%s&offset=%d&limit=100", known.Epoch,
		(published+2)/3-50)
	for path, wants := range map[string][]string{
		"/api/v1/topics/alerts%2F1/history?offset=0": nil,
		newest:                         {`"of ` + tenant + `"`},
		"/api/v1/topics?prefix=alerts": {fmt.Sprintf(`"offset":%d,`, (published+2)/3)},
		"/api/v1/stats": {`"authenticatedConnections":2,`,
			fmt.Sprintf(`"messagesSent":%d,`, delivered+4)},
	} {
		_, body := r.askAs(key, http.MethodGet, path, "")
		for _, want := range wants {
			if !strings.Contains(body, want) {
				r.t.Errorf("%s sees %s: %.600s, want %s", tenant, path, body, want)
			}
		}
		if other := map[string]string{"one": "of two", "two": "of one"}[tenant]; strings.Contains(body, other) {
			r.t.Errorf("%s sees what is %s in %s", tenant, other, path)
		}
	}
	for _, path := range []string{"/api/v1/connections", "/api/v1/users/ann"} {
		_, body := r.askAs(key, http.MethodGet, path, "")
		if want := map[string]int{"/api/v1/connections": 2, "/api/v1/users/ann": 1}[path]; strings.Count(body,
			`"id":"ws-`) != want {
			r.t.Errorf("%s sees in %s %s, want %d connections", tenant, path, body, want)
		}
	}
}

// endsOnlyItsOwn wants that a tenant cannot look at, end or revoke what is another's.
func (r *running) endsOnlyItsOwn(key, other string) {
	r.t.Helper()
	_, body := r.askAs(other, http.MethodGet, "/api/v1/users/bob", "")
	_, rest, _ := strings.Cut(body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	for _, call := range [][2]string{{http.MethodGet, "/api/v1/connections/" + id},
		{http.MethodDelete, "/api/v1/connections/" + id}} {
		if status, answer := r.askAs(key, call[0], call[1], ""); status != http.StatusNotFound {
			r.t.Errorf("%s %s of another tenant: %d %s", call[0], call[1], status, answer)
		}
	}
	if status, answer := r.askAs(key, http.MethodPost, "/api/v1/users/bob/disconnect",
		""); answer != `{"disconnected":1}` {
		r.t.Errorf("%d %s", status, answer)
	}
	if status, answer := r.askAs(key, http.MethodPost, "/api/v1/revoke", `{"user":"ann"}`); answer != `{"closed":1}` {
		r.t.Errorf("%d %s", status, answer)
	}
	if _, after := r.askAs(other, http.MethodGet, "/api/v1/connections", ""); strings.Count(after, `"id":"ws-`) != 2 {
		r.t.Errorf("of the other tenant there is %s", after)
	}
}
