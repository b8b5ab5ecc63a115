package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/transport/api"
)

// listed is a connection as the server lists it.
type listed actors.ConnectionInfo

func (c listed) subscribed(topic string) bool { return slices.Contains(c.Subscriptions, topic) }

// newest is the newest connection of a tenant.
func (w *world) newest(tenant string) listed {
	all := w.list(tenant)
	if len(all) == 0 {
		w.t.Fatal("no connection")
	}
	return listed(slices.MaxFunc(all, func(a, b actors.ConnectionInfo) int {
		return len(a.ID)*1000 - len(b.ID)*1000 + strings.Compare(a.ID, b.ID)
	}))
}

func (w *world) list(tenant string) []actors.ConnectionInfo {
	all, _, err := w.node.Connections(w.t.Context(), tenant, actors.ConnectionQuery{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// events are some of each kind, with a mark in them.
var events = map[protocol.Kind]string{
	protocol.JSON:  `{"a":%q}`,
	protocol.Alert: `{"alert_id":1,"device_id":1,"severity":"critical","title":%q,"message":"m"}`,
	protocol.Telemetry: `{"device_id":1,"telemetry":{"temperature":{"value":%q,"unit":"C",` +
		`"timestamp":"2026-01-31T12:00:00Z"}}}`,
	protocol.DeviceStatus:   `{"device_id":1,"old_status":"online","new_status":"offline","reason":%q}`,
	protocol.ProjectUpdated: `{"project_name":"p","trigger":%q}`,
	protocol.Message:        `{"level":"info","message":%q}`,
}

// event makes a random event, with a mark.
func (w *world) event(mark string) *protocol.Event {
	kinds := slices.Collect(maps.Keys(events))
	slices.Sort(kinds)
	ev := marked(pick(w.random, kinds...), mark)
	ev.ID = pick(w.random, "", "", "", "e1", "e2", "e3")
	return ev
}

// marked makes an event with a mark, of device 1 where it is of one.
func marked(kind protocol.Kind, mark string) *protocol.Event {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: kind, Data: fmt.Appendf(nil, events[kind], mark)})
	if err != nil {
		panic(err)
	}
	return ev
}

// filtered is a subscription of valtronics with a filter.
func (w *world) filtered() []byte {
	return []byte(pick(w.random, `{"type":"subscribe","channel":"alerts","filters":{"severity":["warning"]}}`,
		`{"type":"subscribe","channel":"alerts","device_id":1}`,
		`{"type":"subscribe","channel":"telemetry","filters":{"metrics":["humidity"]}}`,
		`{"type":"subscribe","channel":"telemetry","device_id":2,"filters":{"frequency":"5s"}}`,
		`{"type":"subscribe","channel":"devices","filters":{"device_id":[1,3],"status_types":["offline"]}}`))
}

// compareReceive asks about an event and a client that is there, publishes the event, and looks whether it came.
func (w *world) compareReceive(counts map[string]int) {
	if len(w.open) == 0 {
		return
	}
	r := w.random
	v := w.open[r.IntN(len(w.open))]
	if v.id == "" || v.hasEnded() {
		return
	}
	if v.dialect == "valtronics" && r.IntN(3) > 0 {
		w.say(v, [][]byte{w.filtered()})
	}
	w.marks++
	mark := fmt.Sprintf("mark-%d-", w.marks)
	q := api.Question{Action: api.Receive, Connection: v.id, Event: w.event(mark)}
	known := w.known(v)
	topics := append([]string{"", q.Event.HomeTopic()}, topicsOfQuestions...)
	if len(known.Subscriptions) > 0 && r.IntN(2) > 0 {
		topics = known.Subscriptions
		for _, topic := range known.Subscriptions {
			topics = append(topics, topic+"/1")
		}
	}
	q.Target.Topic = pick(r, topics...)
	q.Target.Exclude = pick(r, "", "", "", v.id, "ws-1")
	if r.IntN(8) == 0 {
		_ = v.Close(ws.StatusNormalClosure, "")
		synctest.Wait()
	}
	asked := time.Now()
	answer, refusal := w.ask(v.tenant, q)
	if q.Target.Topic == "" {
		q.Target.Users = []string{known.User}
	}
	_, _ = w.node.Publish(w.t.Context(), v.tenant, q.Target, q.Event)
	synctest.Wait()
	if slices.ContainsFunc(answer.Trail, func(r api.ExplainedRule) bool { return r.Verdict == "changed" }) {
		time.Sleep(6 * time.Second) // it comes later
		synctest.Wait()
	}
	w.agree("receive", answer, refusal, v.heardOf(mark), asked, counts)
	counts["receive by "+answer.Trail[answer.Decided].Rule.String()+string(answer.Trail[answer.Decided].Verdict)]++
	if w.t.Failed() {
		w.t.Logf("%s %s: %s to %+v, %s", v.id, v.dialect, q.Event.Kind, q.Target, q.Event.Data)
	}
}

// known is what the server knows of a client.
func (w *world) known(v *visitor) actors.ConnectionInfo {
	all := w.list(v.tenant)
	return all[slices.IndexFunc(all, func(c actors.ConnectionInfo) bool { return c.ID == v.id })]
}

// receiving asks whether a connection gets an alert of a topic.
func receiving(connection, topic string) api.Question {
	ev := marked(protocol.Alert, "x")
	ev.ID = "e1"
	return api.Question{Action: api.Receive, Connection: connection, Event: ev, Target: actors.Target{Topic: topic}}
}

func TestExplain_NamesTheRuleByWhichAnEventDoesNotCome(t *testing.T) {
	for _, c := range []explainCase{
		{"connected", "", func(e *explained) api.Question { return receiving("ws-7", "alerts/1") }, nil},
		{"connected", "", func(e *explained) api.Question {
			q := receiving("", "")
			q.User = "nobody"
			return q
		}, nil},
		{"suspended", "", func(e *explained) api.Question {
			q := receiving(e.let("u1", "alerts"), "alerts/1")
			_ = e.node.SuspendTenant("acme", true)
			return q
		}, nil},
		{"login", "", func(e *explained) api.Question { return receiving(e.let(""), "alerts/1") }, nil},
		{"subscription", "", func(e *explained) api.Question {
			return receiving(e.let("u1", "alerts"), "telemetry/1")
		}, nil},
		{"filter", "", func(e *explained) api.Question {
			q := receiving(e.let("u1"), "alerts/1")
			e.say(e.open[0], [][]byte{
				[]byte(`{"type":"subscribe","channel":"alerts","filters":{"severity":["info"]}}`)})
			return q
		}, nil},
		{"excluded", "", func(e *explained) api.Question {
			q := receiving(e.let("u1", "alerts"), "alerts/1")
			q.Target.Exclude = q.Connection
			return q
		}, nil},
		{"dialect_words", "", func(e *explained) api.Question {
			q := receiving(e.let("u1", "alerts"), "alerts/1")
			q.Event = marked(protocol.ProjectUpdated, "x")
			return q
		}, nil},
		{"dedup", "dedup_age:", func(e *explained) api.Question {
			q := receiving(e.let("u1", "alerts"), "alerts/1")
			if _, err := e.node.Publish(e.t.Context(), "acme", q.Target, q.Event); err != nil {
				e.t.Fatal(err)
			}
			return q
		}, []string{"engine:\n", "engine:\n  dedup_age: 1m\n"}},
	} {
		t.Run(c.rule, func(t *testing.T) { withExplained(t, c.change, c.play) })
	}
}

// Of a user's connections, one that gets the event is enough. What waits, or comes later, says so.
func TestExplain_TellsHowAnEventComesToAUser(t *testing.T) {
	withExplained(t, nil, func(t *testing.T, e *explained) {
		q := receiving("", "")
		q.User, q.Event = "u1", marked(protocol.Message, "x")
		answer, _ := e.ask("acme", q)
		if i := len(answer.Trail) - 2; answer.Allowed || answer.Trail[i].Rule.String() != "inbox" ||
			answer.Trail[i].Verdict != "changed" {
			t.Errorf("a user who is not there: %+v", answer)
		}
		id := e.let("u1", "alerts")
		for _, topic := range []string{"", "alerts/1"} {
			q.Target = actors.Target{Topic: topic}
			answer, _ = e.ask("acme", q)
			if !answer.Allowed || !slices.ContainsFunc(answer.Trail, func(r api.ExplainedRule) bool {
				return r.Rule.String() == "connected" && r.Value == id
			}) {
				t.Errorf("to %q: %+v", topic, answer)
			}
		}
		q.Dialect = "notify"
		if answer, _ = e.ask("acme", q); answer.Allowed {
			t.Errorf("the user has no such connection: %+v", answer)
		}
	})
}
