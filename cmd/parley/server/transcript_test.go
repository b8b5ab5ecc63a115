package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/actors/policy"
	"github.com/parley-realtime/parley/cmd/parley/protocols"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/airlay"
	"github.com/parley-realtime/parley/protocol/dialecttest"
	"github.com/parley-realtime/parley/protocol/dialecttest/tally"
	"github.com/parley-realtime/parley/protocol/firstframe"
	"github.com/parley-realtime/parley/protocol/valtronics"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/websocket"
)

// The golden transcripts, played through a whole node: HTTP server, upgrade, sockets, auth, engine, publish API. Only
// the network is a pipe and the clock is the bubble's.

// The list of protocols has their transcripts and makes their dialects, so that those of a new one are played, too.
func TestTranscripts_HoldThroughAWholeNode(t *testing.T) {
	playAllTranscripts(t, stage{})
}

// A client hears the same frames in the same order where events wait for more: for the window of their topic, and for
// the write delay of its connection.
func TestTranscripts_HoldWhereEventsWaitForMore(t *testing.T) {
	playAllTranscripts(t, stage{engine: actors.Config{WriteDelay: 10 * time.Millisecond},
		rules: policy.Rules{BatchWindow: 20 * time.Millisecond}})
}

func playAllTranscripts(t *testing.T, on stage) {
	for _, p := range append(protocols.All, tally.Registration) {
		for i, d := range p.Dialects {
			t.Run(d.Name, func(t *testing.T) {
				playTranscripts(t, on, dialecttest.Load(t, os.DirFS("../../.."), d.Transcripts),
					func(s dialecttest.Settings) (protocol.Dialect, error) {
						settings := p.Defaults()
						err := s.Apply(settings)
						return settings.Dialects()[i], err
					})
			})
		}
	}
}

func TestTranscripts_OfTheSharedPathHoldThroughAWholeNode(t *testing.T) {
	const files = "transcripts/*.txt"
	playTranscripts(t, stage{}, dialecttest.Load(t, firstframe.Transcripts, files),
		func(s dialecttest.Settings) (protocol.Dialect, error) {
			cfg := firstframe.DefaultConfig()
			err := s.Apply(&cfg)
			return firstframe.New(cfg, "/ws", airlay.New(airlay.DefaultConfig()),
				valtronics.New(valtronics.DefaultConfig())), err
		})
}

// dialectsOwn are transcripts about what a whole node does not let happen.
var dialectsOwn = map[string]string{
	"no-right": "a token of an outpost always has the right to its own topic; only a dialect alone can be shown " +
		"another",
}

// playTranscripts plays transcripts, each on a stage of its own like on.
func playTranscripts(t *testing.T, on stage, transcripts []dialecttest.Transcript,
	build func(dialecttest.Settings) (protocol.Dialect, error),
) {
	for _, transcript := range transcripts {
		t.Run(transcript.Name, func(t *testing.T) {
			if why := dialectsOwn[transcript.Name]; why != "" {
				t.Skip(why)
			}
			synctest.Test(t, func(t *testing.T) {
				s := &stage{t: t, engine: on.engine, rules: on.rules, build: build, settings: dialecttest.Settings{}}
				defer s.end()
				dialecttest.Play(t, transcript, s)
			})
		})
	}
}

const (
	testTenant = "acme"
	testKey    = "a backend's key"
)

// stage is a whole node in a bubble.
type stage struct {
	t        *testing.T
	engine   actors.Config // what it obeys, the size of an inbox aside
	rules    policy.Rules  // of the tenant's topics
	build    func(dialecttest.Settings) (protocol.Dialect, error)
	settings dialecttest.Settings
	keys     auth.TenantKeys
	verifier *auth.Verifier
	foreign  *auth.Verifier // signs with another key
	opaque   int            // tokens that are no JWT, so far
	node     *actors.Node   // nil until started
	sockets  *websocket.Server
	calls    http.Handler
	pipes    *pipes
	server   *http.Server
	wrap     func(net.Conn) net.Conn // of clients' connections, nil for none
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) verifierWith(secret string) *auth.Verifier {
	s.keys = auth.TenantKeys{
		Keys: []auth.Key{{Algorithm: "HS256", Secret: secret}}, Leeway: auth.NoLeeway,
		Cookie: auth.CookieRules{Tokens: true}, AllowUnverified: true,
		Users: []string{}, Outposts: []auth.OutpostToken{},
		Apps: []auth.App{{ID: "1", Key: dialecttest.AppKey, Secret: dialecttest.AppSecret,
			Publish: dialecttest.AppTopics}},
	}
	v, err := auth.New(auth.Config{Logger: slog.New(slog.DiscardHandler)},
		map[string]auth.TenantKeys{testTenant: s.keys})
	s.must(err)
	return v
}

// start brings the node up when the transcript's settings are known.
func (s *stage) start() {
	if s.node != nil {
		return
	}
	s.unlock()
	dialect, err := s.build(s.settings)
	s.must(err)
	s.engine.InboxCount = 16
	s.node = actors.New(s.engine, authAdapter{s.verifier}, actors.TenantConfig{Name: testTenant, Rules: s.rules})
	cfg := websocket.DefaultConfig()
	cfg.Logger = slog.New(slog.DiscardHandler)
	s.sockets, err = websocket.New(cfg, s.node, authAdapter{s.verifier},
		func(*http.Request) string { return testTenant })
	s.must(err)
	handler, err := s.sockets.Handler(dialect)
	s.must(err)
	keys, err := auth.NewAPIKeys(map[string][]string{testTenant: {testKey}})
	s.must(err)
	s.calls = api.New(api.Config{}, s.node, keys).Public()
	s.pipes = &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
	s.server = &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go s.server.Serve(s.pipes)
}

func (s *stage) unlock() {
	if s.verifier == nil {
		s.foreign = s.verifierWith("somebody else's secret, 32 bytes long.")
		s.verifier = s.verifierWith("the tenant's own secret, 32 bytes long")
	}
}

func (s *stage) end() {
	if s.node == nil {
		return
	}
	s.node.Close()
	s.must(s.sockets.Wait(context.Background()))
	s.sockets.Close()
	s.must(s.server.Close())
}

// Set implements dialecttest.Stage.
func (s *stage) Set(key, value string) error {
	s.settings[key] = value
	return nil
}

// Token implements dialecttest.Stage. A session key that only a backend knows is played as a session's JWT.
func (s *stage) Token(wanted dialecttest.Token) string {
	s.unlock()
	switch wanted.Form {
	case protocol.Ticket:
		return s.ticket(wanted)
	case protocol.Outpost:
		return s.outpostToken(wanted)
	}
	if !wanted.Unknown && !slices.Contains(s.keys.Users, wanted.User) {
		s.keys.Users = append(s.keys.Users, wanted.User)
		s.must(s.verifier.SetTenant(testTenant, s.keys))
	}
	return s.jwt(wanted)
}

// ticket is one that the API would give; one that has expired is as good as one that never was.
func (s *stage) ticket(wanted dialecttest.Token) string {
	if wanted.Expired || wanted.Foreign {
		return strings.Repeat("x", 43)
	}
	dialect, err := s.build(s.settings)
	s.must(err)
	made, err := s.verifier.Tickets().Issue(testTenant, &protocol.Identity{User: wanted.User, TokenID: wanted.ID,
		Issued: time.Now(), Topics: wanted.Topics},
		dialect.(protocol.TicketTaker).TicketClaims())
	s.must(err)
	return made
}

func (s *stage) outpostToken(wanted dialecttest.Token) string {
	s.opaque++
	token := auth.OutpostToken{Outpost: wanted.For, Token: "the token of an outpost, number " + strconv.Itoa(s.opaque),
		Expires: time.Now().Add(wanted.TTL)}
	token.Token = strings.ReplaceAll(token.Token, " ", "-")
	if wanted.Expired {
		token.Expires = time.Now().Add(-time.Minute)
	}
	if !wanted.Foreign && wanted.For != "" {
		s.keys.Outposts = append(s.keys.Outposts, token)
		s.must(s.verifier.SetTenant(testTenant, s.keys))
	}
	return token.Token
}

// jwt has every claim that a dialect may demand.
func (s *stage) jwt(wanted dialecttest.Token) string {
	g := auth.Grant{User: wanted.User, TTL: wanted.TTL}
	for _, p := range wanted.Topics {
		g.Topics = append(g.Topics, string(p))
	}
	for _, p := range wanted.Publish {
		g.Publish = append(g.Publish, string(p))
	}
	claims := map[string]any{"sid": "s", "iss": "parley.test", "aud": "parley.test", "scope": []string{},
		"nbf": time.Now().Unix()}
	if wanted.Type != "" {
		claims["type"] = wanted.Type
	}
	if wanted.ID != "" {
		claims["jti"] = wanted.ID
	}
	for name, value := range wanted.Claims {
		claims[name] = json.RawMessage(value)
	}
	text, err := json.Marshal(claims)
	s.must(err)
	g.Claims = string(text)
	if wanted.Expired {
		g.TTL = -time.Hour
	}
	signer := s.verifier
	if wanted.Foreign {
		signer = s.foreign
	}
	token, err := signer.Sign(testTenant, g)
	s.must(err)
	return token
}

// Publish implements dialecttest.Stage.
func (s *stage) Publish(body []byte) error {
	s.start()
	r := httptest.NewRequest("POST", "/api/v1/publish", bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testKey)
	w := httptest.NewRecorder()
	s.calls.ServeHTTP(w, r)
	synctest.Wait()
	if w.Code != http.StatusOK {
		return errors.New(w.Body.String())
	}
	return nil
}

// Advance implements dialecttest.Stage.
func (s *stage) Advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Open implements dialecttest.Stage.
func (s *stage) Open(path string, header http.Header) (dialecttest.Client, error) {
	s.start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := s.pipes.dial(ctx, network, address)
		if err == nil && s.wrap != nil {
			conn = s.wrap(conn)
		}
		return conn, err
	}}
	const offer = "Sec-WebSocket-Protocol" // which the client library wants to know about
	offered := header.Values(offer)
	header.Del(offer)
	conn, answer, err := ws.Dial(ctx, "ws://parley.test"+path,
		&ws.DialOptions{HTTPHeader: header, HTTPClient: &http.Client{Transport: transport}, Subprotocols: offered})
	if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		transport.CloseIdleConnections()
		return nil, dialecttest.Status(answer.StatusCode)
	}
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	c := &transcriptClient{conn: conn, news: make(chan dialecttest.Arrival, 1024)}
	c.reading.Go(c.read)
	synctest.Wait()
	return c, nil
}
