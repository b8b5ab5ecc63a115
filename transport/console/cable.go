package console

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// maxCables bounds the cables; one more is refused.
const maxCables = 256

// cables are what the clients of the playground are plugged in with: connections to this same server that can be cut
// without a goodbye, as a lost network cuts them, which no page can do to its own socket.
type cables struct {
	mu   sync.Mutex // guards open
	open map[string]*cable
}

// cable is one of them: both its ends.
type cable struct{ client, server net.Conn }

func (c *cable) cut() {
	c.client.Close()
	c.server.Close()
}

// add takes a cable in, and cuts the one that had its name; false if there are too many.
func (c *cables) add(name string, made *cable) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.open[name]
	if before == nil && len(c.open) >= maxCables {
		return false
	}
	if before != nil {
		before.cut()
	}
	if c.open == nil {
		c.open = map[string]*cable{}
	}
	c.open[name] = made
	return true
}

// remove forgets a cable that has ended, unless another has its name by now.
func (c *cables) remove(name string, ended *cable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[name] == ended {
		delete(c.open, name)
	}
}

// cut cuts a cable, and reports whether there was one.
func (c *cables) cut(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.open[name]
	if found != nil {
		found.cut()
	}
	return found != nil
}

// plugIn connects a client to the path behind the cable's name. It returns when the cable is cut or either end closes.
func (c *cables) plugIn(w http.ResponseWriter, r *http.Request) error {
	server, err := dialSelf(r)
	if err != nil {
		return err
	}
	defer server.Close()
	client, ahead, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer client.Close()
	_ = client.SetDeadline(time.Time{})
	name, made := r.PathValue("name"), &cable{client, server}
	if c.add(name, made) {
		defer c.remove(name, made)
		made.carry(ahead.Reader, r)
	}
	return nil
}

// carry sends the request to the server, and then what each end says to the other, until one of them closes. ahead is
// what the client says. It ends with the server's side too, so that a drain of the server ends all cables.
func (c *cable) carry(ahead *bufio.Reader, r *http.Request) {
	onward := r.Clone(context.Background())
	onward.URL.Path, onward.URL.RawPath = "/"+r.PathValue("path"), ""
	if onward.Write(c.server) != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(c.client, c.server) // whatever its end, the cable is cut
		c.cut()
	})
	io.Copy(c.server, ahead)
	c.cut()
	back.Wait()
}

// dialSelf connects to the address that a request came to.
func dialSelf(r *http.Request) (net.Conn, error) {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return nil, protocol.Refuse(protocol.NotFound, "this server has no address of its own")
	}
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(r.Context(), at.Network(), at.String())
}

// pull cuts the cable that the path names.
func (c *cables) pull(w http.ResponseWriter, r *http.Request) error {
	if !c.cut(r.PathValue("name")) {
		return protocol.Refuse(protocol.NotFound, "no such cable")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
