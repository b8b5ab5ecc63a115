package centrifuge

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

func engine(t testing.TB) *dialecttest.Engine {
	return dialecttest.NewEngine(t, func(s dialecttest.Settings) (protocol.Dialect, error) {
		config := DefaultConfig()
		if err := s.Apply(&config); err != nil {
			return nil, err
		}
		return New(config), nil
	})
}

func TestTranscripts(t *testing.T) {
	for _, transcript := range dialecttest.Load(t, Transcripts, "transcripts/*.txt") {
		t.Run(transcript.Name, func(t *testing.T) { dialecttest.Play(t, transcript, engine(t)) })
	}
}

func TestConfig_HasTheDefaultsOfItsTags(t *testing.T) { dialecttest.CheckDefaults(t, DefaultConfig()) }

// tell plays a transcript that only the plain engine can play, since it names its epoch.
func tell(t testing.TB, text string) {
	t.Helper()
	transcript, err := dialecttest.Parse("x.txt", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dialecttest.Play(t, transcript, engine(t))
}

const connects = `path /connection/websocket
C {"id":1,"connect":{"token":"${token:alice claim.info=7}"}}
S {"id":1,"connect":{"client":"${string}", ...}}
`

// CFG.24, CFG.13, CFG.26: who comes back is told its own offset, and then all that it missed.
func TestRecovery_WhatWasMissedFollowsTheReply(t *testing.T) {
	tell(t, `publish {"topic":"r","event":{"kind":"json","data":{"n":1}}}
publish {"topic":"r","event":{"kind":"json","data":{"n":2}}}
publish {"topic":"r","event":{"kind":"value","data":3}}
`+connects+`C {"id":2,"subscribe":{"channel":"r","recover":true,"epoch":"epoch","offset":1}}
S {"id":2,"subscribe":{"was_recovering":true,"recovered":true,"epoch":"epoch","offset":1, ...}}
S {"push":{"channel":"r","pub":{"data":{"n":2},"offset":2}}}
S {"push":{"channel":"r","pub":{"data":3,"offset":3}}}
C {"id":3,"unsubscribe":{"channel":"r"}}
S {"id":3,"unsubscribe":{}}
C {"id":4,"subscribe":{"channel":"r","recover":true,"epoch":"epoch","offset":0}}
S {"id":4,"subscribe":{"was_recovering":true,"recovered":true,"recoverable":true,"positioned":true,"epoch":"epoch"}}
S {"push":{"channel":"r","pub":{"data":{"n":1},"offset":1}}}
S {"push":{"channel":"r","pub":{"data":{"n":2},"offset":2}}}
S {"push":{"channel":"r","pub":{"data":3,"offset":3}}}
C {"id":5,"history":{"channel":"r","limit":1,"since":{"epoch":"epoch","offset":1}}}
S {"id":5,"history":{"publications":[{"data":{"n":2},"offset":2}],"epoch":"epoch","offset":3}}
`)
}

// CFG.28, CFG.9: who is present is told with the info of the tokens.
func TestPresence_TellsTheInfoOfTheTokens(t *testing.T) {
	tell(t, connects+`C {"id":2,"subscribe":{"channel":"$r","token":"${token:alice claim.channel=$r claim.info=[8]}"}}
S {"id":2,"subscribe":{...}}
C {"id":3,"presence":{"channel":"$r"}}
S {"id":3,"presence":{"presence":{"ws-1":{"user":"alice","client":"ws-1","conn_info":7,"chan_info":[8]}}}}
`)
}

// A channel with as many members as a topic may have is heard all the same.
func TestSubscribe_OneMoreThanMayBePresentHears(t *testing.T) {
	s := &session{dialect: New(DefaultConfig()), stage: connected}
	_, asked := s.Receive(time.Time{}, protocol.ClientMessage{Data: []byte(`{"id":2,"subscribe":{"channel":"c"}}`)})
	first := asked[0].(protocol.Subscribe)
	full := protocol.Outcome{Err: protocol.Refuse(protocol.TooMany, "")}
	again := s.Answer(first, full)
	if second, ok := again[0].(protocol.Subscribe); first.Filter.Member == nil || !ok || second.Filter.Member != nil {
		t.Fatalf("asked %+v and then %+v", first, again)
	}
	got := s.Answer(again[0], full)
	if text := string(got[0].(protocol.Send).Text); text != `{"id":2,"error":{"code":106,"message":"limit exceeded"}}` {
		t.Errorf("got %s", text)
	}
}

// CFG.41, CFG.42: a client that asks for deltas and ids goes on without.
func TestSubscribe_DeltasAndIDsAreNotAnswered(t *testing.T) {
	tell(t, connects+`C {"id":2,"subscribe":{"channel":"r","delta":"fossil","flag":1}}
S {"id":2,"subscribe":{"recoverable":true,"positioned":true,"epoch":"epoch"}}
`)
}

// CFG.15, CFG.28: channels of an unknown namespace, and of one where nobody is present.
func TestNamespaces_SayWhichChannelsThereAre(t *testing.T) {
	config := DefaultConfig()
	config.Namespaces = map[string]Namespace{"chat": {Presence: true}, "quiet": {}}
	transcript, err := dialecttest.Parse("x.txt", []byte(connects+`C {"id":2,"subscribe":{"channel":"other:1"}}
S {"id":2,"error":{"code":102,"message":"unknown channel"}}
C {"id":3,"subscribe":{"channel":"chat:1"}}
S {"id":3,"subscribe":{...}}
C {"id":4,"presence_stats":{"channel":"chat:1"}}
S {"id":4,"presence_stats":{"num_clients":1,"num_users":1}}
C {"id":5,"subscribe":{"channel":"quiet:1"}}
S {"id":5,"subscribe":{...}}
C {"id":6,"presence":{"channel":"quiet:1"}}
S {"id":6,"error":{"code":108,"message":"not available"}}
C {"id":7,"subscribe":{"channel":"plain"}}
S {"id":7,"subscribe":{...}}
C {"id":8,"history":{"channel":"other:1"}}
S {"id":8,"error":{"code":102,"message":"unknown channel"}}
`))
	if err != nil {
		t.Fatal(err)
	}
	dialecttest.Play(t, transcript, dialecttest.NewEngine(t, func(dialecttest.Settings) (protocol.Dialect, error) {
		return New(config), nil
	}))
}

// CFG.15: one channel more than a connection may have.
func TestSubscribe_ThereIsALimit(t *testing.T) {
	e := engine(t)
	c, err := e.Connect(Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Send([]byte(`{"id":1,"connect":{"token":"`+e.Token(dialecttest.Token{User: "a", TTL: time.Hour,
		Topics: []protocol.Pattern{"*"}})+`"}}`), false)
	for i := range maxChannels {
		c.Send([]byte(`{"id":2,"subscribe":{"channel":"c`+strings.Repeat("x", i)+`"}}`), false)
	}
	for range maxChannels + 1 {
		if got, _ := c.Receive(0); bytes.Contains(got.Data, []byte("error")) {
			t.Fatalf("got %s", got)
		}
	}
	c.Send([]byte(`{"id":3,"subscribe":{"channel":"more"}}`), false)
	if got, _ := c.Receive(0); string(got.Data) != `{"id":3,"error":{"code":106,"message":"limit exceeded"}}` {
		t.Errorf("got %s", got)
	}
}

// CFG.33, CFG.34, CFG.35: each reason has its close code, and the text of the close is plain.
func TestRefuse_EveryReasonHasItsEnd(t *testing.T) {
	for reason, want := range map[protocol.Reason]string{
		protocol.Draining: "E 3001 shutdown", protocol.Slow: "E 3008 slow", protocol.Silent: "E 3012 no pong",
		protocol.RateLimited: "E 3013 too many requests", protocol.Disconnected: "E 3503 force disconnect",
		protocol.Revoked: "E 3503 force disconnect", protocol.Suspended: "E 3503 force disconnect",
		protocol.TooMany: "E 3504 connection limit", protocol.Internal: "E 3004 internal server error",
		protocol.TooLarge: "E 1009 message size limit",
	} {
		c, err := engine(t).Connect(Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Reject(protocol.Refuse(reason, "the detail"), true)
		if got, _ := c.Receive(0); got.String() != want {
			t.Errorf("%s: got %s, want %s", reason, got, want)
		}
	}
	asked := protocol.Refuse(protocol.Disconnected, "")
	for code, want := range map[uint16]uint16{4501: 4501, 1000: 3503} {
		asked.Close = &protocol.Close{Code: code}
		if got := endOf(asked); got.Code != want {
			t.Errorf("asked for %d: got %d", code, got.Code)
		}
	}
}

// CFG.32: a command that the engine refuses unseen is answered with its id, and so are all of its frame.
func TestOnReject_AnswersEachCommandOfTheFrame(t *testing.T) {
	refusal := protocol.Refuse(protocol.RateLimited, "")
	frame := "{\"id\":7,\"rpc\":{}}\n{\"send\":{}}\nx\n{\"id\":8,\"rpc\":{}}"
	refusal.Message = &protocol.ClientMessage{Data: []byte(frame)}
	var got []string
	for _, command := range (&session{}).OnReject(time.Time{}, refusal, false) {
		got = append(got, string(command.(protocol.Send).Text))
	}
	const busy = `"error":{"code":111,"message":"too many requests","temporary":true}}`
	if want := []string{`{"id":7,` + busy, `{"id":8,` + busy}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := (&session{}).OnReject(time.Time{}, protocol.Refuse(protocol.Busy, ""), false); got != nil {
		t.Errorf("got %v", got)
	}
}

// CFG.22: how a subscription ends says whether the client may ask for it again.
func TestOnReject_TellsTheEndOfASubscription(t *testing.T) {
	for reason, want := range map[protocol.Reason]string{
		protocol.TokenExpired: `{"push":{"channel":"c","unsubscribe":{"code":2501,"reason":"expired"}}}`,
		protocol.PositionLost: `{"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}}`,
		protocol.Revoked:      `{"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}`,
	} {
		s := &session{channels: map[string]*channel{"c": {}}}
		refusal := protocol.Refuse(reason, "")
		refusal.Topic = "c"
		got := s.OnReject(time.Time{}, refusal, false)
		if len(got) != 1 || string(got[0].(protocol.Send).Text) != want {
			t.Errorf("%s: got %s", reason, got)
		}
		if again := s.OnReject(time.Time{}, refusal, false); again != nil {
			t.Errorf("%s: told twice", reason)
		}
	}
}

// Arbitrary frames never panic, and each reply is JSON with an id.
func FuzzReceive(f *testing.F) {
	for _, transcript := range dialecttest.Load(f, Transcripts, "transcripts/*.txt") {
		for _, step := range transcript.Steps {
			if step.Verb == dialecttest.Text {
				f.Add([]byte(step.Text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFrame {
			return
		}
		e := engine(t)
		if err := e.Set("insecure", "true"); err != nil {
			t.Fatal(err)
		}
		c, err := e.Connect(Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Send([]byte(`{"id":1,"connect":{}}`), false)
		c.Send(data, false)
		for {
			got, ok := c.Receive(0)
			if !ok || got.Closed {
				return
			}
			if members, err := rawjson.ReadObject(got.Data); err != nil || len(members) == 0 {
				t.Fatalf("%q got %s", data, got)
			}
		}
	})
}
