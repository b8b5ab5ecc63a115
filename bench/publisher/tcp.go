package publisher

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/parley-realtime/parley/bench/target"
)

// tcpTransport is a connection on which the server does not answer calls.
type tcpTransport struct {
	conn  net.Conn
	ended chan struct{} // closed by listen
	err   error         // why it ended; read after ended
}

func dialTCP(ctx context.Context, call *target.Call, address string, w *target.Values) (*tcpTransport, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(call.Hello.Append(nil, w)); err != nil {
		conn.Close()
		return nil, err
	}
	t := &tcpTransport{conn: conn, ended: make(chan struct{})}
	go t.listen(call, *w)
	return t, nil
}

// listen replies to messages of the server, such as pings, until the connection ends.
func (t *tcpTransport) listen(call *target.Call, w target.Values) {
	defer close(t.ended)
	buf := make([]byte, 16<<10)
	for {
		n, err := t.conn.Read(buf)
		for _, a := range call.Answer {
			when := []byte(a.When)
			if bytes.HasPrefix(buf[:n], when) || bytes.Contains(buf[:n], append([]byte("\n"), when...)) {
				_, _ = t.conn.Write(a.Say.Append(nil, &w)) // what it cannot write, call says
			}
		}
		if err != nil {
			t.err = fmt.Errorf("%w; it said %.200q last", err, buf[:n])
			return
		}
	}
}

// call implements transport.
func (t *tcpTransport) call(request []byte) error {
	select {
	case <-t.ended:
		return t.err
	default:
	}
	_ = t.conn.SetWriteDeadline(time.Now().Add(timeout))
	_, err := t.conn.Write(request)
	return err
}

func (t *tcpTransport) close() {
	t.conn.Close()
	<-t.ended
}
