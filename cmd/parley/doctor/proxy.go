package doctor

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/parley-realtime/parley/cmd/parley/client"
)

var upgrade = check{
	name: "upgrade", what: "whether the handshake of a WebSocket gets through to the server",
	wanted: "101, or the server's own refusal",
	fix: "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection " +
		"$connection_upgrade; and Host $http_host",
	look: func(ctx context.Context, s *Setup) outcome {
		answer := unknown("no protocol is known")
		for _, name := range s.Dialects.Names() {
			opening, err := s.Dialects[name].Open(s.Token, nil)
			if err != nil {
				continue // it needs a topic
			}
			var notThere bool
			if answer, notThere = s.handshake(ctx, opening.Path); !notThere {
				return answer
			}
		}
		return answer
	},
}

// handshake asks for a WebSocket; notThere says that nothing answers to the path.
func (s *Setup) handshake(ctx context.Context, path string) (answer outcome, notThere bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.web(), "/")+path, http.NoBody)
	if err != nil {
		return unknown(err.Error()), false
	}
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		request.Header.Set(name, value)
	}
	response, err := s.http().Do(request)
	if err != nil {
		return unknown(err.Error()), false
	}
	defer response.Body.Close()
	said := fmt.Sprintf("%s answers %d", path, response.StatusCode)
	switch response.StatusCode {
	case http.StatusSwitchingProtocols:
		return well(said), false
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if response.Header.Get("X-Request-Id") != "" { // Parley's refusals have one
			return well(said + ", a refusal of the server"), false
		}
	case http.StatusNotFound:
		return wrong(said), true
	}
	return wrong(said), false
}

// stranger is an address that nobody has (RFC 5737), which clients must not be able to claim.
const stranger = "203.0.113.77"

var forwarded = check{
	name: "forwarded", what: "whether the server sees the clients' own addresses, and believes proxies alone there",
	wanted: "the address of this client",
	fix: "websocket.trusted_proxies: [the proxy's address], and the proxy sets X-Forwarded-For (nginx: " +
		"$proxy_add_x_forwarded_for)",
	look: func(ctx context.Context, s *Setup) outcome {
		if s.API.Key == "" {
			return skipped("no API key, by which the server says what it sees")
		}
		before, err := s.connections(ctx)
		if err != nil {
			return lacking(err)
		}
		var own string
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
			own, _, _ = net.SplitHostPort(got.Conn.LocalAddr().String())
		}})
		var after map[string]string
		var asked error
		_, err = s.connect(traced, http.Header{"X-Forwarded-For": {stranger}}, func(stop func()) {
			after, asked = s.connections(ctx)
			stop()
		})
		for id, address := range after {
			if _, old := before[id]; !old {
				return seen(own, address)
			}
		}
		if errors.Is(err, errNoClient) {
			return skipped(err.Error())
		}
		if err = cmp.Or(err, asked); err == nil {
			err = errors.New("the server does not list the connection that it has let in")
		}
		return unknown(err.Error())
	},
}

// seen judges the address that the server has for a client, which claims to be the stranger.
func seen(own, address string) outcome {
	ip := net.ParseIP(own)
	switch {
	case address == own:
		return well(address)
	case address != stranger:
		return wrong(fmt.Sprintf("%s, and this client has %s: all clients of the proxy are one to the server (or "+
			"there is a NAT between)", address, own))
	case ip != nil && ip.IsLoopback():
		return unknown("this machine is a trusted proxy itself; ask from another one")
	}
	return outcome{Wrong, "the server believes whatever address a client claims",
		"websocket.trusted_proxies: the proxies alone; a proxy overwrites or appends to X-Forwarded-For"}
}

// connections are the addresses of the newest connections, by their ids.
func (s *Setup) connections(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	for cursor := ""; ; {
		var page struct {
			Connections []struct {
				ID     string
				Remote string `json:"remote_address"`
			}
			Cursor string
		}
		query := url.Values{"limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := s.API.Get(ctx, "/api/v1/connections", query, &page); err != nil {
			return nil, err
		}
		for _, c := range page.Connections {
			found[c.ID] = c.Remote
		}
		if cursor = page.Cursor; cursor == "" || len(found) > mostConnections {
			return found, nil
		}
	}
}

// mostConnections bounds those that are asked for: doctor is not to be a load.
const mostConnections = 20000

// errNoClient says that no protocol lets this client in.
var errNoClient = errors.New("no protocol lets this client in; --token shows a token")

// connect is a client in the first protocol that lets it in, until that calls stop or the context ends (nil), or the
// connection does.
func (s *Setup) connect(ctx context.Context, header http.Header, in func(stop func())) (dialect string, err error) {
	err = errNoClient
	for _, name := range s.Dialects.Names() {
		d := s.Dialects[name]
		if !d.HearsUnasked {
			continue
		}
		inside, stop := context.WithCancel(ctx)
		entered := false
		ended := client.Listen(inside, client.ListenOptions{Base: s.API.Base, Token: s.Token, Dialect: name, Client: d,
			Header: header, Print: func([]byte) error { return nil }, Admitted: func() { entered = true; in(stop) }})
		stop()
		if entered {
			return name, ended
		}
		if _, refused := errors.AsType[*client.Refused](ended); !refused {
			err = ended
		}
	}
	return "", err
}

var idle = check{
	name: "idle", what: "whether a silent connection lives longer than the server's pings are apart",
	fix: "the proxy's idle timeout above engine.ping_every (25s): nginx proxy_read_timeout 75s, HAProxy timeout " +
		"tunnel 75s, ELB idle timeout; or a smaller engine.ping_every",
	look: func(ctx context.Context, s *Setup) outcome {
		if s.Idle == 0 {
			return skipped("--wait says not to wait")
		}
		began := time.Now()
		dialect, err := s.connect(ctx, nil, func(stop func()) { began = time.Now(); time.AfterFunc(s.Idle, stop) })
		lived := time.Since(began).Round(time.Second / 10)
		_, closed := errors.AsType[*client.Refused](err)
		switch {
		case errors.Is(err, errNoClient):
			return skipped(err.Error())
		case err == nil && lived+time.Second >= s.Idle:
			return well(fmt.Sprintf("%s lived %s", dialect, lived))
		case closed:
			return unknown(fmt.Sprintf("%s after %s", err, lived))
		case dialect == "":
			return unknown(fmt.Sprint(err))
		}
		return wrong(fmt.Sprintf("it broke after %s", lived))
	},
}

// lacking is the outcome of a call that failed: one whose key is not taken was not asked for.
func lacking(err error) outcome {
	if refused, ok := errors.AsType[*client.Refusal](err); ok && refused.Status == http.StatusUnauthorized {
		return skipped("the server does not take the API key: --key or a context has one")
	}
	return unknown(err.Error())
}

// promptly is how soon an event has to come out of a stream.
const promptly = 2 * time.Second

var buffering = check{
	name: "buffering", what: "whether server-sent events come through at once",
	wanted: fmt.Sprintf("within %s", promptly),
	fix:    "nginx: proxy_buffering off; for /api/v1/events (the server asks for it by X-Accel-Buffering)",
	look: func(ctx context.Context, s *Setup) outcome {
		if s.API.Key == "" || s.Token == "" {
			return skipped("no API key or no token, to publish and to hear")
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		topic := "doctor/" + strings.ToLower(rand.Text())
		opened, heard := make(chan error, 1), make(chan struct{}, 1)
		go s.hear(ctx, topic, opened, heard)
		late := 2 * cmp.Or(s.Promptly, promptly)
		select {
		case err := <-opened:
			if refused, ok := errors.AsType[*client.Refusal](err); ok && refused.Status == http.StatusNotFound {
				return skipped("the server has no server-sent events here")
			} else if err != nil {
				return unknown(err.Error())
			}
		case <-time.After(late):
			return wrong("the stream did not even begin")
		}
		began := time.Now()
		_, err := s.API.Call(ctx, http.MethodPost, "/api/v1/publish", nil, map[string]any{"topic": topic,
			"event": map[string]any{"kind": "json", "data": map[string]any{"doctor": true}}})
		if err != nil {
			return lacking(err)
		}
		select {
		case <-heard:
			return judge(time.Since(began) <= promptly, time.Since(began).Round(time.Millisecond).String())
		case <-time.After(late):
			return wrong("an event did not come out of the stream")
		}
	},
}

// hear reads a stream of a topic: opened gets how it begins, heard that there is an event.
func (s *Setup) hear(ctx context.Context, topic string, opened chan<- error, heard chan<- struct{}) {
	api := client.API{Base: s.API.Base, Key: s.Token}
	stream, err := api.Stream(ctx, "/api/v1/events", url.Values{"topic": {topic}})
	opened <- err
	if err != nil {
		return
	}
	defer stream.Close()
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data:") {
			heard <- struct{}{}
			return
		}
	}
}
