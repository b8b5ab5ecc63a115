package centrifugo

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/stats"
	"github.com/parley-realtime/parley/protocol"
)

// fake is a node with one tenant, whose topics remember their last events.
type fake struct {
	past   map[string][]protocol.Past
	forgot int      // how many of each topic's first events it does not remember
	closed []string // what was disconnected
}

func (f *fake) Publish(
	_ context.Context, tenant string, to actors.Target, ev *protocol.Event,
) (actors.Receipt, error) {
	if to.Topic == "full" {
		return actors.Receipt{}, protocol.Refuse(protocol.Busy, "")
	}
	at := uint64(len(f.past[to.Topic]) + 1)
	f.past[to.Topic] = append(f.past[to.Topic], protocol.Past{Event: ev.At(to.Topic), Offset: at})
	return actors.Receipt{Position: protocol.Position{Epoch: "E", Offset: at}}, nil
}

func (f *fake) History(
	_ context.Context, tenant, topic string, after protocol.Position, limit int,
) (actors.HistoryPage, error) {
	all := f.past[topic]
	page := actors.HistoryPage{Position: protocol.Position{Epoch: "E", Offset: uint64(len(all))}}
	from := max(int(after.Offset), f.forgot)
	if after.Epoch != "" && (after.Epoch != "E" || int(after.Offset) < f.forgot) {
		return page, protocol.Refuse(protocol.PositionLost, "")
	}
	page.Events = append(page.Events, all[from:min(len(all), from+limit)]...)
	return page, nil
}

func (f *fake) Present(context.Context, string, string) ([]protocol.Member, error) {
	return []protocol.Member{{ID: "alice"}, {ID: "ws-1", Info: []byte(`{"user":"bob","client":"ws-1"}`)},
		{ID: "ws-2", Info: []byte(`{"user":"bob","client":"ws-2"}`)}}, nil
}

func (f *fake) Topics(_ context.Context, _ string, q actors.TopicQuery) ([]actors.TopicInfo, string, error) {
	var found []actors.TopicInfo
	for _, name := range []string{"a", "a/b", "b"} {
		if strings.HasPrefix(name, q.Prefix) {
			found = append(found, actors.TopicInfo{Name: name, Subscribers: len(name) - 1 + len(q.Prefix)})
		}
	}
	return found, "", nil
}

func (f *fake) User(context.Context, string, string) (actors.UserInfo, error) {
	return actors.UserInfo{Connections: []actors.ConnectionInfo{{ID: "ws-1"}, {ID: "ws-2"}}}, nil
}

func (f *fake) Disconnect(_, id string, code uint16, reason string) error {
	f.closed = append(f.closed, fmt.Sprint(id, " ", code, " ", reason))
	return nil
}

func (f *fake) DisconnectUser(_ context.Context, _, user string, code uint16, reason string) (int, error) {
	f.closed = append(f.closed, fmt.Sprint(user, " ", code, " ", reason))
	return 0, protocol.Refuse(protocol.NotFound, "")
}

func (f *fake) Stats(string) stats.Tenant {
	return stats.Tenant{Connections: stats.Connections{ActiveConnections: 7}}
}

// calls makes calls of a new node in turn, and holds each answer against what stands behind it.
func calls(t *testing.T, node *fake, all ...string) {
	t.Helper()
	node.past = map[string][]protocol.Past{}
	s := &Server{Node: node, MaxEvent: 20}
	for i := 0; i < len(all); i += 3 {
		if got := string(s.Call(t.Context(), "t", all[i], []byte(all[i+1]), nil)); got != all[i+2] {
			t.Errorf("%s %s\nis %s\nnot %s", all[i], all[i+1], got, all[i+2])
		}
	}
}

func TestCall_PublishesAndReads(t *testing.T) {
	bad := `{"error":{"code":107,"message":"bad request"}}`
	calls(t, &fake{},
		"publish", `{"channel":"a","data":{"n":1}}`, `{"result":{"epoch":"E","offset":1}}`,
		"publish", `{"channel":"a","b64data":"Mg=="}`, `{"result":{"epoch":"E","offset":2}}`,
		"publish", `{"channel":"a","b64data":"?"}`, bad,
		"publish", `{"channel":"a"}`, bad,
		"publish", `{"data":1}`, bad,
		"publish", `{"channel":"a","data":"`+strings.Repeat("x", 20)+`"}`, bad,
		"publish", `[]`, bad,
		"publish", `{"channel":"full","data":1}`, `{"error":{"code":111,"message":"too many requests"}}`,
		"broadcast", `{"channels":["a","",2,"b"],"data":3}`, `{"result":{"responses":[{"result":{"epoch":"E",`+
			`"offset":3}},{"error":{"code":107,"message":"bad request"}},`+
			`{"error":{"code":107,"message":"bad request"}},`+
			`{"result":{"epoch":"E","offset":1}}]}}`,
		"broadcast", `{"channels":[],"data":3}`, bad,
		"history", `{"channel":"a","limit":2}`,
		`{"result":{"publications":[{"data":{"n":1},"offset":1},{"data":2,"offset":2}],"epoch":"E","offset":3}}`,
		"history", `{"channel":"a"}`, `{"result":{"publications":[],"epoch":"E","offset":3}}`,
		"history", `{"channel":"a","limit":-1,"since":{"epoch":"E","offset":2}}`,
		`{"result":{"publications":[{"data":3,"offset":3}],"epoch":"E","offset":3}}`,
		"history", `{"channel":"a","limit":2,"reverse":true}`,
		`{"result":{"publications":[{"data":3,"offset":3},{"data":2,"offset":2}],"epoch":"E","offset":3}}`,
		"history", `{"channel":"a","limit":9,"reverse":true,"since":{"epoch":"E","offset":3}}`,
		`{"result":{"publications":[{"data":2,"offset":2},{"data":{"n":1},"offset":1}],"epoch":"E","offset":3}}`,
		"history", `{"channel":"a","limit":1,"since":{"epoch":"F","offset":3}}`,
		`{"error":{"code":112,"message":"unrecoverable position"}}`,
		"history", `{"channel":"a","limit":1,"reverse":true,"since":{"epoch":"F","offset":3}}`,
		`{"error":{"code":112,"message":"unrecoverable position"}}`,
	)
}

// A history that remembers fewer than are asked for is read from its oldest.
func TestCall_ReadsAShortHistoryInReverse(t *testing.T) {
	calls(t, &fake{forgot: 1},
		"publish", `{"channel":"a","data":1}`, `{"result":{"epoch":"E","offset":1}}`,
		"publish", `{"channel":"a","data":2}`, `{"result":{"epoch":"E","offset":2}}`,
		"history", `{"channel":"a","limit":9,"reverse":true}`,
		`{"result":{"publications":[{"data":2,"offset":2}],"epoch":"E","offset":2}}`)
}

func TestCall_TellsWhoIsThere(t *testing.T) {
	calls(t, &fake{},
		"presence", `{"channel":"a"}`, `{"result":{"presence":{"alice":{"user":"alice","client":"alice"},`+
			`"ws-1":{"user":"bob","client":"ws-1"},"ws-2":{"user":"bob","client":"ws-2"}}}}`,
		"presence_stats", `{"channel":"a"}`, `{"result":{"num_clients":3,"num_users":2}}`,
		"presence", `{}`, `{"error":{"code":107,"message":"bad request"}}`,
		"channels", `{}`, `{"result":{"channels":{"a/b":{"num_clients":2}}}}`,
		"channels", `{"pattern":"a*"}`, `{"result":{"channels":{"a":{"num_clients":1},"a/b":{"num_clients":3}}}}`,
		"channels", `{"pattern":"a"}`, `{"result":{"channels":{"a":{"num_clients":1}}}}`,
		"info", `{}`, `{"result":{"nodes":[{"uid":"parley","name":"parley","version":"parley","num_clients":7}]}}`)
}

func TestCall_Disconnects(t *testing.T) {
	node, fine, bad := &fake{}, `{"result":{}}`, `{"error":{"code":107,"message":"bad request"}}`
	calls(t, node,
		"disconnect", `{"user":"u"}`, fine,
		"disconnect", `{"user":"u","client":"ws-9","disconnect":{"code":4000,"reason":"bye"}}`, fine,
		"disconnect", `{"user":"u","whitelist":["ws-1"]}`, fine,
		"disconnect", `{"user":"u","disconnect":{"code":1000}}`, bad,
		"disconnect", `{"user":"u","disconnect":{"code":4000,"reason":"`+strings.Repeat("x", 124)+`"}}`, bad,
		"disconnect", `{}`, bad)
	if got, want := strings.Join(node.closed, "; "),
		"u 3503 force disconnect; ws-9 4000 bye; ws-2 3503 force disconnect"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBatch_AnswersEachCommandUnderItsName(t *testing.T) {
	calls(t, &fake{},
		"batch", `{"commands":[{"publish":{"channel":"a","data":1}},{"presence_stats":{"channel":"a"}},{"dance":{}},`+
			`{"batch":{}},7]}`, `{"result":{"replies":[{"publish":{"epoch":"E","offset":1}},`+
			`{"presence_stats":{"num_clients":3,"num_users":2}},{"error":{"code":104,"message":"method not found"}},`+
			`{"error":{"code":104,"message":"method not found"}},`+
			`{"error":{"code":104,"message":"method not found"}}]}}`,
		"batch", `{}`, `{"error":{"code":107,"message":"bad request"}}`)
}

func TestLines_HaveABound(t *testing.T) {
	s := &Server{Node: &fake{}}
	for _, body := range []string{"", "\n\n", strings.Repeat("{}\n", MaxCommands+1), "{}\nx"} {
		if got, err := s.Lines(t.Context(), "t", []byte(body), nil); err == nil {
			t.Errorf("%.20q: %s", body, got)
		}
	}
}

// Arbitrary parameters never panic.
func FuzzCall(f *testing.F) {
	for method := range methods {
		f.Add(method, []byte(`{"channel":"a","channels":["b"],"data":1,"limit":-1,"commands":[{"publish":{}}]}`))
	}
	f.Fuzz(func(t *testing.T, method string, params []byte) {
		s := &Server{Node: &fake{past: map[string][]protocol.Past{}}, MaxEvent: 100}
		line := fmt.Appendf(nil, `{"method":%q,"params":%s}`, method, params)
		got, err := s.Lines(t.Context(), "t", line, nil)
		if text := string(got); err == nil && !strings.HasPrefix(text, `{"result":{`) &&
			!strings.HasPrefix(text, `{"error":{`) {
			t.Fatalf("%s: %s", line, got)
		}
	})
}
