package cluster

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/parley-realtime/parley/actors/mailbox"
)

// Times of connections to another node.
const (
	dialTimeout = time.Second
	redialAfter = 50 * time.Millisecond
)

// Peer is the connection to another node. Many goroutines may use it at once; none of its methods blocks.
type Peer struct {
	// Static.
	port     *Port
	address  string
	parcels  *queue
	messages *queue
	cancel   context.CancelFunc
}

// Connect dials a node until the port is closed or the peer ends. It returns at once; [Handler.Up] tells the rest.
func (p *Port) Connect(address string) *Peer {
	ctx, cancel := context.WithCancel(context.Background())
	peer := &Peer{port: p, address: address, parcels: newQueue(), messages: newQueue(), cancel: cancel}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		cancel()
		return peer
	}
	p.peers[peer] = true
	p.work.Go(func() { peer.run(ctx) })
	return peer
}

// Close ends the connection to the node. It does not wait for that.
func (p *Peer) Close() {
	p.port.mu.Lock()
	delete(p.port.peers, p)
	p.port.mu.Unlock()
	p.cancel()
}

// Address is the node's.
func (p *Peer) Address() string { return p.address }

// Parcel sends a parcel, which belongs to the peer from now on. It is lost while the stream is not open.
func (p *Peer) Parcel(parcel []byte) { p.parcels.add(parcel) }

// Message sends a message by the stream; it belongs to the peer from now on. The result is false if it is lost: the
// stream is not open, too much waits, or it is longer than MaxMessage.
func (p *Peer) Message(message []byte) bool {
	return len(message) <= MaxMessage && p.messages.add(message)
}

// run keeps a stream open.
func (p *Peer) run(ctx context.Context) {
	client, err := newClient(p.address, p.port.secure)
	if err != nil {
		p.port.handler.Down(p, false)
		return
	}
	defer func() { _ = client.Close() }()
	for ctx.Err() == nil {
		err := p.stream(ctx, client)
		if ctx.Err() != nil {
			return
		}
		p.port.handler.Down(p, errors.Is(err, syscall.ECONNREFUSED))
		if err != nil {
			wait(ctx, redialAfter)
		}
	}
}

// stream opens a stream and serves it until it ends. The error says why it could not be opened.
func (p *Peer) stream(ctx context.Context, client grpc.ClientConnInterface) error {
	conn, err := p.dial(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	defer parts.Wait()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	p.open(true)
	defer p.open(false)
	p.port.handler.Up(p, p.port.certificates.nodeOf(conn.ConnectionState().PeerCertificates[0]))
	parts.Go(func() { // nothing comes on this stream but its end
		_, _ = conn.Read(make([]byte, 1))
		cancel()
	})
	sender := mailbox.Sender{Node: p.port.certificates.Node(), Address: p.port.address, To: p.address}
	parts.Go(func() {
		for ctx.Err() == nil {
			_ = sender.Send(ctx, client, p.parcels.take) // the link tells what was lost
			wait(ctx, redialAfter)
		}
	})
	writeMessages(ctx, conn, p.messages)
	cancel()
	_ = conn.Close()
	return nil
}

func (p *Peer) open(open bool) {
	p.parcels.set(open)
	p.messages.set(open)
}

// wait blocks for a while, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
