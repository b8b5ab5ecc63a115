// Package client is a WebSocket client of Parley that may misbehave: it makes its frames by hand, stops reading when
// told to, and keeps a history of the events that it received and of how the connection ended.
//
// It speaks Valtronics: it logs in as a user and subscribes to the telemetry of devices. Heard has the events that it
// received, by the numbers that server.Publish gave them.
//
// It promises a history in the order of arrival, and that a ping is answered while a goroutine listens. It asks for a
// dev mode server. One goroutine at a time may use a Client; any may call Close.
package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-realtime/parley/bench/faults/server"
)

// patience is how long an answer may take.
const timeout = 20 * time.Second

// Options are how a client connects.
type Options struct {
	// Path is the path of the handshake (default /ws); Offer is what it offers as extensions.
	Path, Offer string
	// User logs in, and Devices are subscribed to; without User the client sends nothing.
	User    string
	Devices []string
	// From is the address of loopback that the client connects from; "" leaves it to the kernel.
	From string
	// Buffer bounds what the kernel takes for a client that does not read, in bytes; 0 is the kernel's own bound.
	Buffer int
}

// Client is one connection.
type Client struct {
	net.Conn
	// Name is its user.
	Name string
	// Heard are the numbers of the events that it received. The goroutine that listens owns it.
	Heard []uint64
	// Code is the close code that it received, 0 for an end without one, and Why its reason; valid when it has ended.
	Code int
	Why  string

	over   atomic.Bool
	in     *bufio.Reader
	buf    []byte
	events atomic.Int64
}

// Dial connects, logs in and subscribes, and blocks until all of it is done, for at most 20 s. A refused handshake is a
// *server.Refused.
func Dial(address string, o Options) (*Client, error) {
	d := net.Dialer{Timeout: timeout, KeepAlive: -1, Control: buffer(o.Buffer)}
	if o.From != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(o.From)}
	}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Client{Conn: conn, Name: o.User, in: bufio.NewReaderSize(conn, 1024)}
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if err := c.handshake(address, o); err != nil {
		conn.Close()
		return nil, err
	}
	if err := c.login(o); err != nil {
		conn.Close()
		return nil, err
	}
	return c, conn.SetDeadline(time.Time{})
}

// handshake is the request by which a client asks for a socket, without the empty line that ends it.
func handshake(address, path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
}

func (c *Client) handshake(address string, o Options) error {
	path := o.Path
	if path == "" {
		path = "/ws"
	}
	request := handshake(address, path)
	if o.Offer != "" {
		request += "Sec-WebSocket-Extensions: " + o.Offer + "\r\n"
	}
	if _, err := c.Write([]byte(request + "\r\n")); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return fmt.Errorf("no answer to the handshake: %w", err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return &server.Refused{Status: answer.StatusCode, Retry: answer.Header.Get("Retry-After")}
	}
	return nil
}

// login logs in and subscribes; the pong to a ping behind these proves that the server has handled them.
func (c *Client) login(o Options) error {
	if o.User == "" {
		return nil
	}
	token, err := Token(o.User)
	if err != nil {
		return err
	}
	lines := []string{`{"type":"auth","token":"` + token + `"}`}
	for _, device := range o.Devices {
		lines = append(lines, fmt.Sprintf(`{"type":"subscribe","channel":"telemetry","device_id":%q}`, device))
	}
	for _, line := range append(lines, `{"type":"ping"}`) {
		if err := c.Send(line); err != nil {
			return err
		}
	}
	for {
		op, payload, err := c.Next()
		switch {
		case err != nil:
			return fmt.Errorf("%s waits to be let in: %w", o.User, err)
		case op != Text:
		case bytes.Contains(payload, []byte(`"error"`)):
			return fmt.Errorf("%s was told %.200s", o.User, payload)
		case bytes.Contains(payload, []byte(`"pong"`)):
			return nil
		default:
			c.record(payload)
		}
	}
}

// secret is the one of dev mode, which is public.
const secret = "parley-dev-secret-not-for-production"

// Token is a token of dev mode, good for an hour and, with a fixed time, always the same.
func Token(user string) (string, error) {
	claims := jwt.MapClaims{"sub": user, "exp": time.Now().Add(2 * time.Hour).Truncate(time.Hour).Unix()}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
}

// Events is how many events it has received. Any goroutine may call it.
func (c *Client) Events() int64 { return c.events.Load() }

// Over reports whether it has ended while a goroutine listened. Any goroutine may call it.
func (c *Client) Over() bool { return c.over.Load() }

// take puts an event into the history.
func (c *Client) record(payload []byte) {
	number, ok := server.Number(payload)
	if !ok {
		return
	}
	c.Heard = append(c.Heard, number)
	c.events.Add(1)
}

// Listen reads until the connection ends, and records that. After a close frame it hangs up, as clients do.
func (c *Client) Listen() {
	for {
		op, payload, err := c.Next()
		if err != nil {
			c.over.Store(true)
			if errors.Is(err, errClosed) {
				c.Conn.Close()
			}
			return
		}
		if op == Text {
			c.record(payload)
		}
	}
}

// Cut ends the connection without a close frame and without leaving the port in TIME_WAIT.
func (c *Client) Cut() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Conn.Close()
}

// String names it.
func (c *Client) String() string { return strings.Join([]string{"client", c.Name}, " ") }
