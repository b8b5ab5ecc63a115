// Package tally is the smallest protocol that has all parts. Tests add it to the list of protocols, to prove that a
// protocol is a folder and a line; copy it to begin one.
//
// A client connects to /tally and shows its token as ?token=. The server says {"welcome":TEXT}. {"watch":TOPIC}
// subscribes and is answered with {"watching":TOPIC} or {"refused":REASON}; each event of the topic is {"saw":KIND}. A
// frame that is nothing of this is answered with {"refused":"malformed"}.
package tally

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
)

// Registration is tally in a list of protocols.
var Registration = protocol.Registration{
	Name: "Tally", Section: "tally", Env: "TALLY_",
	Defaults: func() protocol.Settings { c := DefaultConfig(); return &c },
	Dialects: []protocol.Description{{
		Name:        "tally",
		Transcripts: "protocol/dialecttest/tally/transcripts/*.txt",
		Client:      &protocol.Client{Open: showToken, Subscribe: watch, Topics: []string{"projects"}},
		Greeting: protocol.Greeting{
			Note: "?token=", Example: "projects",
			Console: `new WebSocket("ws://{ADDRESS}{PATH}?token={TOKEN}").onmessage = (e) => console.log(e.data)`,
		},
		Doc: protocol.Doc{Address: "`/tally`", Credential: "as `?token=`"},
	}},
}

// Config is what tally obeys.
type Config struct {
	// Enabled has tally spoken (default true).
	Enabled bool `yaml:"enabled" env:"ENABLED" envDefault:"true" unit:"true or false"`
	// Welcome is what a client is told first (default "hello").
	Welcome string `yaml:"welcome" env:"WELCOME" envDefault:"hello" unit:"text"`
	// Topics bounds what one connection watches, from 1 to 100 (default 10).
	Topics int `yaml:"topics" env:"TOPICS" envDefault:"10" unit:"topics"`
}

// Help is one line of meaning for each key.
func (Config) Help() map[string]string {
	return map[string]string{
		"enabled": "Whether tally is spoken.",
		"welcome": "What a client is told first.",
		"topics":  "How many topics a client may watch; from 1 to 100.",
	}
}

// DefaultConfig is what holds where nothing is set.
func DefaultConfig() Config { return Config{Enabled: true, Welcome: "hello", Topics: 10} }

// On implements protocol.Settings.
func (c Config) On() bool { return c.Enabled }

// Check implements protocol.Settings.
func (c Config) Check() error {
	var empty error
	if c.Welcome == "" {
		empty = &protocol.SettingError{Key: "welcome", Text: "is empty"}
	}
	return errors.Join(empty, protocol.CheckRange("topics", c.Topics, 1, 100))
}

// Dialects implements protocol.Settings.
func (c Config) Dialects() []protocol.Dialect { return []protocol.Dialect{dialect{c}} }

type dialect struct{ config Config }

// Name implements protocol.Dialect.
func (dialect) Name() string { return "tally" }

// Paths implements protocol.Dialect.
func (dialect) Paths() []string { return []string{"/tally"} }

// Limits implements protocol.Dialect.
func (d dialect) Limits() protocol.Limits {
	return protocol.Limits{Frame: 1 << 10, Rate: 10, Burst: 10, Subscriptions: d.config.Topics}
}

// Open implements protocol.Dialect.
func (d dialect) Open(hello protocol.Handshake) (protocol.Opened, *protocol.Refusal) {
	token := hello.LastQuery("token")
	if token == "" {
		return protocol.Opened{}, protocol.Refuse(protocol.Forbidden, "/tally wants ?token=")
	}
	credential := &protocol.Credential{Token: strings.Clone(token)}
	return protocol.Opened{Session: session{d.config.Welcome}, Credential: credential}, nil
}

// Encode implements protocol.Dialect.
func (dialect) Encode(d protocol.Delivery) protocol.Encoded {
	return protocol.Encoded{Data: message("saw", string(d.Event.Kind))}
}

// session is one connection.
type session struct{ welcome string }

// OnOpen implements protocol.Session.
func (s session) OnOpen(time.Time, uint64) []protocol.Command { return say("welcome", s.welcome) }

// Receive implements protocol.Session.
func (session) Receive(_ time.Time, in protocol.ClientMessage) (int, []protocol.Command) {
	members, err := rawjson.ReadObject(in.Data)
	topic, ok := rawjson.Text(rawjson.Find(members, "watch"))
	if err != nil || !ok || protocol.CheckTopic(topic) != nil {
		return 1, say("refused", string(protocol.Malformed))
	}
	return 1, []protocol.Command{protocol.Subscribe{Topic: topic}}
}

// Answer implements protocol.Session.
func (session) Answer(command protocol.Command, outcome protocol.Outcome) []protocol.Command {
	subscribe, ok := command.(protocol.Subscribe)
	switch {
	case !ok:
		return nil
	case outcome.Err != nil:
		return say("refused", string(outcome.Err.Reason))
	}
	return say("watching", subscribe.Topic)
}

// OnTick implements protocol.Session.
func (session) OnTick(time.Time) []protocol.Command { return nil }

// OnReject implements protocol.Session.
func (session) OnReject(_ time.Time, refusal *protocol.Refusal, final bool) []protocol.Command {
	if !final {
		return say("refused", string(refusal.Reason))
	}
	return protocol.End(refusal, message("refused", string(refusal.Reason)))
}

// message is an object with one member, a text.
func message(name, text string) []byte {
	return append(rawjson.AppendText([]byte(`{"`+name+`":`), text), '}')
}

func say(name, text string) []protocol.Command {
	return []protocol.Command{protocol.Send{Text: message(name, text)}}
}

// showToken is how a client connects.
func showToken(token string, _ []string) (protocol.Opening, error) {
	return protocol.Opening{Path: "/tally", Query: url.Values{"token": {token}}}, nil
}

// watch is how a client asks for topics.
func watch(_ string, topics []string) (frames [][]byte, err error) {
	for _, topic := range topics {
		frames = append(frames, message("watch", topic))
	}
	return frames, nil
}
