package websocket

import (
	"bufio"
	"net/http"

	"github.com/lxzan/gws"

	"github.com/parley-realtime/parley/actors/outbox"
)

// readBuffer is the buffer of a socket that reads, in bytes. Larger messages are read past it.
const readBuffer = 512

// upgrader makes gws connections for one message limit.
type upgrader struct {
	gws             *gws.Upgrader
	plain, deflated *http.Request // the handshake as gws is told of it; never changed
}

// newUpgrader makes the upgrader for messages of up to limit bytes.
func newUpgrader(limit int, config *Config) *upgrader {
	option := &gws.ServerOption{
		ReadMaxPayloadSize: limit,
		CheckUtf8Enabled:   true,
		ParallelGolimit:    1, // it is the length of a channel that each connection has
		NewSession:         func() gws.SessionStorage { return nil },
	}
	if config.Compression {
		// gws uses this for inflating alone, under one lock per pool entry.
		option.PermessageDeflate = gws.PermessageDeflate{Enabled: true, PoolSize: config.Writers}
	}
	return &upgrader{
		gws: gws.NewUpgrader(gwsEvents{}, option), plain: gwsRequest(""), deflated: gwsRequest(deflateAnswer),
	}
}

// gwsRequest is a handshake that passes gws's own checks.
func gwsRequest(extensions string) *http.Request {
	h := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	if extensions != "" {
		h["Sec-Websocket-Extensions"] = []string{extensions}
	}
	return &http.Request{Method: http.MethodGet, Header: h}
}

// newConn makes the gws side of a socket, which begins to read at the start of a frame. stream.Write drops gws's
// answer.
func (u *upgrader) newConn(s *socket) (*gws.Conn, error) {
	request := u.plain
	if s.window != noWindow {
		request = u.deflated
	}
	t := (*stream)(s)
	return u.gws.UpgradeFromConn(t, bufio.NewReaderSize(t, readBuffer), request)
}

// gwsEvents passes on what gws has read. gws calls it on the reader's goroutine.
type gwsEvents struct{}

// OnOpen does nothing: the node opened the session when the connection was made.
func (gwsEvents) OnOpen(*gws.Conn) {}

// OnMessage passes one message on. The link copies it, so that its buffer can go back to gws.
func (gwsEvents) OnMessage(c *gws.Conn, m *gws.Message) {
	s := socketOf(c)
	if s.logged {
		logMessage(s, "received", outbox.Op(m.Opcode), m.Bytes())
	}
	s.link.Receive(m.Bytes(), m.Opcode == gws.OpcodeBinary)
	_ = m.Close()
}

// OnPing answers through the outbox, in order with everything else. If the outbox is full, the peer does not read and
// gets no pong.
func (gwsEvents) OnPing(c *gws.Conn, payload []byte) {
	o := socketOf(c).outbox
	o.Charge(o.SendControl(outbox.Pong, payload, false))
}

// OnPong does nothing: stream.Read has told the link that the client lives.
func (gwsEvents) OnPong(*gws.Conn, []byte) {}

// OnClose notes why gws stopped reading. The reader acts on it when ReadLoop has returned.
func (gwsEvents) OnClose(c *gws.Conn, err error) { socketOf(c).gwsErr = err }

func socketOf(c *gws.Conn) *socket { return (*socket)(c.NetConn().(*stream)) }
