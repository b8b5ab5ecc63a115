package dialecttest

import (
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

// A client publishes with the right of its token, hears its own event before the answer, and reads it from the history.
func TestEngine_DoesWhatAProtocolWithPublishAndRecoveryAsksFor(t *testing.T) {
	ev, err := protocol.NewEvent(protocol.EventInput{Kind: protocol.Value, Data: []byte(`1`)})
	if err != nil {
		t.Fatal(err)
	}
	exact := protocol.Filter{Exact: true}
	since := func(offset uint64) protocol.Position { return protocol.Position{Epoch: "epoch", Offset: offset} }
	e := scripted(t, map[string][]protocol.Command{
		"sub":      {protocol.Subscribe{Topic: "a", Filter: exact}},
		"un":       {protocol.Unsubscribe{Topic: "a"}},
		"pub":      {protocol.Publish{Topic: "a", Event: ev}},
		"pub b":    {protocol.Publish{Topic: "b", Event: ev}},
		"not me":   {protocol.Publish{Topic: "a", Event: ev, ExcludeSelf: true}},
		"replay":   {protocol.Subscribe{Topic: "a", Filter: exact, Since: since(1)}},
		"recover":  {protocol.Subscribe{Topic: "a", Filter: exact, Since: since(1), AnswerFirst: true}},
		"lost":     {protocol.Subscribe{Topic: "a", Filter: exact, Since: since(9)}},
		"history":  {protocol.ReadHistory{Topic: "a", Limit: 1}},
		"no right": {protocol.ReadHistory{Topic: "b", Limit: 1}},
	})
	tell(t, e, `header Cookie ${token:alice form=cookie topics=a publish=a}
path /cookie
C sub
S "ok"
C pub
S 1
S "ok"
C pub b
S "forbidden"
C not me
S "ok"
publish {"topic":"a/b","event":{"kind":"value","data":2}}
silence
C un
S "ok"
C replay
S 1
S "ok"
C un
S "ok"
C recover
S "ok"
S 1
C lost
S "position_lost"
C history
S "ok"
C no right
S "forbidden"`)
	c, err := e.Connect("/script", nil)
	if err != nil {
		t.Fatal(err)
	}
	c.identity = &protocol.Identity{Topics: []protocol.Pattern{"a"}}
	out := c.readHistory(protocol.ReadHistory{Topic: "a", Limit: 2, Reverse: true, After: since(3)})
	if len(out.History) != 2 || out.History[0].Offset != 2 || out.History[1].Offset != 1 || out.Position != since(3) {
		t.Errorf("read %+v", out)
	}
	last, _ := c.subscribe(protocol.Subscribe{Topic: "a", Last: true, Filter: exact})
	if last.Last == nil || string(last.Last.Data) != "1" || last.Position != since(3) {
		t.Errorf("the last of the topic alone is %+v", last)
	}
}

func TestEngine_TellsWhoComesAndGoes(t *testing.T) {
	as := func(id string, most int) protocol.Subscribe {
		f := protocol.Filter{Member: &protocol.Member{ID: id, Info: []byte(`1`)}, Members: true, MaxMembers: most}
		return protocol.Subscribe{Topic: "a", Filter: f}
	}
	e := scripted(t, map[string][]protocol.Command{
		"alice": {as("alice", 0)}, "bob": {as("bob", 0)}, "carol": {as("carol", 2)},
		"un": {protocol.Unsubscribe{Topic: "a"}},
	})
	tell(t, e, `header Cookie ${token:alice form=cookie}
path /cookie
C alice
S "ok"
as 2
header Cookie ${token:bob form=cookie}
path /cookie
C bob
S "ok"
C carol
S "too_many"
as 3
header Cookie ${token:bob form=cookie}
path /cookie
C bob
S "ok"
C un
S "ok"
as 1
S {"id":"bob","info":1}
silence
as 2
leave
as 1
S {"id":"bob","info":1}
C un
S "ok"`)
	if left := present(e, "a"); len(left) != 0 {
		t.Errorf("in the end %v are there", left)
	}
}
