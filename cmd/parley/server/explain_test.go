package server

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
)

// What explain answers is what happens: random questions over random rules, each asked and then really done.
func TestExplain_AgreesWithWhatReallyHappens(t *testing.T) {
	questions, perWorld := 100_000, 250
	switch {
	case raceEnabled:
		questions, perWorld = 2000, 200
	case testing.Short():
		questions, perWorld = 4000, 200
	}
	counts := map[string]int{}
	seed := uint64(time.Now().UnixNano())
	for n := 0; n < questions; n += perWorld {
		random := func() *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(n))) }
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, random())
			defer w.end()
			for i := 0; i < perWorld && !t.Failed(); i++ {
				w.compare(counts)
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d, world %d:\n%s", seed, n, randomRules(random()))
		}
	}
	t.Logf("%d questions agree: %v", questions, counts)
	for _, kind := range []string{"connect true", "connect false", "subscribe true", "subscribe false", "publish true",
		"publish false", "receive true", "receive false"} {
		if counts[kind] == 0 {
			t.Errorf("no %s among %v", kind, counts)
		}
	}
}

// compare asks one random question, and does what it is about.
func (w *world) compare(counts map[string]int) {
	if w.random.IntN(4) == 0 { // some of what is counted by rates fades
		time.Sleep(time.Duration(w.random.IntN(5000)) * time.Millisecond)
	}
	tenant, user := pick(w.random, "acme", "beta"), pick(w.random, "u1", "u2", "u3")
	switch w.random.IntN(11) {
	case 0:
		w.closeFrom(0) // else it would close them by and by
		_ = w.node.SuspendTenant(tenant, w.random.IntN(8) == 0)
		fallthrough
	case 1:
		w.comparePublish(tenant, counts)
	case 2, 3, 4:
		w.compareReceive(counts)
	default:
		w.compareClient(tenant, user, counts)
	}
}

var topicsOfQuestions = []string{"alerts", "telemetry", "telemetry/1", "telemetry/2", "devices/1", "projects", "$x",
	"a//b", "issueUpdate/1", "system"}

func (w *world) comparePublish(tenant string, counts map[string]int) {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.JSON, Data: []byte(`{"a":1}`)})
	if err != nil {
		w.t.Fatal(err)
	}
	to := actors.Target{Topic: pick(w.random, topicsOfQuestions...)}
	asked := time.Now()
	answer, refusal := w.ask(tenant, api.Question{Action: api.Publish, Target: to, Event: ev})
	_, err = w.node.Publish(w.t.Context(), tenant, to, ev)
	w.agree("publish", answer, refusal, err == nil, asked, counts)
}

// agree compares an answer with what happened. A rate may have room again where a session waited meanwhile.
func (w *world) agree(
	action string, answer api.Explanation, refusal *protocol.Refusal, happened bool, asked time.Time,
	counts map[string]int,
) {
	w.t.Helper()
	counts[fmt.Sprintf("%s %v", action, happened)]++
	waited := refusal != nil && refusal.RetryAfter > 0 && time.Since(asked) >= refusal.RetryAfter
	if answer.Allowed != happened && !(happened && waited) {
		w.t.Errorf("%s: explain says %+v, but it is %v", action, answer, happened)
	}
	if len(answer.Trail) == 0 || !answer.Allowed && answer.Trail[answer.Decided].Verdict != "refused" {
		w.t.Errorf("%s: the answer %+v names no rule", action, answer)
	}
}

func (w *world) compareClient(tenant, user string, counts map[string]int) {
	r := w.random
	q := api.Question{Action: api.Connect, Dialect: pick(r, "valtronics", "notify", "dashboard", "airlay"),
		Origin:  pick(r, "", "", "https://app.example", "https://evil.test", "http://acme.test"),
		Address: pick(r, "192.0.2.7", "198.51.100.1", "2001:db8::1"), Host: pick(r, "acme.test", "beta.test", "other")}
	shown := w.token(tenant, user)
	if q.Token = shown; r.IntN(3) == 0 {
		q.Token, q.User = "", user
		shown, _ = w.verifier.Sign(tenant, goodFor(tenant, user))
		if r.IntN(2) > 0 { // good for whatever the tenant demands
			q.Host = pick(r, tenant+".test", "other")
		}
	}
	w.closeFrom(min(len(w.open), 4))
	asked := time.Now()
	answer, refusal := w.ask(tenant, q)
	before := w.authenticated(tenant)
	conn := w.connect(q, shown)
	admitted := w.authenticated(tenant) == before+1
	w.agree("connect", answer, refusal, admitted, asked, counts)
	if w.t.Failed() {
		w.t.Logf("%+v", q)
	}
	if conn == nil {
		return
	}
	w.open = append(w.open, conn)
	if admitted {
		conn.tenant, conn.dialect, conn.id = tenant, q.Dialect, w.newest(tenant).ID
		w.compareSubscribe(tenant, q, shown, conn, counts)
	}
	if !admitted || r.IntN(3) > 0 {
		w.closeFrom(len(w.open) - 1)
	}
}

// authenticated are the connections of a tenant that have logged in.
func (w *world) authenticated(tenant string) (n int) {
	for _, d := range w.node.Stats(tenant).Dialects {
		n += int(d.Authenticated)
	}
	return n
}

// visitor is a client that is read.
type visitor struct {
	*ws.Conn
	tenant, dialect, id string // once it has logged in
	ended               chan struct{}
	mu                  sync.Mutex
	heard               bytes.Buffer // all that it read
}

// heardOf reports whether the client read a text.
func (v *visitor) heardOf(text string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return bytes.Contains(v.heard.Bytes(), []byte(text))
}

// read reads until the connection ends.
func (v *visitor) read() {
	defer close(v.ended)
	for {
		_, data, err := v.Conn.Read(context.Background())
		if err != nil {
			return
		}
		v.mu.Lock()
		v.heard.Write(data)
		v.mu.Unlock()
	}
}

func (v *visitor) hasEnded() bool {
	select {
	case <-v.ended:
		return true
	default:
		return false
	}
}

// connect does what the question is about; nil is a handshake that was refused.
func (w *world) connect(q api.Question, token string) *visitor {
	client := w.explainer.clients[q.Dialect]
	opening, err := client.Open(token, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	at := w.comingFrom(q.Address)
	transport := &http.Transport{DialContext: at.dial, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	header := http.Header{}
	for name, value := range opening.Header {
		header.Set(name, value)
	}
	if q.Origin != "" {
		header.Set("Origin", q.Origin)
	}
	to := url.URL{Scheme: "ws", Host: q.Host, Path: opening.Path, RawQuery: opening.Query.Encode()}
	conn, _, err := ws.Dial(w.t.Context(), to.String(), &ws.DialOptions{HTTPClient: &http.Client{Transport: transport},
		HTTPHeader: header})
	if err != nil {
		return nil
	}
	v := &visitor{Conn: conn, ended: make(chan struct{})}
	go v.read()
	var frames [][]byte
	switch {
	case client.SubscribesFirst:
		frames, _ = client.Subscribe(token, nil)
	case client.Login != nil:
		frames = client.Login(token)
	}
	w.say(v, frames)
	if q.Dialect == "dashboard" && token == "" {
		time.Sleep(time.Second) // so long it waits for one
		synctest.Wait()
	}
	return v
}

// say sends frames, and waits until they were obeyed or the connection has ended.
func (w *world) say(v *visitor, frames [][]byte) {
	synctest.Wait()
	for _, frame := range frames {
		_ = v.Write(w.t.Context(), ws.MessageText, frame)
		synctest.Wait()
	}
}

func (w *world) compareSubscribe(
	tenant string, q api.Question, token string, v *visitor, counts map[string]int,
) {
	client := w.explainer.clients[q.Dialect]
	topics := topicsOfQuestions
	if w.random.IntN(4) > 0 {
		hears := func(topic string) bool { return !client.Hears(topic) }
		topics = append(slices.DeleteFunc(slices.Clone(topics), hears), "alerts")
	}
	q.Action, q.Target.Topic = api.Subscribe, pick(w.random, topics...)
	if w.newest(tenant).subscribed(q.Target.Topic) {
		return
	}
	asked := time.Now()
	answer, refusal := w.ask(tenant, q)
	frames, err := client.Subscribe(token, []string{q.Target.Topic})
	if err == nil {
		w.say(v, frames)
	}
	w.agree("subscribe", answer, refusal, w.newest(tenant).subscribed(q.Target.Topic), asked, counts)
}
