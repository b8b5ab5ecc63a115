package server

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ws "github.com/coder/websocket"

	"github.com/parley-realtime/parley/actors"
	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/dashboard"
	"github.com/parley-realtime/parley/protocol/transcript"
	"github.com/parley-realtime/parley/protocol/valtronics"
	"github.com/parley-realtime/parley/transport/api"
	"github.com/parley-realtime/parley/transport/auth"
	"github.com/parley-realtime/parley/transport/websocket"
)

// The golden transcripts, played through a whole node: HTTP server, upgrade, sockets, auth, engine, publish API. Only
// the network is a pipe and the clock is the bubble's.

func TestStories_OfTheDashboardHoldThroughAWholeNode(t *testing.T) {
	playThroughNode(t, dashboard.Transcripts, func(s transcript.Settings) (protocol.Dialect, error) {
		cfg := dashboard.DefaultConfig()
		err := s.Apply(&cfg)
		return dashboard.New(cfg), err
	})
}

func TestStories_OfValtronicsHoldThroughAWholeNode(t *testing.T) {
	playThroughNode(t, valtronics.Transcripts, func(s transcript.Settings) (protocol.Dialect, error) {
		cfg := valtronics.DefaultConfig()
		err := s.Apply(&cfg)
		return valtronics.New(cfg), err
	})
}

func playThroughNode(t *testing.T, files fs.FS, build func(transcript.Settings) (protocol.Dialect, error)) {
	for _, story := range transcript.Load(t, files, "transcripts/*.txt") {
		t.Run(story.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{t: t, build: build, settings: transcript.Settings{}}
				defer s.end()
				transcript.Play(t, story, s)
			})
		})
	}
}

const (
	storyTenant = "acme"
	storyKey    = "a backend's key"
)

// stage is a whole node in a bubble.
type stage struct {
	t        *testing.T
	build    func(transcript.Settings) (protocol.Dialect, error)
	settings transcript.Settings
	verifier *auth.Verifier
	foreign  *auth.Verifier // signs with another key
	node     *actors.Node   // nil until started
	sockets  *websocket.Server
	calls    http.Handler
	pipes    *pipes
	server   *http.Server
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) verifierWith(secret string) *auth.Verifier {
	v, err := auth.New(auth.Config{Logger: slog.New(slog.DiscardHandler)}, map[string]auth.TenantKeys{storyTenant: {
		Keys: []auth.Key{{Algorithm: "HS256", Secret: secret}}, Leeway: auth.NoLeeway}})
	s.must(err)
	return v
}

// start brings the node up when the story's settings are known.
func (s *stage) start() {
	if s.node != nil {
		return
	}
	s.keys()
	dialect, err := s.build(s.settings)
	s.must(err)
	s.node = actors.New(actors.Config{}, gate{s.verifier}, actors.TenantConfig{Name: storyTenant})
	cfg := websocket.DefaultConfig()
	cfg.Logger = slog.New(slog.DiscardHandler)
	s.sockets, err = websocket.New(cfg, s.node, gate{s.verifier}, func(*http.Request) string { return storyTenant })
	s.must(err)
	handler, err := s.sockets.Handler(dialect)
	s.must(err)
	keys, err := auth.NewAPIKeys(map[string][]string{storyTenant: {storyKey}})
	s.must(err)
	s.calls = api.New(api.Config{}, s.node, keys).Public()
	s.pipes = &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
	s.server = &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go s.server.Serve(s.pipes)
}

func (s *stage) keys() {
	if s.verifier == nil {
		s.verifier = s.verifierWith("the tenant's own secret, 32 bytes long")
		s.foreign = s.verifierWith("somebody else's secret, 32 bytes long.")
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

// Set implements transcript.Stage.
func (s *stage) Set(key, value string) error {
	s.settings[key] = value
	return nil
}

// Token implements transcript.Stage.
func (s *stage) Token(wanted transcript.Token) string {
	s.keys()
	g := auth.Grant{User: wanted.User, TTL: wanted.TTL}
	for _, p := range wanted.Topics {
		g.Topics = append(g.Topics, string(p))
	}
	claims := []byte("{")
	for name, value := range map[string]string{"type": wanted.Type, "jti": wanted.ID} {
		if value != "" {
			if len(claims) > 1 {
				claims = append(claims, ',')
			}
			claims = append(strconv.AppendQuote(claims, name), ':')
			claims = strconv.AppendQuote(claims, value)
		}
	}
	g.Claims = string(append(claims, '}'))
	if wanted.Expired {
		g.TTL = -time.Hour
	}
	signer := s.verifier
	if wanted.Foreign {
		signer = s.foreign
	}
	token, err := signer.Sign(storyTenant, g)
	s.must(err)
	return token
}

// Publish implements transcript.Stage.
func (s *stage) Publish(body []byte) error {
	s.start()
	r := httptest.NewRequest("POST", "/api/v1/publish", bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+storyKey)
	w := httptest.NewRecorder()
	s.calls.ServeHTTP(w, r)
	synctest.Wait()
	if w.Code != http.StatusOK {
		return errors.New(w.Body.String())
	}
	return nil
}

// Advance implements transcript.Stage.
func (s *stage) Advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Open implements transcript.Stage.
func (s *stage) Open(path string, header http.Header) (transcript.Client, error) {
	s.start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	transport := &http.Transport{DialContext: s.pipes.dial}
	conn, answer, err := ws.Dial(ctx, "ws://parley.test"+path, &ws.DialOptions{HTTPHeader: header, HTTPClient: &http.Client{Transport: transport}})
	if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		transport.CloseIdleConnections()
		return nil, transcript.Status(answer.StatusCode)
	}
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	c := &storyClient{conn: conn, news: make(chan transcript.Arrival, 1024)}
	c.reading.Go(c.read)
	synctest.Wait()
	return c, nil
}

// storyClient is a WebSocket client.
type storyClient struct {
	conn    *ws.Conn
	news    chan transcript.Arrival
	reading sync.WaitGroup
}

func (c *storyClient) read() {
	for {
		op, data, err := c.conn.Read(context.Background())
		var end ws.CloseError
		if errors.As(err, &end) {
			c.news <- transcript.Arrival{Closed: true, Code: int(end.Code), Reason: end.Reason}
		}
		if err != nil {
			return
		}
		c.news <- transcript.Arrival{Data: data, Binary: op == ws.MessageBinary}
	}
}

// Send implements transcript.Client.
func (c *storyClient) Send(data []byte, binary bool) {
	op := ws.MessageText
	if binary {
		op = ws.MessageBinary
	}
	_ = c.conn.Write(context.Background(), op, data) // on a closed connection nothing
	synctest.Wait()
}

// Receive implements transcript.Client.
func (c *storyClient) Receive(within time.Duration) (transcript.Arrival, bool) {
	synctest.Wait()
	select {
	case a := <-c.news:
		return a, true
	default:
	}
	select {
	case a := <-c.news:
		return a, true
	case <-time.After(within):
		return transcript.Arrival{}, false
	}
}

// Leave implements transcript.Client.
func (c *storyClient) Leave() {
	_ = c.conn.CloseNow()
	c.reading.Wait()
	synctest.Wait()
}

// pipes is a listener whose connections are pipes in this process.
type pipes struct {
	dialed chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.dialed <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialed:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }
